/** Bytes. */
export const KiB = 1024
export const MiB = 1024 * KiB
export const GiB = 1024 * MiB

/** Milliseconds as seconds for people: `8`, `0.3`. */
export function inSeconds (ms: number): number {
  return Math.round(ms / 100) / 10
}

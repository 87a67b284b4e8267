/** Bytes. */
export const KiB = 1024
export const MiB = 1024 * KiB
export const GiB = 1024 * MiB

/** A time for people: `8 s`, `1.5 s`, `0.05 s`. What is left of a deadline is no round number. */
export function inSeconds (ms: number): string {
  const digits = ms < 1_000 ? 2 : ms < 9_950 ? 1 : 0
  return `${Number((ms / 1_000).toFixed(digits))} s`
}

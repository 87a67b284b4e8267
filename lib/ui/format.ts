const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** `1.5 MiB`; powers of 1024. */
export function formatBytes (bytes: number): string {
  let unit = 0
  let value = bytes
  for (; Math.round(value) >= 1_024 && unit < UNITS.length - 1; unit++) value /= 1_024
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2
  return `${value.toFixed(digits)} ${UNITS[unit]}`
}

export function formatRate (bytes: number, seconds: number): string {
  return `${formatBytes(bytes / Math.max(0.001, seconds))}/s`
}

export function formatSeconds (seconds: number): string {
  return `${seconds.toFixed(seconds < 10 && !Number.isInteger(seconds) ? 2 : 0)} s`
}

/** Enough of a digest to tell contents apart by eye, and to ask for one. */
export function shortDigest (digest: string): string {
  return digest.slice(0, 'blake3:'.length + 12)
}

/** `1,234 of 100,000 files` */
export function filesOf (files = 0, ofFiles: number): string {
  return `${files.toLocaleString('en')} of ${ofFiles.toLocaleString('en')} files`
}

/** `1 owner`, `2 owners`. */
export function count (number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

// Figures as people read them.
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** `1.5 MiB`; powers of 1024, as the commands have it. */
export function bytes (number) {
  let [value, unit] = [number, 0]
  for (; Math.round(value) >= 1024 && unit < UNITS.length - 1; unit++) value /= 1024
  return `${value.toFixed(unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2)} ${UNITS[unit]}`
}

export function rate (number) {
  return `${bytes(number)}/s`
}

export function count (number, noun) {
  return `${number.toLocaleString('en')} ${noun}${number === 1 ? '' : 's'}`
}

/** `12 s`, `5 min`, `3 h`, `4 days`. */
export function span (seconds) {
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s`
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`
  if (seconds < 86_400) return `${Math.round(seconds / 3600)} h`
  return count(Math.round(seconds / 86_400), 'day')
}

export function fullDate (seconds) {
  return new Date(seconds * 1000).toLocaleString()
}

/** A name as a shell takes it. */
export function shellQuote (name) {
  return /^[\w.,:+@%/=-]+$/.test(name) && !name.startsWith('-') ? name : `'${name.replaceAll("'", "'\\''")}'`
}

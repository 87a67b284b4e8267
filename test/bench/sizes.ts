const FACTORS = new Map([['', 1], ['K', 1_024], ['M', 1_024 ** 2], ['G', 1_024 ** 3], ['T', 1_024 ** 4]])

/** Bytes: `4G`, `64M`, `1000`; the letters are powers of 1024. @throws for anything else. */
export function parseSize (text: string): number {
  const [, digits = '', letter = ''] = /^([1-9]\d{0,14})([KMGT]?)$/i.exec(text) ?? []
  const bytes = Number(digits) * (FACTORS.get(letter.toUpperCase()) ?? NaN)
  if (digits === '' || !Number.isSafeInteger(bytes)) throw new Error(`${JSON.stringify(text)} is no size, such as 1048576, 64M or 4G`)
  return bytes
}

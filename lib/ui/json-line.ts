/** What some readers take for the end of a line, and JSON leaves as it is: a name may hold it. */
const LINE_ENDS = /[\u0085\u2028\u2029]/g

/** As one line of JSON, whoever splits the output into lines. */
export function jsonLine (value: object): string {
  return JSON.stringify(value).replace(LINE_ENDS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

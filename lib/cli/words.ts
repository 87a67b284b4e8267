/**
 * A line as words, quoted as in a POSIX shell: nothing is special between single quotes; between
 * double quotes a backslash keeps `$`, a backquote, `"` and itself from being special, and before any
 * other character it is one itself; outside of quotes it takes the next character as it is.
 *
 * Nothing else that a shell does is done here: `$HOME`, `*` and `;` are characters of names.
 */
const BLANK = /[ \t\r]/
const ESCAPED_IN_QUOTES = /["\\$`]/

/** @throws Error if the line ends within quotes, or after a backslash. */
export function splitWords (line: string): string[] {
  const words: string[] = []
  let word: string | undefined
  let quote: '"' | '\'' | undefined
  for (let at = 0; at < line.length; at++) {
    const character = line.charAt(at)
    const next = line.charAt(at + 1)
    if (quote === undefined && BLANK.test(character)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else if (character === quote) {
      quote = undefined
    } else if (quote === undefined && (character === '"' || character === '\'')) {
      quote = character
      // A pair of quotes with nothing in it is a word.
      word ??= ''
    } else if (character === '\\' && (quote === undefined || (quote === '"' && ESCAPED_IN_QUOTES.test(next)))) {
      if (next === '') throw new Error('nothing stands after the last backslash')
      word = (word ?? '') + next
      at++
    } else {
      word = (word ?? '') + character
    }
  }
  if (quote !== undefined) throw new Error(`a ${quote === '"' ? 'double' : 'single'} quote is not closed`)
  if (word !== undefined) words.push(word)
  return words
}

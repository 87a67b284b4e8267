import picomatch from 'picomatch'
import { PiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import type { Manifest } from './manifest.js'

type Matcher = (path: string) => boolean

/**
 * The entries that any of the patterns wants, by their numbers, ascending; all where there is no pattern.
 *
 * @param patterns as picomatch has them; who wants a path wants what is below it
 * @throws E_USAGE for one that matches nothing, or is none.
 */
export function selectEntries (manifest: Manifest, patterns: readonly string[]): Uint32Array {
  if (patterns.length === 0) return Uint32Array.from({ length: manifest.entryCount }, (_, index) => index)
  const matchers = patterns.map(matcherOf)
  const unused = new Set(matchers)
  const selected = new Uint32Array(manifest.entryCount)
  let count = 0
  for (let index = 0; index < manifest.entryCount; index++) {
    const path = manifest.path(index)
    let isWanted = false
    for (const matches of matchers) {
      // One that has matched before need not be asked once another has matched here.
      if ((isWanted && !unused.has(matches)) || !matches(path)) continue
      isWanted = true
      unused.delete(matches)
    }
    if (isWanted) selected[count++] = index
  }
  const useless = matchers.findIndex((matches) => unused.has(matches))
  if (useless >= 0) throw new PiecemealError('E_USAGE', `nothing in the folder matches ${quote(patterns[useless] ?? '')}`)
  return selected.slice(0, count)
}

function matcherOf (pattern: string): Matcher {
  // `!a` leaves out what is below a as well; `!(a)` is another thing.
  const [, marks = '', glob = ''] = /^((?:!(?!\())*)(.*?)\/*$/s.exec(pattern) ?? []
  try {
    // A name may hold U+2028, which `.` of a regular expression does not match by itself.
    const matches = picomatch([glob, `${glob}/**`], { dot: true, nonegate: true, flags: 's', windows: false })
    return marks.length % 2 === 0 ? (path) => matches(path) : (path) => !matches(path)
  } catch (error) {
    throw new PiecemealError('E_USAGE', `${quote(pattern)} is no pattern`, { cause: error })
  }
}

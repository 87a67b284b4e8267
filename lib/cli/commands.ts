/** The command language: one line, one command. */
import type { NodeLimits } from '../node/options.js'
import { isDigestQuestion } from '../protocol/content.js'
import { PiecemealError } from '../protocol/errors.js'
import { parseRate } from './rate.js'
import { splitWords } from './words.js'

export type Command =
  | { name: 'upload', files: string[], as?: string, times?: true, skipSpecial?: true, allowShrink?: true }
  | { name: 'download', files: string[], digest?: string, to?: string, only?: string[], skipMissing?: boolean, update?: boolean, allowShrink?: boolean }
  | { name: 'cancel', files: string[], to?: string }
  | { name: 'unshare', files: string[] }
  | { name: 'verify', files: string[] }
  | { name: 'list', prefix: string }
  | { name: 'status' }
  | { name: 'limits' }
  | { name: 'limit', direction: keyof NodeLimits, bytesPerSecond: number | undefined }
  | { name: 'exit' }
  | { name: 'help' }

/** A blank line, or a comment; editors of Windows put a byte order mark before what they save. */
const NOTHING = /^\uFEFF?[ \t\r]*(?:#|$)/

/**
 * A command, or undefined for a line that holds none.
 *
 * @throws E_USAGE, saying what is wrong.
 */
export function parseCommand (line: string): Command | undefined {
  if (NOTHING.test(line)) return undefined
  const [torrent, ...words] = wordsOf(line.replace(/^\uFEFF/, ''))
  if (torrent !== 'torrent') throw usage(`a command begins with torrent, not ${JSON.stringify(torrent ?? '')}`)
  return commandOf(words)
}

/** The words of a line after `torrent`. @throws E_USAGE. */
export function commandOf ([verb, ...rest]: readonly string[]): Command {
  switch (verb) {
    case '-setMode':
    case '-m': return parseMode(rest)
    case 'cancel': return parseCancel(rest)
    case 'unshare': return { name: 'unshare', files: filesOf(rest) }
    case 'verify': return { name: 'verify', files: operandsOf(rest) }
    case 'list': return { name: 'list', prefix: onlyWord(rest) ?? '' }
    case 'limit': return parseLimit(rest)
    case 'status':
    case 'exit':
    case 'help':
      if (rest.length > 0) throw usage(`torrent ${verb} takes nothing more`)
      return { name: verb }
    default: throw usage(verb === undefined ? 'torrent what?' : `torrent has no ${JSON.stringify(verb)}`)
  }
}

function parseMode ([mode, ...words]: string[]): Command {
  if (mode === 'upload') {
    const times = takeFlag('--times', words)
    const skipSpecial = takeFlag('--skip-special', times.others)
    const allowShrink = takeFlag('--allow-shrink', skipSpecial.others)
    const { value, others } = takeOption('--as', 'a name', allowShrink.others)
    return {
      name: 'upload',
      files: filesOf(others),
      ...(value !== undefined && { as: value }),
      ...(times.isGiven && { times: true }),
      ...(skipSpecial.isGiven && { skipSpecial: true }),
      ...(allowShrink.isGiven && { allowShrink: true }),
    }
  }
  if (mode === 'download') {
    const { to, rest } = takeTo(words)
    const { isGiven: skipMissing, others: unflagged } = takeFlag('--skip-missing', rest)
    const update = takeFlag('--update', unflagged)
    const allowShrink = takeFlag('--allow-shrink', update.others)
    const { values: only, others: unpatterned } = takeAll('--only', 'a pattern', allowShrink.others)
    const { value, others } = takeOption('--digest', 'a digest, or its first 8 or more hex digits', unpatterned)
    const digest = value?.toLowerCase()
    if (digest !== undefined && !isDigestQuestion(digest)) throw wants('--digest', 'a digest, or its first 8 or more hex digits')
    return { name: 'download', ...going(filesOf(others), to), ...(digest !== undefined && { digest }), ...(only.length > 0 && { only }), ...(skipMissing && { skipMissing }), ...(update.isGiven && { update: true }), ...(allowShrink.isGiven && { allowShrink: true }) }
  }
  throw usage(`-setMode wants upload or download, not ${JSON.stringify(mode ?? '')}`)
}

function parseCancel (words: string[]): Command {
  const { to, rest } = takeTo(words)
  return { name: 'cancel', ...going(filesOf(rest), to) }
}

function takeTo (words: string[]): { to?: string | undefined, rest: string[] } {
  const { value: to, others: rest } = takeOption('--to', 'a folder, or a path', words, Infinity)
  return { to, rest }
}

/** Where several files go is a folder. */
function going (files: string[], to: string | undefined): { files: string[], to?: string } {
  return { files, ...(to !== undefined && { to: files.length > 1 && !to.endsWith('/') ? `${to}/` : to }) }
}

function parseLimit ([direction, rate, ...others]: string[]): Command {
  if (direction === undefined) return { name: 'limits' }
  if (direction !== 'up' && direction !== 'down') throw usage(`torrent limit wants up or down, not ${JSON.stringify(direction)}`)
  if (rate === undefined || others.length > 0) throw usage(`torrent limit ${direction} wants one rate, as in 50M, or off`)
  return { name: 'limit', direction, bytesPerSecond: parseRate(rate) }
}

function filesOf (words: string[]): string[] {
  const files = operandsOf(words)
  if (files.length === 0) throw usage('which file?')
  return files
}

/** `--digest HEX` and the like may stand anywhere among the files, but after `--`, and most go with one file; what looks like another flag is a file's name. */
function takeOption (option: string, what: string, words: string[], mostFiles = 1): { value?: string, others: string[] } {
  const end = words.indexOf('--')
  const at = words.indexOf(option)
  // Alone it can only be a file of that name.
  if (at < 0 || (end >= 0 && at > end) || words.length === 1) return { others: words }
  const value = words[at + 1]
  if (value === undefined) throw wants(option, what)
  const others = words.toSpliced(at, 2)
  if (operandsOf(others).length > mostFiles) throw usage(`${option} goes with one file`)
  return { value, others }
}

/** An option that may be given several times. */
function takeAll (option: string, what: string, words: string[]): { values: string[], others: string[] } {
  const { value, others } = takeOption(option, what, words, Infinity)
  if (value === undefined) return { values: [], others }
  const { values, others: rest } = takeAll(option, what, others)
  return { values: [value, ...values], others: rest }
}

/** An option without a value. */
function takeFlag (flag: string, words: string[]): { isGiven: boolean, others: string[] } {
  const end = words.indexOf('--')
  const at = words.indexOf(flag)
  // Alone it can only be a file of that name.
  const isGiven = at >= 0 && (end < 0 || at < end) && words.length > 1
  return { isGiven, others: isGiven ? words.toSpliced(at, 1) : words }
}

function wants (option: string, what: string): PiecemealError {
  return usage(`${option} wants ${what}; a file of that name is asked for after --`)
}

function onlyWord (words: string[]): string | undefined {
  const [word, extra] = operandsOf(words)
  if (extra !== undefined) throw usage(`${JSON.stringify(extra)} is one word too many`)
  return word
}

/** All words but the first `--`, which ends options. */
function operandsOf (words: string[]): string[] {
  const end = words.indexOf('--')
  return end < 0 ? words : words.toSpliced(end, 1)
}

function wordsOf (line: string): string[] {
  try {
    return splitWords(line)
  } catch (cause) {
    throw usage(`${cause instanceof Error ? cause.message : String(cause)} in ${JSON.stringify(line.slice(0, 200))}`, cause)
  }
}

function usage (message: string, cause?: unknown): PiecemealError {
  return new PiecemealError('E_USAGE', `${message} (torrent help lists the commands)`, { cause })
}

/**
 * `piecemeal`: finds out what is asked for, and has it done. Nothing is loaded but what that takes, so
 * help, version and the doctor work where a native package is missing.
 */
import { PiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import { endWith, failStart, standardOutput, version } from '../cli/process.js'
import type { Output } from '../ui/reporter.js'
import { commandUsage, usage as piecemealUsage } from './help.js'
import { readConfigFiles, settingsFor, usage, type ConfigFile, type Settings } from './settings.js'
import { nearest } from './nearest.js'
import { COMMANDS, commandRow, isCommand, type CommandName } from './table.js'

/** What does a command. @returns the exit status */
type Does = (settings: Settings, output: Output) => Promise<number>

const DOES: { [Name in Exclude<CommandName, 'tracker' | 'node' | '__complete'>]: () => Promise<Does> } = {
  share: async () => (await import('./share.js')).share,
  get: async () => (await import('./get.js')).get,
  list: async () => (await import('./ask.js')).list,
  status: async () => (await import('./ask.js')).status,
  cancel: async () => (await import('./ask.js')).cancel,
  unshare: async () => (await import('./ask.js')).unshare,
  verify: async () => (await import('./ask.js')).verify,
  token: async () => (await import('./ask.js')).token,
  up: async () => (await import('./up.js')).up,
  down: async () => (await import('./up.js')).down,
  doctor: async () => (await import('./doctor.js')).doctor,
  completion: async () => (await import('./completion.js')).completion,
}

/** What others call it. */
const OTHER_WORDS: ReadonlyMap<string, string> = new Map([
  ['-v', '--version'], ['-V', '--version'], ['upload', 'share'], ['send', 'share'], ['serve', 'share'], ['seed', 'share'],
  ['download', 'get'], ['fetch', 'get'], ['receive', 'get'], ['ls', 'list'], ['start', 'up'], ['stop', 'down'],
])

/** The exit status. */
async function main ([word, ...argv]: readonly string[], output: Output): Promise<number> {
  try {
    if (word === '--version' || word === 'version') return say(output, await version())
    if (word === undefined) return say(output, piecemealUsage(), 2)
    if (word === '--help' || word === '-h' || word === 'help') return say(output, helpOn(argv[0]))
    if (word.startsWith('-') && !OTHER_WORDS.has(word)) throw usage(`${quote(word)} stands before a command: piecemeal COMMAND ${word}`)
    if (!isCommand(word)) throw usage(`piecemeal has no command ${quote(word)}${didYouMean(word)}`)
    if (word === '__complete') return await (await import('./completion.js')).complete(argv, output)
    // bin/ starts these two before this is loaded.
    if (word === 'tracker' || word === 'node') throw new Error(`${word} was not handed on`)
    // A ticket is a secret, and anybody may read the list of processes.
    process.title = `piecemeal ${word}`
    const isTolerant = word === 'doctor'
    const settings = settingsFor(word, argv, { environment: process.env, files: await configFiles(isTolerant, output) }, isTolerant)
    if (settings.is('help')) return say(output, commandUsage(word))
    for (const warning of settings.warnings) output.err(`warning: ${warning}`)
    const does = await DOES[word]()
    return await does(settings, output)
  } catch (error) {
    return failStart(error, output)
  }
}

function helpOn (word: string | undefined): string {
  return word !== undefined && isCommand(word) && commandRow(word).passesOn !== true ? commandUsage(word) : piecemealUsage()
}

async function configFiles (isTolerant: boolean, { err }: Output): Promise<ConfigFile[]> {
  try {
    return await readConfigFiles(process.env)
  } catch (error) {
    if (!isTolerant || !(error instanceof PiecemealError)) throw error
    err(`warning: ${error.message}`)
    return []
  }
}

function didYouMean (word: string): string {
  const known = [...(Object.keys(COMMANDS) as CommandName[]).filter((name) => commandRow(name).isHidden !== true), '--help', '--version']
  const meant = OTHER_WORDS.get(word) ?? nearest(word, known)
  return meant === undefined ? '' : `; did you mean ${meant}?`
}

function say ({ out }: Output, text: string, status = 0): number {
  out(text)
  return status
}

const output = standardOutput()
endWith(await main(process.argv.slice(2), output), output)

/**
 * The commands of `piecemeal` and their options: `--help`, the completion of shells and the man page
 * are all made from this, and what is typed is checked against it.
 */
import { parseHost, parseTrackers } from '../cli/addresses.js'
import { parseDuration } from '../cli/duration.js'
import { parseRate } from '../cli/rate.js'
import { isDigestQuestion } from '../protocol/content.js'
import { PiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'

export interface OptionRow {
  /** What stands after it; without one it is a flag. */
  value?: string
  /** It may stand alone: `--keep-sharing`, or `--keep-sharing=5`. */
  isValueOptional?: true
  /** It may be given more than once. */
  isRepeated?: true
  short?: string
  /** Never taken from the environment or a file: it overwrites, or exposes. */
  isTypedOnly?: true
  /** Throws E_USAGE for a value that makes no sense. */
  parse?: (text: string) => unknown
  means: string
}

export interface CommandRow {
  operands: string
  least: number
  most: number
  /** Names of options. */
  options: readonly string[]
  does: string
  /** More than one line, for its own help. */
  about?: string
  /** Not for people. */
  isHidden?: true
  /** Its words are those of another command. */
  passesOn?: true
}

function parseDigestQuestion (text: string): void {
  if (!isDigestQuestion(text.toLowerCase())) throw new PiecemealError('E_USAGE', `a digest, or its first 8 or more hex digits, is wanted, not ${quote(text)}`)
}

const NETWORK = ['tracker', 'secret-file', 'old-secret-file', 'insecure', 'no-discovery'] as const
const NODE = ['name', 'host', 'up', 'down'] as const

export const OPTIONS = {
  as: { value: 'NAME', means: 'the name that it is shared under; with one PATH' },
  times: { means: 'of a folder: the times of its files are part of it' },
  'skip-special': { means: 'of a folder: leave out devices, pipes, and links that lead outside' },
  'allow-shrink': { isTypedOnly: true, means: 'of a folder: even if it has lost more than half, or with --update would lose it' },
  once: { means: 'end when somebody has got all of it' },
  here: { means: 'a share of its own with a ticket, even if there is a tracker or a node of yours' },
  advertise: { value: 'HOST[:PORTS]', means: 'where others reach this machine, through a forward or in a container; with :TRACKER:INPUT:OUTPUT of a ticket, with :INPUT:OUTPUT otherwise' },
  ports: { value: 'TRACKER:INPUT:OUTPUT', means: 'the ports to listen on, for a firewall or a forward (default any free ones, or those of --advertise)' },
  file: { value: 'NAME', isRepeated: true, means: 'a file whose name looks like a ticket, or an option' },
  digest: { value: 'HEX', parse: parseDigestQuestion, means: 'which content, where several have that name: its digest, or the first 8 or more digits' },
  to: { value: 'PATH', means: 'into that folder, or under that new name (default the working directory)' },
  only: { value: 'GLOB', isRepeated: true, means: 'of a folder: those paths alone' },
  'skip-missing': { means: 'of a folder: without what nobody has any more, or this disk can\'t hold; then the exit status is 24' },
  update: { isTypedOnly: true, means: 'replace what is there by a version after it, if it is as it came' },
  'keep-sharing': { value: 'MINUTES', isValueOptional: true, parse: (text) => text === '' || parseDuration(text), means: 'share on afterwards, for so long, or until Ctrl-C; a node of yours that is up does it instead' },
  null: { short: '0', means: 'end each path with a NUL instead of a newline' },
  tracker: { value: 'HOST:PORT', parse: (text) => text === 'auto' || parseTrackers(text), short: 't', isRepeated: true, means: 'the tracker, or with commas several that share a registry (default: the one that is found on this network, else 127.0.0.1:12340)' },
  'secret-file': { value: 'F', means: 'the file of the network\'s secret' },
  'old-secret-file': { value: 'F', means: 'the secret before that one, accepted as well' },
  insecure: { isTypedOnly: true, means: 'take a network without a secret, and be open to everybody in it' },
  'no-discovery': { means: 'do not look for a tracker, or do not let others find this one' },
  name: { value: 'NAME', short: 'n', means: 'the node\'s name (default the host\'s)' },
  host: { value: 'HOST', parse: (text) => parseHost(text, '--host'), means: 'the name or address to listen on (default all of this machine\'s, if there is a secret)' },
  up: { value: 'RATE', parse: parseRate, means: 'let file data out no faster than this, as in 800K, 50M, 1.5G bytes a second' },
  down: { value: 'RATE', parse: parseRate, means: 'let file data in no faster than this' },
  'give-up': { value: 'TIME', parse: parseDuration, means: 'end a download that has had no new byte for so long: 30s, 10m, 1h (default 10m)' },
  folder: { value: 'DIR', means: 'the folder that it fetches into (default ~/.local/share/piecemeal)' },
  foreground: { means: 'stay in the foreground, as a service manager wants it' },
  install: { means: 'make a systemd unit of this user that starts it, and start that' },
  log: { value: 'FORMAT', means: 'json: one JSON object a line of all that is told' },
  metrics: { means: 'the one that is good for metrics alone' },
  socket: { value: 'PATH', means: 'the control socket (default in /run/user/UID/piecemeal)' },
  json: { means: 'one JSON object a line on standard output instead of text' },
  help: { means: 'what there is' },
  version: { means: 'the version' },
} as const satisfies Record<string, OptionRow>

export type OptionName = keyof typeof OPTIONS

const ANY = Infinity
const ASKING = ['name', 'socket', 'json'] as const

export const COMMANDS = {
  share: {
    operands: 'PATH…',
    least: 1,
    most: ANY,
    options: ['as', 'times', 'skip-special', 'allow-shrink', 'once', 'here', 'advertise', 'ports', 'tracker', 'secret-file', 'old-secret-file', 'insecure', ...NODE, 'socket', 'json'],
    does: 'share files and folders where they lie, and say how others get them',
    about: 'Prints one line to be typed on the other machines. What stands in it, the ticket, is a secret: whoever has it can fetch what is shared, for as long as this command runs. Ctrl-C ends it.',
  },
  get: {
    operands: 'TICKET|NAME…',
    least: 0,
    most: ANY,
    options: ['file', 'digest', 'to', 'only', 'update', 'skip-missing', 'allow-shrink', 'keep-sharing', 'null', 'advertise', ...NETWORK, ...NODE, 'give-up', 'socket', 'json'],
    does: 'fetch what a ticket is about, or files of a tracker by their names',
    about: 'Prints the paths of what it has fetched, and nothing else, on standard output. `get -` reads the ticket from standard input; the variable PIECEMEAL_TICKET is another way to keep it out of the list of processes.',
  },
  list: { operands: '[PREFIX]', least: 0, most: 1, options: [...NETWORK, ...ASKING], does: 'the files in the network' },
  status: { operands: '', least: 0, most: 0, options: [...NETWORK, ...ASKING], does: 'what your node shares, fetches and serves right now' },
  cancel: { operands: 'NAME', least: 1, most: 1, options: ['to', ...ASKING], does: 'end a download, and remove what is kept of it; with --to what an interrupted get has left there' },
  unshare: { operands: 'NAME', least: 1, most: 1, options: ASKING, does: 'let your node share it no longer' },
  verify: { operands: '[NAME]', least: 0, most: 1, options: ASKING, does: 'digest what your node shares again' },
  token: { operands: '', least: 0, most: 0, options: ['metrics', 'secret-file', ...ASKING], does: 'the token that the HTTP ports of a network ask for: of its secret, or of the one that your node has' },
  up: {
    operands: '',
    least: 0,
    most: 0,
    options: ['folder', 'foreground', 'install', 'advertise', 'ports', ...NETWORK, ...NODE, 'give-up', 'log', 'socket', 'json'],
    does: 'start a node in the background, which remembers what it shares and fetches',
  },
  down: { operands: '', least: 0, most: 0, options: ASKING, does: 'end it' },
  tracker: { operands: '…', least: 0, most: ANY, options: [], does: 'run a tracker: bin/tracker', passesOn: true },
  node: { operands: '…', least: 0, most: ANY, options: [], does: 'run a node that is told what to do on standard input: bin/node', passesOn: true },
  doctor: { operands: '', least: 0, most: 0, options: ['folder', ...NETWORK, 'host', 'advertise', 'socket', 'json'], does: 'look at what goes wrong on this machine and this network' },
  completion: { operands: 'bash|zsh|fish', least: 1, most: 1, options: [], does: 'a script for your shell that completes these commands' },
  __complete: { operands: '…', least: 0, most: ANY, options: [], does: 'the words that could come next', isHidden: true, passesOn: true },
} as const satisfies Record<string, CommandRow>

export type CommandName = keyof typeof COMMANDS

export function commandRow (name: CommandName): CommandRow {
  return COMMANDS[name]
}

export function optionRow (name: OptionName): OptionRow {
  return OPTIONS[name]
}

/** Those of a command, with the two that all have. */
export function optionsOf (name: CommandName): OptionName[] {
  return [...commandRow(name).options, 'help'] as OptionName[]
}

export function isCommand (word: string): word is CommandName {
  return Object.hasOwn(COMMANDS, word)
}

export function isOption (word: string): word is OptionName {
  return Object.hasOwn(OPTIONS, word)
}

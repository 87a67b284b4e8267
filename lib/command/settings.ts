/** What a command was told: by flags, else by variables, else by a file, and where each setting came from. */
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import minimist from 'minimist'
import { isObject } from '../protocol/check.js'
import { PiecemealError, systemCode } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import { nearest } from './nearest.js'
import { commandRow, isOption, OPTIONS, optionRow, optionsOf, type CommandName, type OptionName } from './table.js'

export type Environment = Readonly<Record<string, string | undefined>>
type Value = string | boolean | string[]

/** In the order in which they win. */
export interface Sources {
  environment: Environment
  /** Files that may hold settings; the first wins. */
  files: readonly ConfigFile[]
}

export interface ConfigFile {
  path: string
  values: ReadonlyMap<OptionName, string | boolean>
}

/** Where variables of ours come from that nobody has set on purpose. */
const SERVICE_LINK = /^(?:tcp|udp):\/\//
const TRUE = new Set(['1', 'true'])
const FALSE = new Set(['0', 'false'])
const MOST_CONFIG_BYTES = 64 * 1_024

export class Settings {
  readonly operands: readonly string[]
  /** A sentence each. */
  readonly warnings: readonly string[]
  readonly #values: ReadonlyMap<OptionName, { value: Value, from: string }>

  constructor (operands: readonly string[], values: ReadonlyMap<OptionName, { value: Value, from: string }>, warnings: readonly string[] = []) {
    this.operands = operands
    this.#values = values
    this.warnings = warnings
  }

  is (name: OptionName): boolean {
    return this.#values.get(name)?.value === true
  }

  /** The last, where there are several. */
  text (name: OptionName): string | undefined {
    return this.texts(name).at(-1)
  }

  texts (name: OptionName): string[] {
    const value = this.#values.get(name)?.value
    return value === undefined || typeof value === 'boolean' ? [] : [value].flat()
  }

  /** `--name`, the variable, or the path of the file. */
  from (name: OptionName): string | undefined {
    return this.#values.get(name)?.from
  }

  /** An option as its parser has it, by a name of the code. @throws what `parse` throws. */
  optional<Name extends string, T> (name: Name, option: OptionName, parse: (text: string) => T | undefined): { [N in Name]?: T } {
    const text = this.text(option)
    const parsed = text === undefined ? undefined : parse(text)
    return (parsed === undefined ? {} : { [name]: parsed }) as { [N in Name]?: T }
  }
}

/**
 * The settings of one command.
 *
 * @param isTolerant whether what makes no sense in variables and files is left out and warned of
 * @throws E_USAGE for whatever makes no sense.
 */
export function settingsFor (command: CommandName, argv: readonly string[], { environment, files }: Sources, isTolerant = false): Settings {
  // The doctor looks at those of all commands.
  const names = isTolerant ? Object.keys(OPTIONS) as OptionName[] : optionsOf(command)
  const { operands, flags } = parseFlags(command, argv)
  const values = new Map<OptionName, { value: Value, from: string }>()
  const warnings: string[] = []
  const tolerating = (work: () => void): void => {
    try {
      work()
    } catch (error) {
      if (!isTolerant || !(error instanceof PiecemealError)) throw error
      warnings.push(error.message)
    }
  }
  for (const { path, values: kept } of [...files].reverse()) {
    for (const [name, value] of kept) if (names.includes(name)) tolerating(() => values.set(name, { value: checked(name, value, `${quote(path)}: ${name}`), from: path }))
  }
  for (const name of names) {
    const variable = variableOf(name)
    if (variable === undefined) continue
    const text = environment[variable]
    if (text === undefined || text === '') continue
    if (SERVICE_LINK.test(text)) warnings.push(`the variable ${variable} is a service link of Kubernetes or Docker, and ignored`)
    else tolerating(() => values.set(name, { value: checked(name, text, variable), from: variable }))
  }
  for (const [name, value] of flags) {
    if (typeof value !== 'boolean') for (const text of [value].flat()) understand(name, text, `--${name}`)
    values.set(name, { value, from: `--${name}` })
  }
  return new Settings(operands, values, warnings)
}

/** The variable of an option, if it has one. */
export function variableOf (name: OptionName): string | undefined {
  return optionRow(name).isTypedOnly || name === 'help' || name === 'version' ? undefined : `PIECEMEAL_${name.toUpperCase().replaceAll('-', '_')}`
}

function isSetting (name: string): boolean {
  return isOption(name) && variableOf(name) !== undefined
}

/** @throws E_USAGE, with the nearest key for one that is unknown. */
export async function readConfigFiles ({ XDG_CONFIG_HOME: config = '' }: Environment, paths = [join(isAbsolute(config) ? config : join(homedir(), '.config'), 'piecemeal', 'config.json'), '/etc/piecemeal/config.json']): Promise<ConfigFile[]> {
  const files = await Promise.all(paths.map(async (path) => await readConfig(path)))
  return files.filter((file) => file !== undefined)
}

async function readConfig (path: string): Promise<ConfigFile | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(systemCode(error) ?? '')) return undefined
    throw usage(`cannot read ${quote(path)}: ${systemCode(error) ?? String(error)}`)
  }
  if (text.length > MOST_CONFIG_BYTES) throw usage(`${quote(path)} is longer than ${MOST_CONFIG_BYTES} bytes`)
  let object: unknown
  try {
    object = JSON.parse(text)
  } catch (cause) {
    throw usage(`${quote(path)} is no JSON: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
  if (!isObject(object)) throw usage(`${quote(path)} is no JSON object`)
  const values = new Map<OptionName, string | boolean>()
  for (const [key, value] of Object.entries(object)) {
    if (!isOption(key)) throw usage(`${quote(path)}: ${quote(key)} is no setting${didYouMean(key, Object.keys(OPTIONS).filter(isSetting), '')}`)
    if (!isSetting(key)) throw usage(`${quote(path)}: ${quote(key)} is no setting: it is typed each time, as --${key}`)
    if (typeof value !== 'string' && typeof value !== 'boolean' && typeof value !== 'number') throw usage(`${quote(path)}: ${key} is neither a text, a number, nor true or false`)
    values.set(key, typeof value === 'number' ? String(value) : value)
  }
  return { path, values }
}

/** From a variable or a file. */
function checked (name: OptionName, value: string | boolean, where: string): Value {
  const { value: wanted, isRepeated } = optionRow(name)
  if (wanted === undefined) {
    if (value === true || TRUE.has(String(value))) return true
    if (value === false || FALSE.has(String(value))) return false
    throw usage(`${where} is 1, 0, true or false, not ${quote(String(value))}`)
  }
  if (typeof value === 'boolean') throw usage(`${where} wants ${wanted}, not ${value}`)
  understand(name, value, where)
  return isRepeated ? [value] : value
}

/** At once, before anything is looked for or started. @throws E_USAGE, which names where it stands. */
function understand (name: OptionName, text: string, where: string): void {
  try {
    optionRow(name).parse?.(text)
  } catch (error) {
    if (!(error instanceof PiecemealError)) throw error
    throw new PiecemealError(error.code, `${where}: ${error.message}`)
  }
}

function parseFlags (command: CommandName, argv: readonly string[]): { operands: string[], flags: Array<[OptionName, Value]> } {
  const names = optionsOf(command)
  const rows = names.map((name) => [name, optionRow(name)] as const)
  const string = rows.filter(([, { value }]) => value !== undefined).map(([name]) => name)
  const plain = argv.map((word, at) => isAfterEnd(argv, at) ? word : bare(word, names))
  for (const word of argv.slice(0, endOf(argv))) throwOnForeign(word, names, string)
  const { _: operands, ...flags } = minimist(plain, {
    string: [...string, '_'],
    boolean: names.filter((name) => !string.includes(name)).map(minimistName),
    alias: Object.fromEntries(rows.flatMap(([name, { short }]) => short === undefined ? [] : [[short, name]])),
    unknown: (word) => {
      if (word.startsWith('-') && word !== '-') throw usage(`${quote(word)} is no option${didYouMean(word.replace(/^-+/, ''), names)}`)
      return true
    },
  })
  const { least, most, operands: wanted } = commandRow(command)
  if (flags.help !== true && operands.length < least) throw usage(`piecemeal ${command} wants ${wanted}`)
  // As of a script whose variable is not set: a path of no letters would be the working directory.
  if (command !== 'list' && operands.includes('')) throw usage(`piecemeal ${command} wants ${wanted}, and one of them is empty`)
  if (operands.length > most) throw usage(`${quote(operands[most] ?? '')} is one word too many`)
  const given = names.flatMap((name): Array<[OptionName, Value]> => {
    const value = flags[minimistName(name)] as Value | undefined
    const { isRepeated, isValueOptional } = optionRow(name)
    if (value === undefined || value === false) return []
    if (Array.isArray(value) && !isRepeated) throw usage(`--${name} is given twice`)
    if ([value].flat().includes('') && !isValueOptional) throw usage(`--${name} wants a value`)
    return [[name, value]]
  })
  return { operands, flags: given }
}

/** As minimist has to see it: it takes `--no-x` for "x is false", and the next word for any option's value. */
function bare (word: string, names: readonly OptionName[]): string {
  if (word.startsWith('--no-')) return `--${minimistName(word.slice(2))}`
  const name = word.replace(/^--/, '')
  if (word.startsWith('--') && isOption(name) && names.includes(name) && optionRow(name).isValueOptional) return `${word}=`
  return word
}

function minimistName (name: string): string {
  return name.replace(/^no-/, 'no_')
}

function throwOnForeign (word: string, names: readonly string[], withValue: readonly string[]): void {
  const [, name, value] = /^--([^=]+)(=.*)?$/s.exec(word) ?? []
  if (name === undefined) return
  if (!names.includes(name) || name.length === 1) throw usage(`${quote(word)} is no option of this command${didYouMean(name, names)}`)
  if (value !== undefined && !withValue.includes(name)) throw usage(`--${name} takes no value`)
}

function endOf (argv: readonly string[]): number {
  const end = argv.indexOf('--')
  return end < 0 ? argv.length : end
}

function isAfterEnd (argv: readonly string[], at: number): boolean {
  return at >= endOf(argv)
}

function didYouMean (word: string, names: readonly string[], dashes = '--'): string {
  const meant = nearest(word, names)
  return meant === undefined ? '' : `; did you mean ${dashes}${meant}?`
}

export function usage (message: string): PiecemealError {
  return new PiecemealError('E_USAGE', `${message}; --help says what there is`)
}

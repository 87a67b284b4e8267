/** The flags of both commands, checked. Longer than 250 lines because each flag has its line, and both have most of them. */
import minimist from 'minimist'
import { DEFAULT_TRACKER, type Address } from '../protocol/address.js'
import type { NodeLimits, NodeOptions } from '../node/options.js'
import type { TrackerOptions } from '../tracker/tracker.js'
import type { WebPort } from '../web/web-server.js'
import { PiecemealError } from '../protocol/errors.js'
import { assertNodeName } from '../protocol/names.js'
import { parseRegistryAddress, parseRegistryPrefix, type RegistryAddress } from '../registry/registry-address.js'
import { parseAdvertised, parseHost, parsePort, parseTrackers } from './addresses.js'
import { parseDuration, parseSeconds } from './duration.js'
import { HTTP_FLAGS, httpOf } from './http-arguments.js'
import { parseRate } from './rate.js'
import { parseSize } from './size.js'

/** Where the secrets are, not what they are: those never stand in an argument. */
export interface SecretArguments {
  secretFile?: string
  oldSecretFile?: string
  insecure: boolean
}

/** Where the registry is that several trackers share. */
export interface RegistryArguments {
  address: RegistryAddress
  prefix: string
  passwordFile?: string
}

export interface TrackerArguments extends Address, SecretArguments, Pick<TrackerOptions, 'maxConnections'> {
  command: 'run'
  allowAdvertise: boolean
  /** Whether others may find it by themselves. */
  isFound: boolean
  logs: boolean
  http?: WebPort
  /** @default in memory */
  registry?: RegistryArguments
}

/** To look at a registry instead of running. */
export interface RegistryCommandArguments {
  command: 'status' | 'check'
  registry: RegistryArguments
  insecure: boolean
}

/** What a node is given, or is left to choose. */
type Choices = Pick<NodeOptions, keyof NodeLimits | 'advertise' | 'giveUpMs' | 'keepOldMs' | 'isReporting' | 'cacheBytes' | 'keepsRead'>

export interface NodeArguments extends Required<Omit<NodeOptions, keyof Choices | 'secret' | 'insecure' | 'deadlines' | 'folder' | 'isGuest' | 'digestsIn'>>, Choices, SecretArguments {
  command: 'run'
  json: boolean
  logs: boolean
  http?: WebPort
  /** Of its gateway: whether files may be put there, and how large. */
  isWritable?: true
  mostWritten?: number
  remember: boolean
  /** To look for the tracker on this network. */
  findsTracker: boolean
}

/** To make a secret instead of running. */
export interface NewSecretArguments {
  command: 'new-secret'
  path: string
}

/** Asked for instead of running. */
export interface InfoArguments {
  command: 'help' | 'version'
}

type Flags = Record<string, string | boolean | undefined>
type Environment = Record<string, string | undefined>

const AUTO = 'auto'
const REGISTRY_FLAGS = ['registry', 'registry-prefix', 'registry-password-file']
const SECRET_FLAGS = ['secret-file', 'old-secret-file']

/** @throws E_USAGE for a flag that is unknown or a value that makes no sense. */
export function parseTrackerArguments (argv: readonly string[], environment: Environment = process.env): TrackerArguments | RegistryCommandArguments | NewSecretArguments | InfoArguments {
  const [first] = argv
  if (first === 'status' || first === 'check') return parseRegistryCommand(first, argv.slice(1), environment)
  const flags = parseFlags(argv, { string: ['port', 'host', 'max-connections', 'new-secret', 'log', ...REGISTRY_FLAGS, ...SECRET_FLAGS, ...HTTP_FLAGS.string], boolean: ['allow-advertise', 'insecure', ...HTTP_FLAGS.boolean], negated: ['discovery'], alias: { p: 'port' } })
  const info = asksForInfo(flags)
  if (info) return info
  if (flags['new-secret'] !== undefined) return { command: 'new-secret', path: String(flags['new-secret']) }
  return {
    command: 'run',
    port: parsePort(String(flags.port ?? DEFAULT_TRACKER.port), '-p', 0),
    host: hostOf(flags),
    allowAdvertise: flags['allow-advertise'] === true,
    isFound: flags.discovery !== false,
    logs: logsIn(flags),
    ...optional('maxConnections', flags['max-connections'], connectionsOf),
    ...httpIn(flags),
    ...registryOf(flags, environment),
    ...secretOf(flags, environment),
  }
}

/** @throws E_USAGE for a flag that is unknown or a value that makes no sense, E_NAME for a node name that is not allowed. */
export function parseNodeArguments (argv: readonly string[], environment: Environment = process.env): NodeArguments | InfoArguments {
  const [inputPort, outputPort, rest] = takePorts(argv)
  const flags = parseFlags(rest, { string: ['name', 'tracker', 'dir', 'host', 'advertise', 'up', 'down', 'give-up', 'keep-old', 'cache', 'http-write-limit', 'log', ...SECRET_FLAGS, ...HTTP_FLAGS.string], boolean: ['json', 'insecure', 'separate-parts', 'keep', 'http-write', 'remember', ...HTTP_FLAGS.boolean], negated: ['report'], alias: { n: 'name', t: 'tracker', d: 'dir' } })
  const info = asksForInfo(flags)
  if (info) return info
  if (typeof flags.name !== 'string') throw usage('-n NAME is missing')
  assertNodeName(flags.name)
  return {
    command: 'run',
    name: flags.name,
    inputPort: parsePort(inputPort, '-p INPUT', 0),
    outputPort: parsePort(outputPort, '-p OUTPUT', 0),
    tracker: flags.tracker === undefined || flags.tracker === AUTO ? DEFAULT_TRACKER : parseTrackers(String(flags.tracker)),
    findsTracker: flags.tracker === AUTO,
    dir: String(flags.dir ?? 'node_files'),
    host: hostOf(flags),
    json: flags.json === true,
    logs: logsIn(flags),
    separateParts: flags['separate-parts'] === true,
    remember: flags.remember === true,
    ...optional('advertise', flags.advertise, parseAdvertised),
    ...optional('up', flags.up, parseRate),
    ...optional('down', flags.down, parseRate),
    ...optional('giveUpMs', flags['give-up'], parseDuration),
    ...gatewayOf(flags),
    ...optional('keepOldMs', flags['keep-old'], parseSeconds),
    ...(flags.report === false && { isReporting: false }),
    ...httpIn(flags),
    ...secretOf(flags, environment),
  }
}

/** What goes with the HTTP port of a node alone. */
function gatewayOf (flags: Flags): Pick<NodeArguments, 'cacheBytes' | 'keepsRead' | 'isWritable' | 'mostWritten'> {
  for (const flag of ['cache', 'keep', 'http-write', 'http-write-limit']) {
    if (flags.http === undefined && flags[flag] !== undefined && flags[flag] !== false) throw usage(`--${flag} goes with --http PORT`)
  }
  return {
    ...optional('cacheBytes', flags.cache, parseSize),
    ...optional('mostWritten', flags['http-write-limit'], parseSize),
    ...(flags.keep === true && { keepsRead: true }),
    ...(flags['http-write'] === true && { isWritable: true }),
  }
}

function parseRegistryCommand (command: 'status' | 'check', argv: readonly string[], environment: Environment): RegistryCommandArguments | InfoArguments {
  const flags = parseFlags(argv, { string: REGISTRY_FLAGS, boolean: ['insecure'], alias: {} })
  const { registry } = registryOf(flags, environment)
  const info = asksForInfo(flags)
  if (info) return info
  if (registry === undefined) throw usage(`${command} wants --registry URL`)
  return { command, registry, insecure: flags.insecure === true }
}

/** The option counts before the variable, which alone may have a password in it. */
function registryOf (flags: Flags, { PIECEMEAL_REDIS_URL: fromEnvironment = '' }: Environment): { registry?: RegistryArguments } {
  const url = String(flags.registry ?? fromEnvironment)
  const passwordFile = flags['registry-password-file']
  if (url === '') {
    if (passwordFile !== undefined || flags['registry-prefix'] !== undefined) throw usage('--registry-prefix and --registry-password-file go with --registry')
    return {}
  }
  return {
    registry: {
      address: parseRegistryAddress(url, { mayHavePassword: flags.registry === undefined }),
      prefix: parseRegistryPrefix(String(flags['registry-prefix'] ?? 'pm')),
      ...(passwordFile !== undefined && { passwordFile: String(passwordFile) }),
    },
  }
}

/** The option counts before the variable. */
function secretOf (flags: Flags, { PIECEMEAL_SECRET_FILE: fromEnvironment = '' }: Environment): SecretArguments {
  const secretFile = String(flags['secret-file'] ?? fromEnvironment)
  const oldSecretFile = flags['old-secret-file']
  if (oldSecretFile !== undefined && secretFile === '') throw usage('--old-secret-file goes with --secret-file')
  return {
    ...(secretFile !== '' && { secretFile }),
    ...(oldSecretFile !== undefined && { oldSecretFile: String(oldSecretFile) }),
    insecure: flags.insecure === true,
  }
}

/** minimist would read the second of the two ports as a positional argument. */
function takePorts (argv: readonly string[]): [input: string, output: string, rest: string[]] {
  const at = argv.indexOf('-p')
  if (at < 0) return ['0', '0', [...argv]]
  const [input, output] = argv.slice(at + 1, at + 3)
  if (input === undefined || output === undefined) throw usage('-p wants two ports: -p INPUT OUTPUT')
  return [input, output, argv.toSpliced(at, 3)]
}

/** `negated` are on unless `--no-NAME` says otherwise. */
function parseFlags (argv: readonly string[], { string, boolean = [], negated = [], alias }: { string: string[], boolean?: string[], negated?: string[], alias: Record<string, string> }): Flags {
  for (const argument of argv) throwOnForeignFlag(argument, [...string, 'help', 'version', ...boolean, ...negated.map((name) => `no-${name}`), ...Object.keys(alias)], string)
  const { _: positionals, ...flags } = minimist([...argv], {
    string,
    boolean: ['help', 'version', ...boolean, ...negated],
    default: Object.fromEntries(negated.map((name) => [name, true])),
    alias,
    unknown: (argument) => { throw usage(`${JSON.stringify(argument)} is no option`) },
  })
  if (positionals.length > 0) throw usage(`${JSON.stringify(positionals[0])} is no option`)
  for (const name of string) {
    const value: unknown = flags[name]
    if (Array.isArray(value)) throw usage(`--${name} is given twice`)
    if (value === '') throw usage(`--${name} wants a value`)
  }
  return flags
}

/** minimist takes `--no-host` for a host named "false", `--json=maybe` for yes, and trips over `--__proto__`. */
function throwOnForeignFlag (argument: string, known: readonly string[], withValue: readonly string[]): void {
  const [, name, value] = /^--([^=]+)(=.*)?$/s.exec(argument) ?? []
  if (name === undefined) return
  if (!known.includes(name) || name.length === 1) throw usage(`${JSON.stringify(argument)} is no option`)
  if (value !== undefined && !withValue.includes(name)) throw usage(`--${name} takes no value`)
}

function asksForInfo ({ help, version }: Flags): InfoArguments | undefined {
  if (help === true) return { command: 'help' }
  if (version === true) return { command: 'version' }
  return undefined
}

/** An option that was given, by the name it has in the code. */
function optional<Name extends string, T> (name: Name, value: Flags[string], parse: (text: string) => T | undefined): { [N in Name]?: T } {
  const parsed = value === undefined ? undefined : parse(String(value))
  return (parsed === undefined ? {} : { [name]: parsed }) as { [N in Name]?: T }
}

function httpIn (flags: Flags): { http?: WebPort } {
  const http = httpOf(flags)
  return http === undefined ? {} : { http }
}

/** There is one format. */
function logsIn ({ log }: Flags): boolean {
  if (log !== undefined && log !== 'json') throw usage(`--log wants json, not ${JSON.stringify(log)}`)
  return log === 'json'
}

function connectionsOf (text: string): number {
  const count = /^\d{1,7}$/.test(text) ? Number(text) : NaN
  if (count >= 1) return count
  throw usage(`--max-connections wants a number from 1 on, not ${JSON.stringify(text)}`)
}

function hostOf ({ host }: Flags): string {
  return host === undefined ? DEFAULT_TRACKER.host : parseHost(String(host), '--host')
}

function usage (message: string): PiecemealError {
  return new PiecemealError('E_USAGE', `${message}; --help says what there is`)
}

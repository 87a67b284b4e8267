/** `bin/tracker` and `bin/node` as a user starts them, and what a user says to them most. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { quote } from 'shlex'
import { Command, escapeForRegExp, ROOT, type CommandOptions, type Scope } from './command.js'

export const TRACKER_BIN = join(ROOT, 'bin', 'tracker')
export const NODE_BIN = join(ROOT, 'bin', 'node')

export interface TrackerFlags extends Pick<CommandOptions, 'preload'> {
  /** @default 0, any free one */
  port?: number
  /** Whatever else it is given. */
  flags?: readonly string[]
}

export class TrackerCommand extends Command {
  host = '127.0.0.1'
  /** Known once it listens. */
  port = 0

  constructor (t: Scope, { port = 0, flags = [], ...options }: TrackerFlags = {}) {
    super(t, TRACKER_BIN, ['-p', String(port), ...flags], options)
  }

  async listening (): Promise<void> {
    const [, host = '', port = ''] = await this.waitFor(/^tracker listening on (.+):(\d+)\n/)
    this.host = host
    this.port = Number(port)
  }
}

export async function startTracker (t: Scope, flags?: TrackerFlags): Promise<TrackerCommand> {
  const tracker = new TrackerCommand(t, flags)
  await tracker.listening()
  return tracker
}

export interface NodeFlags extends CommandOptions {
  name: string
  tracker: { host: string, port: number }
  /** The folder that holds one folder a node. */
  dir: string
  /** @default `-p` is left out, so any free ones */
  ports?: [input: number, output: number]
  json?: boolean
  /** Further flags. */
  flags?: readonly string[]
  /** @default this checkout's `bin/node` */
  bin?: string
}

/** A line of `--json`. */
export interface Event {
  event: string
  [fact: string]: unknown
}

export class NodeCommand extends Command {
  readonly name: string
  /** `DIR/NAME` */
  readonly folder: string

  constructor (t: Scope, { name, tracker, dir, ports, json, flags = [], bin = NODE_BIN, ...options }: NodeFlags) {
    super(t, bin, [
      '-n', name, '-t', `${tracker.host}:${tracker.port}`, '-d', dir,
      ...(ports ? ['-p', ...ports.map(String)] : []),
      ...(json ? ['--json'] : []),
      ...flags,
    ], options)
    this.name = name
    this.folder = nodeFolder(dir, name)
  }

  async listening (): Promise<{ input: number, output: number }> {
    const { groups = {} } = await this.waitFor(/listening: input .+:(?<input>\d+), output .+:(?<output>\d+)\n|(?<json>.*"event":"listening".*)\n/)
    if (groups.json === undefined) return { input: Number(groups.input), output: Number(groups.output) }
    const { input, output } = JSON.parse(groups.json) as Record<'input' | 'output', { port: number }>
    return { input: input.port, output: output.port }
  }

  /** What it has told with `--json`. @throws where a line is no JSON object. */
  get events (): Event[] {
    return this.lines.map((line) => JSON.parse(line) as Event)
  }

  /** Commands a node to share, and waits until it does. */
  async upload (...files: string[]): Promise<void> {
    this.say(`torrent -setMode upload ${words(files)}`)
    for (const file of files) await this.#told('sharing', file)
  }

  /** Commands a node to fetch, and waits until it has. */
  async download (...files: string[]): Promise<void> {
    this.say(`torrent -setMode download ${words(files)}`)
    for (const file of files) await this.saved(file)
  }

  /** The line that says so. */
  async saved (file: string): Promise<string> {
    return await this.#told('saved', file)
  }

  /** Waits until it has told, with `--json`, of so many bytes of a download, or that the file is saved. */
  async reached (file: string, bytes: number): Promise<void> {
    if (bytes <= 0) return
    const name = escapeForRegExp(JSON.stringify(file))
    const news = new RegExp(`"event":"(?:saved"|progress","task":"download"),"file":${name},"bytes":(\\d+).*\n`)
    for (let since = { stdout: 0, stderr: 0 }; ;) {
      const { 0: line, 1: reached, index } = await this.waitFor(news, { since })
      if (Number(reached) >= bytes) return
      since = { stdout: since.stdout + index + line.length, stderr: 0 }
    }
  }

  /** The line of the last failure of a file, as soon as there is one. */
  async failed (file: string, ms?: number): Promise<string> {
    const [line] = await this.waitFor(new RegExp(`^failed ${escapeForRegExp(file)}: .*\n`, 'm'), { ms })
    return line
  }

  /** Commands it to leave. @returns the exit status */
  async leave (): Promise<number | null> {
    this.say('torrent exit')
    const { status } = await this.exit()
    return status
  }

  /** A failure ends the wait at once: the message then says more than a timeout would. */
  async #told (what: 'sharing' | 'saved', file: string): Promise<string> {
    const name = escapeForRegExp(file)
    const [line] = await this.waitFor(new RegExp(`^(?:${what} ${name} \\(|failed ${name}: ).*\n`, 'm'))
    if (line.startsWith('failed ')) throw new Error(`${this.name}: ${line}`)
    return line
  }
}

export async function startNode (t: Scope, flags: NodeFlags): Promise<NodeCommand> {
  const node = new NodeCommand(t, flags)
  await node.listening()
  return node
}

/** `DIR/NAME`, made if it is not there, so that files can be put there before the node starts. */
export function nodeFolder (dir: string, name: string): string {
  const folder = join(dir, name)
  mkdirSync(folder, { recursive: true })
  return folder
}

/** What it has said on standard error, but for lines about strangers that began TLS where there is no secret. */
export function complaints ({ stderr }: Command): string {
  return stderr.replace(/^error: \S+ is refused at port \d+: it speaks TLS, and there is no secret here\n/gm, '')
}

/** Files as they are typed in a command. */
export function words (files: readonly string[]): string {
  return files.map((file) => quote(file)).join(' ')
}

/** A tracker and nodes for a benchmark: the real commands, on free ports of the loopback. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { join as shellJoin } from 'shlex'
import type { Command } from '../demo/command.js'
import type { Stage } from '../demo/stage.js'

/** Where commands are started: a stage, or a host of a network that is set up there. */
export type Starter = Pick<Stage, 'start' | 'signal'>

export async function startTracker (stage: Starter, flags: readonly string[] = []): Promise<{ address: string, tracker: Command }> {
  const tracker = stage.start(['bin/tracker', '-p', '0', ...flags])
  const [address = ''] = await tracker.read(1, stage.signal, (line) => /^tracker listening on (.+)$/.exec(line)?.[1])
  return { address, tracker }
}

/** Makes a secret in that file. @returns its path */
export async function newSecret (stage: Stage, path: string): Promise<string> {
  const status = await stage.start(['bin/tracker', '--new-secret', path]).ended()
  if (status !== 0) throw new Error(`no secret was made: ${status}`)
  return path
}

/** The folder of a node's files: `DIR/NAME`, made if it is not there. */
export async function nodeFolder (dir: string, name: string): Promise<string> {
  const folder = join(dir, name)
  await mkdir(folder, { recursive: true })
  return folder
}

/** A node that listens and is known to the tracker. */
export async function startNode (stage: Starter, name: string, dir: string, tracker: string, flags: readonly string[] = []): Promise<Command> {
  const node = stage.start(['bin/node', '-n', name, '-t', tracker, '-d', dir, '--json', ...flags])
  await node.read(1, stage.signal, (line) => eventOf(line)?.event === 'connected' || undefined)
  return node
}

/** Types the command, or as many as it takes. @returns what was shared, once the tracker knows of all of it. @throws if one can't be shared. */
export async function upload (node: Command, files: readonly string[], signal: AbortSignal): Promise<Shared[]> {
  const outcomes = node.read(files.length, signal, (line) => finished(line, 'sharing'))
  for (const command of commands('upload', files)) node.type(command)
  const shared = successes<Shared>(await outcomes)
  if (shared.some(({ announced }) => !announced)) throw new Error('the tracker was not told')
  return shared
}

/** Types the command, or as many as it takes. @returns what was saved, once all of it is. @throws if one is not. */
export async function download (node: Command, files: readonly string[], signal: AbortSignal): Promise<Saved[]> {
  const outcomes = node.read(files.length, signal, (line) => finished(line, 'saved'))
  for (const command of commands('download', files)) node.type(command)
  return successes<Saved>(await outcomes)
}

/** @throws if it does not end with 0. */
export async function leave (node: Command): Promise<void> {
  node.type('torrent exit')
  const status = await node.ended()
  if (status !== 0) throw new Error(`a node ended with ${status}`)
}

/** A line holds 64 KiB. */
function commands (mode: 'upload' | 'download', files: readonly string[]): string[] {
  const most = 200
  return Array.from({ length: Math.ceil(files.length / most) }, (_, i) =>
    shellJoin(['torrent', '-setMode', mode, ...files.slice(i * most, (i + 1) * most)]))
}

interface Event {
  event: string
  file: string
}

export interface Shared extends Event {
  event: 'sharing'
  digest: string
  announced: boolean
}

export interface Saved extends Event {
  event: 'saved'
  owners: Array<{ name: string, bytes: number }>
}

interface Failure extends Partial<Event> {
  event: 'failed'
  code: string
  message: string
}

function eventOf (line: string): Event | undefined {
  return line.startsWith('{') ? JSON.parse(line) as Event : undefined
}

/** Only lines that matter are parsed: progress comes while the clock runs. */
function finished (line: string, event: 'sharing' | 'saved'): unknown {
  return line.startsWith(`{"event":"${event}"`) || line.startsWith('{"event":"failed"') ? eventOf(line) : undefined
}

/** @throws if one is a failure. */
function successes<T extends Shared | Saved> (outcomes: unknown[]): T[] {
  const events = outcomes as Array<T | Failure>
  const failure = events.find((event): event is Failure => event.event === 'failed')
  if (failure) throw new Error(`${failure.file ?? 'a command'}: ${failure.code} ${failure.message}`)
  return events as T[]
}

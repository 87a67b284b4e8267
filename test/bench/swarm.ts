/** A tracker and nodes for a benchmark: the real commands, on free ports of the loopback. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { join as shellJoin } from 'shlex'
import type { Command } from '../demo/command.js'
import type { Stage } from '../demo/stage.js'

export async function startTracker (stage: Stage, flags: readonly string[] = []): Promise<{ address: string, tracker: Command }> {
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
export async function startNode (stage: Stage, name: string, dir: string, tracker: string, flags: readonly string[] = []): Promise<Command> {
  const node = stage.start(['bin/node', '-n', name, '-t', tracker, '-d', dir, '--json', ...flags])
  await node.read(1, stage.signal, (line) => eventOf(line)?.event === 'connected' || undefined)
  return node
}

/** @throws if one can't be shared. */
export async function upload (node: Command, files: readonly string[], signal: AbortSignal): Promise<void> {
  const shared = node.read(files.length, signal, (line) => finished(line, 'sharing'))
  for (const command of commands('upload', files)) node.type(command)
  throwOnFailure(await shared)
}

/** Types the command, or as many as it takes. @returns seconds until the last file is saved. @throws if one is not */
export async function download (node: Command, files: readonly string[], signal: AbortSignal): Promise<number> {
  const lines = commands('download', files)
  const saved = node.read(files.length, signal, (line) => finished(line, 'saved'))
  const startMs = performance.now()
  for (const command of lines) node.type(command)
  const outcomes = await saved
  const seconds = (performance.now() - startMs) / 1_000
  throwOnFailure(outcomes)
  return seconds
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
  file?: string
  code?: string
  message?: string
}

function eventOf (line: string): Event | undefined {
  return line.startsWith('{') ? JSON.parse(line) as Event : undefined
}

/** Only lines that matter are parsed: progress comes while the clock runs. */
function finished (line: string, event: 'sharing' | 'saved'): Event | undefined {
  return line.startsWith(`{"event":"${event}"`) || line.startsWith('{"event":"failed"') ? eventOf(line) : undefined
}

function throwOnFailure (events: readonly Event[]): void {
  const failure = events.find(({ event }) => event === 'failed')
  if (failure) throw new Error(`${failure.file ?? 'a command'}: ${failure.code} ${failure.message}`)
}

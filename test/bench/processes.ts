/** What Linux tells of a process. Elsewhere everything here is undefined. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Measurement } from './contestant.js'

/** USER_HZ, the unit of /proc/PID/stat: 100 on every platform that Node runs on. */
const TICKS_A_SECOND = 100
const LOOK_MS = 10
/** Fields of /proc/PID/stat, counted from the one after the name, as proc(5) has them less three. */
const UTIME = 11
const CUTIME = 13

/** Processor seconds, user and system, of all threads so far. */
export function processorSeconds (pid: number | undefined): number | undefined {
  return pid === undefined ? undefined : ticks(pid, UTIME)
}

/** The most memory that it has had resident. */
export function peakBytes (pid: number): number | undefined {
  return statusBytes(pid, 'VmHWM')
}

/** The memory that it has resident now. */
export function residentBytes (pid: number): number | undefined {
  return statusBytes(pid, 'VmRSS')
}

function statusBytes (pid: number, field: string): number | undefined {
  const kib = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(read(`/proc/${pid}/status`))?.[1]
  return kib === undefined ? undefined : Number(kib) * 1_024
}

export function sum (values: Array<number | undefined>): number | undefined {
  return values.reduce((total, value) => total === undefined || value === undefined ? undefined : total + value, 0)
}

/** The largest of those that are known. */
export function most (values: ReadonlyArray<number | undefined>): number | undefined {
  const known = values.filter((value) => value !== undefined)
  return known.length === 0 ? undefined : Math.max(...known)
}

/** `b - a`, if both are known. */
export function difference (b: number | undefined, a: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : b - a
}

export type Argv = readonly [string, ...string[]]

/** That program, and then a sync of the one file that it made, as a download ends with it: nothing else has to get to the disk. */
export function thenSync (argv: Argv, target: string): Argv {
  return ['sh', '-c', '"$@" && sync "$0"', target, ...argv]
}

/**
 * Runs a program from its start to its end. Nothing else that this process has started may end meanwhile:
 * what children used is told of all of them together.
 *
 * @throws if it fails.
 */
export async function runToEnd (argv: Argv, signal: AbortSignal): Promise<Measurement> {
  return await runAllToEnd([argv], signal)
}

/** The same for several that start together, until the last has ended. */
export async function runAllToEnd (argvs: readonly Argv[], signal: AbortSignal): Promise<Measurement> {
  const usedBefore = ticks('self', CUTIME)
  const startMs = performance.now()
  const peaks = await Promise.all(argvs.map(async (argv) => await runUntilExit(argv, signal)))
  return {
    seconds: (performance.now() - startMs) / 1_000,
    processorSeconds: difference(ticks('self', CUTIME), usedBefore),
    peakBytes: most(peaks),
  }
}

/** @returns the most memory that it was seen with. */
async function runUntilExit (argv: Argv, signal: AbortSignal): Promise<number | undefined> {
  const child = spawn(argv[0], argv.slice(1), { stdio: ['ignore', 'ignore', 'pipe'], signal })
  let complaint = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => { complaint += text })
  let peak: number | undefined
  const look = setInterval(() => { peak = peakBytes(child.pid ?? 0) ?? peak }, LOOK_MS)
  try {
    const [status] = await once(child, 'exit') as [number | null]
    if (status !== 0) throw new Error(`${argv.join(' ')} ended with ${status}: ${complaint.trim()}`)
    return peak
  } finally {
    clearInterval(look)
  }
}

/** What a command that runs anyway takes for something. @param work tells its seconds */
export async function measured<C extends { pid: number }> (command: C | undefined, work: (command: C) => Promise<number>): Promise<Measurement> {
  if (command === undefined) throw new Error('not prepared')
  const { pid } = command
  const before = processorSeconds(pid)
  const seconds = await work(command)
  return { seconds, processorSeconds: difference(processorSeconds(pid), before), peakBytes: peakBytes(pid) }
}

/** Undefined if there is such a program on the PATH, otherwise `hint`. */
export function hintUnlessFound (programs: readonly string[], hint: string): string | undefined {
  return programs.every((program) => findProgram(program) !== undefined) ? undefined : hint
}

/** Its whole path; where servers are is not on everybody's PATH. */
export function findProgram (program: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return folders.map((folder) => join(folder, program)).find(isExecutable)
}

function isExecutable (path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function ticks (pid: number | 'self', field: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`)
  // The name may hold spaces and parentheses; what follows its last parenthesis is numbers.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return stat === '' ? undefined : (Number(fields[field]) + Number(fields[field + 1])) / TICKS_A_SECOND
}

function read (path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** What both commands share: where lines go, what signals do, and how the process ends. */
import { readFile } from 'node:fs/promises'
import { isatty } from 'node:tty'
import { outOfDescriptors, toPiecemealError, type PiecemealError } from '../protocol/errors.js'
import { oneLine } from '../protocol/names.js'
import { isExposed, type Exposure } from '../secret/exposure.js'
import type { Secret } from '../secret/keys.js'
import { readSecret } from '../secret/secret-file.js'
import type { Output } from '../ui/reporter.js'
import type { SecretArguments } from './arguments.js'

/** How long threads and sockets that are left after the end may take to end as well. */
const FORCE_MS = 500

/** Standard output and error, a line at a time; a reader that went away is no reason to end. */
export function standardOutput (): Output {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  let text = ''
  const flush = (): void => {
    if (text !== '') process.stdout.write(text)
    text = ''
  }
  process.on('exit', flush)
  return {
    // Lines of one turn of the event loop leave in one write: each costs a system call, and wakes whoever reads.
    out: (line) => {
      if (text === '') setImmediate(flush)
      text += `${line}\n`
      // Bars are drawn on a terminal beside this.
      if (process.stdout.isTTY) flush()
    },
    err: (line) => {
      flush()
      process.stderr.write(`${line}\n`)
    },
  }
}

/**
 * Calls `stop` at the first signal that asks to end; a second one ends the process on the spot.
 *
 * SIGHUP says that a terminal has gone, so it asks a process to end whose standard input is one. Any
 * other process ignores it: Node gives signals their defaults back, even where `nohup` had them ignored.
 */
export function onSignal (stop: () => void): void {
  let isStopping = false
  const hasTerminal = isatty(0)
  if (!hasTerminal) process.on('SIGHUP', () => {})
  for (const signal of ['SIGINT', 'SIGTERM', ...(hasTerminal ? ['SIGHUP'] as const : [])] as const) {
    process.on(signal, () => {
      if (isStopping) endBy(signal)
      isStopping = true
      stop()
    })
  }
}

/** As the signal would have, had nobody listened: `process.exit` waits for threads, which may wait for a disk. */
function endBy (signal: NodeJS.Signals): void {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
}

/**
 * The process ends by itself, with this status, as soon as nothing is left in it that runs. What is
 * left all the same is ended by force: while a thread is in a call to a disk that does not answer,
 * neither the thread can be ended nor does `process.exit` return.
 */
export function endWith (status: number, { err }: Output): void {
  process.exitCode = status
  setTimeout(() => {
    err('error: this process does not end by itself, for a thread may be waiting for a disk: ended by force')
    process.kill(process.pid, 'SIGKILL')
  }, FORCE_MS).unref()
}

/** The secret, if one was named. @throws E_AUTH if it can't be used. */
export async function loadSecret ({ secretFile, oldSecretFile }: SecretArguments): Promise<Secret | undefined> {
  return secretFile === undefined ? undefined : await readSecret(secretFile, oldSecretFile)
}

/** One line where everybody is let in on purpose. */
export function warnIfExposed (exposure: Exposure, { err }: Output): void {
  // A name is resolved later. If it is not this machine's alone, and there is no --insecure, it is refused then.
  if (exposure.insecure === true && isExposed(exposure)) err(`warning: no secret: whoever reaches ${exposure.host} can list and fetch what is shared, and read it on its way`)
}

/** Tells why a command could not start. @returns the exit status */
export function failStart (error: unknown, { err }: Output): number {
  const { code, message, exitStatus } = limitOf(error) ?? toPiecemealError(error)
  err(`failed: ${code} ${oneLine(message)}`)
  return exitStatus
}

/** The lack of a descriptor, whatever wanted one: a file, a port, a thread, or a part of the program. */
function limitOf (error: unknown): PiecemealError | undefined {
  return error instanceof Error ? outOfDescriptors(error, 'cannot start') ?? limitOf(error.cause) : undefined
}

export async function version (): Promise<string> {
  const { version } = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string }
  return version
}

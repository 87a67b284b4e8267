/** What both commands share: where lines go, what signals do, and how the process ends. */
import { readFile } from 'node:fs/promises'
import { toPiecemealError } from '../protocol/errors.js'
import { oneLine } from '../protocol/names.js'
import { isExposed, type Exposure } from '../secret/exposure.js'
import type { Secret } from '../secret/keys.js'
import { readSecret } from '../secret/secret-file.js'
import type { Output } from '../ui/reporter.js'
import type { SecretArguments } from './arguments.js'

/** Standard output and error, a line at a time; a reader that went away is no reason to end. */
export function standardOutput (): Output {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  return {
    out: (line) => { process.stdout.write(`${line}\n`) },
    err: (line) => { process.stderr.write(`${line}\n`) },
  }
}

/** Calls `stop` at the first SIGINT or SIGTERM; a second one ends the process on the spot, and so does time running out. */
export function onSignal (stop: () => Promise<void>, deadlineMs: number, lateStatus: number): void {
  let isStopping = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (isStopping) process.exit(lateStatus)
      isStopping = true
      setTimeout(() => process.exit(lateStatus), deadlineMs).unref()
      void stop()
    })
  }
}

/** The secret, if one was named. @throws E_AUTH if it can't be used. */
export async function loadSecret ({ secretFile, oldSecretFile }: SecretArguments): Promise<Secret | undefined> {
  return secretFile === undefined ? undefined : await readSecret(secretFile, oldSecretFile)
}

/** One line where everybody is let in on purpose. */
export function warnIfExposed (exposure: Exposure, { err }: Output): void {
  // Whether a name is one for this machine alone is known later: without --insecure it is refused then if it is not.
  if (exposure.insecure === true && isExposed(exposure)) err(`warning: no secret: whoever reaches ${exposure.host} can list and fetch what is shared, and read it on its way`)
}

/** Tells why a command could not start. @returns the exit status */
export function failStart (error: unknown, { err }: Output): number {
  const { code, message, exitStatus } = toPiecemealError(error)
  err(`failed: ${code} ${oneLine(message)}`)
  return exitStatus
}

export async function version (): Promise<string> {
  const { version } = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8')) as { version: string }
  return version
}

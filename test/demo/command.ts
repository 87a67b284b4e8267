/** A command that runs: what it prints comes line by line, as it comes, and it is told what to do by lines. */
import { spawn, type ChildProcess } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { ROOT } from '../helpers/command.js'

/** A command leaves within 5 s of SIGTERM; one that does not is ended. */
const LEAVE_MS = 8_000

interface CommandEvents {
  /** A line of standard output or standard error. */
  line: [line: string, from: 'stdout' | 'stderr']
  exit: []
}

export class Command extends EventEmitter<CommandEvents> {
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  readonly #what: string
  #lastError = ''

  /** @param argv the command, as seen from the checkout, and its arguments: `bin/node`, `-n`, `NodeA` */
  constructor (argv: readonly [string, ...string[]]) {
    super()
    this.#what = argv.join(' ')
    const child = spawn(argv[0], argv.slice(1), { cwd: ROOT, stdio: ['pipe', 'pipe', 'pipe'] })
    this.#child = child
    // Both streams have ended by then, so nothing that it printed is missed.
    this.#exited = once(child, 'close').catch((error: unknown) => { this.#lastError = String(error) }).then(() => this.emit('exit'))
    child.stdin.on('error', () => {
      // It went away; its exit tells.
    })
    this.#readLines(child.stdout, 'stdout')
    this.#readLines(child.stderr, 'stderr')
  }

  get pid (): number {
    return this.#child.pid ?? 0
  }

  get hasExited (): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** Writes a line to its standard input. */
  type (line: string): void {
    this.#child.stdin?.write(`${line}\n`)
  }

  /**
   * What `read` makes of lines that are printed from now on, until there are `count` for which it gives anything.
   *
   * @throws if the command ends first, or `signal` aborts.
   */
  async read<T> (count: number, signal: AbortSignal, read: (line: string) => T | undefined): Promise<T[]> {
    const found: T[] = []
    return await new Promise<T[]>((resolve, reject) => {
      const finish = (error?: Error): void => {
        this.off('line', take).off('exit', end)
        signal.removeEventListener('abort', abort)
        if (error) reject(error)
        else resolve(found)
      }
      const take = (line: string): void => {
        const value = read(line)
        if (value !== undefined && found.push(value) === count) finish()
      }
      const end = (): void => finish(new Error(`${this.#what} ended too early${this.#lastError && `: ${this.#lastError}`}`))
      const abort = (): void => finish(new Error(`stopped while ${this.#what} was at work`, { cause: signal.reason }))
      this.on('line', take).on('exit', end)
      signal.addEventListener('abort', abort)
      if (signal.aborted) abort()
      else if (this.hasExited) end()
    })
  }

  /** Waits until it has ended. @returns its exit status, null if a signal ended it */
  async ended (): Promise<number | null> {
    await this.#exited
    return this.#child.exitCode
  }

  /** Ends it as Ctrl-C would, and if it does not leave, for good. Safe to call twice. */
  async stop (): Promise<number | null> {
    this.#child.kill('SIGTERM')
    const late = setTimeout(() => this.kill(), LEAVE_MS)
    try {
      return await this.ended()
    } finally {
      clearTimeout(late)
    }
  }

  /** Ends it on the spot. */
  kill (): void {
    this.#child.kill('SIGKILL')
  }

  #readLines (stream: Readable, from: 'stdout' | 'stderr'): void {
    createInterface({ input: stream, crlfDelay: Infinity }).on('line', (line) => {
      if (from === 'stderr') this.#lastError = line
      this.emit('line', line, from)
    })
  }
}

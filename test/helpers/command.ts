/** A spawned command: what it printed, a way to wait for more of it, and its end. Nothing survives the test that began it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What a test gives to its helpers: `t` of tap. */
export interface Scope {
  teardown: (clean: () => unknown) => void
}

export interface Exit {
  status: number | null
  signal: NodeJS.Signals | null
}

export interface CommandOptions {
  cwd?: string
  /** A descriptor of a file to read from, in the place of a pipe. */
  stdin?: number
  /** Loaded before it, as `data:` of a module: a machine where something is odd. */
  preload?: string
}

/** Output up to a moment, so that a wait can be for what comes after it. */
export interface Mark {
  stdout: number
  stderr: number
}

/** The checkout; this file may also have been built into `dist/test/helpers`. */
export const ROOT = findRoot(dirname(fileURLToPath(import.meta.url)))
/** Generous: the machine may be busy. What the contract puts a time to says so itself. */
const WAIT_MS = 20_000
/** What Node prints when a program is careless; none of ours may be. */
const CARELESS = /Warning:|\(node:\d+\)|UnhandledPromiseRejection/
const alive = new Set<Command>()

process.on('exit', () => { for (const command of alive) command.kill('SIGKILL') })

export class Command {
  readonly child: ChildProcess
  stdout = ''
  stderr = ''
  /** Set once the process has ended and all its output is here. */
  exited: Exit | undefined
  readonly #closed: Promise<void>
  readonly #watchers = new Set<() => void>()

  constructor (t: Scope, file: string, args: readonly string[], { cwd, stdin, preload }: CommandOptions = {}) {
    // By way of `env`: tap adds its own loaders to the environment of what a test spawns, and would then measure itself.
    this.child = spawn('env', [`NODE_OPTIONS=--trace-warnings${preload === undefined ? '' : ` --import=${preload}`}`, file, ...args], {
      cwd,
      stdio: [stdin ?? 'pipe', 'pipe', 'pipe'],
      // Its own group, so that what a shell leaves in the background is killed with it.
      detached: true,
    })
    alive.add(this)
    for (const stream of ['stdout', 'stderr'] as const) {
      this.child[stream]?.setEncoding('utf8').on('data', (text: string) => {
        this[stream] += text
        this.#notify()
      })
    }
    // A process that has gone does not read what is said to it.
    this.child.stdin?.on('error', () => {})
    this.#closed = once(this.child, 'close').then(([status, signal]) => {
      alive.delete(this)
      this.exited = { status: status as number | null, signal: signal as NodeJS.Signals | null }
      this.#notify()
    })
    t.teardown(async () => {
      this.kill('SIGKILL')
      await this.#closed
      // Uncaught, which fails the test file; thrown here, it would keep the rest from being cleaned up.
      if (this.#isCareless) setImmediate(() => this.#throwOnCarelessness())
    })
  }

  get pid (): number {
    if (this.child.pid === undefined) throw new Error(`${this.child.spawnfile} could not be started`)
    return this.child.pid
  }

  get isRunning (): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  /** What it has printed on standard output, line by line. */
  get lines (): string[] {
    return this.stdout.split('\n').filter((line) => line !== '')
  }

  /** Writes lines to its standard input. */
  say (...lines: string[]): void {
    this.write(lines.map((line) => `${line}\n`).join(''))
  }

  write (bytes: string | Uint8Array): void {
    this.child.stdin?.write(bytes)
  }

  endInput (): void {
    this.child.stdin?.end()
  }

  /** A signal to the process alone, as from `kill PID`. */
  signal (signal: NodeJS.Signals): void {
    this.child.kill(signal)
  }

  /** A signal to it and to whatever it has started. */
  kill (signal: NodeJS.Signals): void {
    try {
      process.kill(-this.pid, signal)
    } catch {
      // Gone already.
    }
  }

  mark (): Mark {
    return { stdout: this.stdout.length, stderr: this.stderr.length }
  }

  /**
   * Waits until either output holds `what`, as far as it came after `since`.
   *
   * @throws when the process has ended without it, and when it took longer.
   */
  async waitFor (what: string | RegExp, { ms = WAIT_MS, since = { stdout: 0, stderr: 0 } }: { ms?: number, since?: Mark } = {}): Promise<RegExpExecArray> {
    const pattern = typeof what === 'string' ? new RegExp(escapeForRegExp(what)) : what
    return await this.#until(`did not print ${pattern}`, ms, () => {
      const found = pattern.exec(this.stdout.slice(since.stdout)) ?? pattern.exec(this.stderr.slice(since.stderr))
      if (found === null && this.exited) throw this.#complaint(`ended and did not print ${pattern}`)
      return found ?? undefined
    })
  }

  /** Waits for its end. @throws when that takes longer, or a warning of Node's was among its output. */
  async exit (ms = WAIT_MS): Promise<Exit> {
    const exit = await this.#until('did not end', ms, () => this.exited)
    this.#throwOnCarelessness()
    return exit
  }

  async #until<T> (complaint: string, ms: number, look: () => T | undefined): Promise<T> {
    return await new Promise<T>((resolve, reject) => {
      const settle = (finish: () => void): void => {
        clearTimeout(timer)
        this.#watchers.delete(watch)
        finish()
      }
      const watch = (): void => {
        try {
          const found = look()
          if (found !== undefined) settle(() => resolve(found))
        } catch (error) {
          settle(() => reject(error instanceof Error ? error : new Error(String(error))))
        }
      }
      const timer = setTimeout(() => settle(() => reject(this.#complaint(`${complaint} within ${ms} ms`))), ms)
      this.#watchers.add(watch)
      watch()
    })
  }

  #notify (): void {
    for (const watch of [...this.#watchers]) watch()
  }

  get #isCareless (): boolean {
    return CARELESS.test(this.stderr)
  }

  #throwOnCarelessness (): void {
    if (this.#isCareless) throw this.#complaint('printed a warning of Node')
  }

  #complaint (what: string): Error {
    const end = this.exited ? ` (it ended with ${this.exited.status ?? this.exited.signal})` : ''
    return new Error(`${this.child.spawnargs.slice(2).join(' ')} ${what}${end}\nstdout: ${tail(this.stdout)}\nstderr: ${tail(this.stderr)}`)
  }
}

export function escapeForRegExp (text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

function tail (text: string): string {
  return text.slice(-2_000)
}

function findRoot (folder: string): string {
  return existsSync(join(folder, 'package.json')) ? folder : findRoot(dirname(folder))
}

/** A temporary folder and the commands that run in it: whatever happens, nothing of them stays behind. */
import { mkdtempSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from './command.js'

export interface StageOptions {
  /** The beginning of the folder's name. */
  name: string
  /** Where the folder is made. @default the system's folder for temporary files */
  parent?: string | undefined
  /** Longer than it ever takes; nothing waits for ever. */
  deadlineMs: number
}

export class Stage {
  readonly folder: string
  readonly #stopping = new AbortController()
  readonly #commands = new Set<Command>()

  /** Makes the folder, and from then on turns signals into an abort of `signal`; a second one ends the process. */
  constructor ({ name, parent = tmpdir(), deadlineMs }: StageOptions) {
    this.folder = mkdtempSync(join(parent, `${name}-`))
    process.on('exit', () => this.#clearNow())
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(name, () => {
        if (this.signal.aborted) process.exit(1)
        this.stop(name)
      })
    }
    // A reader that goes away, such as `head`, ends it as well.
    process.stdout.on('error', () => this.stop('nobody reads'))
    setTimeout(() => this.stop('it takes too long'), deadlineMs).unref()
  }

  /** Aborts when all should end. */
  get signal (): AbortSignal {
    return this.#stopping.signal
  }

  stop (why: string): void {
    this.#stopping.abort(new Error(why))
  }

  start (argv: readonly [string, ...string[]]): Command {
    const command = new Command(argv)
    this.#commands.add(command)
    command.once('exit', () => this.#commands.delete(command))
    return command
  }

  /** Ends what runs and removes the folder. Safe to call twice. */
  async clear (): Promise<void> {
    await Promise.all([...this.#commands].map(async (command) => await command.stop()))
    await rm(this.folder, { recursive: true, force: true })
  }

  #clearNow (): void {
    for (const command of this.#commands) command.kill()
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

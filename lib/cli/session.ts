/** One run of `bin/node`: obeys commands side by side, and knows when and how it ends. */
import type { Node } from '../node/node.js'
import { ConflictError, EXIT_STATUS, PiecemealError, toPiecemealError } from '../protocol/errors.js'
import type { Reporter } from '../ui/reporter.js'
import { parseCommand, type Command } from './commands.js'
import { COMMANDS_USAGE } from './usage.js'

export class Session {
  readonly #node: Node
  readonly #reporter: Reporter
  readonly #running = new Set<Promise<void>>()
  #status = 0
  #hasUploaded = false
  #wasCutOff = false
  #state: 'obeying' | 'leaving' | 'stopping' = 'obeying'
  #resolveEnded: (status: number) => void = () => {}
  #rejectEnded: (error: unknown) => void = () => {}
  /** The exit status, once everything is closed. Rejects if it can't be closed. */
  readonly ended = new Promise<number>((resolve, reject) => {
    this.#resolveEnded = resolve
    this.#rejectEnded = reject
  })

  constructor (node: Node, reporter: Reporter) {
    this.#node = node
    this.#reporter = reporter
    // A signal may come before anybody waits for the end.
    this.ended.catch(() => {})
  }

  /** Obeys a line, without waiting for it to be done. */
  obey (line: string): void {
    try {
      const command = parseCommand(line)
      if (command === undefined) return
      if (command.name === 'exit') this.#exit()
      else if (this.#state === 'obeying') this.#start(command)
    } catch (error) {
      this.fail(error)
    }
  }

  /** A failure that is told, and that the exit status may tell of. */
  fail (error: unknown, file?: string): void {
    const { code, message } = toPiecemealError(error)
    this.#status = EXIT_STATUS[code]
    this.#reporter.report('failed', {
      ...(file !== undefined && { file }), code, message, ...(error instanceof ConflictError && { versions: error.versions }),
    })
  }

  /** No command will come any more: a node that was told to upload serves on, any other is done when its downloads are. */
  endOfInput (): void {
    if (this.#state === 'obeying') this.#whenIdle(async () => { if (!this.#hasUploaded) await this.#leave() })
  }

  get isStopping (): boolean {
    return this.#state === 'stopping'
  }

  /** A signal came: leaves at once; what was fetched is kept. */
  async stop (): Promise<void> {
    if (this.#state === 'stopping') return
    await this.#endAfter(this.#stop(), () => this.#wasCutOff ? EXIT_STATUS.E_INTERRUPTED : 0)
  }

  async #endAfter (closing: Promise<void>, status: () => number): Promise<void> {
    await closing.then(() => this.#resolveEnded(status()), this.#rejectEnded)
  }

  async #stop (): Promise<void> {
    this.#state = 'stopping'
    await this.#node.close()
    await Promise.allSettled(this.#running)
  }

  /** The first waits for what runs, a second one does not. */
  #exit (): void {
    if (this.#state === 'leaving') {
      void this.#endAfter(this.#stop(), () => this.#status)
    } else if (this.#state === 'obeying') {
      this.#state = 'leaving'
      this.#whenIdle(async () => await this.#leave())
    }
  }

  #whenIdle (then: () => Promise<void>): void {
    void Promise.allSettled(this.#running).then(async () => { if (this.#state !== 'stopping') await then() })
  }

  async #leave (): Promise<void> {
    await this.#endAfter(this.#node.leave(), () => this.#status)
  }

  #start (command: Exclude<Command, { name: 'exit' }>): void {
    switch (command.name) {
      case 'upload':
        for (const file of command.files) this.#run(file, async () => await this.#upload(file, command.as))
        return
      case 'download':
        for (const file of command.files) this.#run(file, async () => await this.#download(file, command))
        return
      case 'cancel':
        for (const file of command.files) this.#run(file, async () => await this.#cancel(file, command.to))
        return
      case 'unshare':
        for (const file of command.files) this.#run(file, async () => { this.#node.unshare(file) })
        return
      case 'verify':
        if (command.files.length === 0) return this.#run(undefined, async () => await this.#node.verify())
        for (const file of command.files) this.#run(file, async () => await this.#node.verify(file))
        return
      case 'list':
        return this.#run(undefined, async () => { this.#reporter.report('list', await this.#node.list(command.prefix)) })
      case 'status':
        return this.#run(undefined, async () => { this.#reporter.report('status', await this.#node.status()) })
      case 'limit':
        this.#node.limit(command.direction, command.bytesPerSecond)
        return this.#reporter.report('limits', this.#node.limits)
      case 'limits':
        return this.#reporter.report('limits', this.#node.limits)
      case 'help':
        return this.#reporter.report('help', { text: COMMANDS_USAGE })
    }
  }

  async #upload (file: string, as: string | undefined): Promise<void> {
    await this.#node.upload(file, { as })
    this.#hasUploaded = true
  }

  async #download (file: string, { digest, to, only }: { digest?: string, to?: string, only?: string[] }): Promise<void> {
    try {
      await this.#node.download(file, { digest, to, only })
    } catch (error) {
      // What was cancelled was not cut off.
      if (this.isStopping && error instanceof PiecemealError && error.code === 'E_INTERRUPTED') this.#wasCutOff = true
      throw error
    }
  }

  async #cancel (file: string, to: string | undefined): Promise<void> {
    await this.#node.cancel(file, { to })
    this.#reporter.report('cancelled', { file })
  }

  #run (file: string | undefined, work: () => Promise<void>): void {
    const running = work().catch((error: unknown) => this.fail(error, file)).finally(() => this.#running.delete(running))
    this.#running.add(running)
  }
}

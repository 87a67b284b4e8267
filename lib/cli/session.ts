/** One run of `bin/node`: obeys commands side by side, and knows when and how it ends. */
import { basename } from 'node:path'
import type { SavedEvent, SharingEvent } from '../node/events.js'
import type { Node } from '../node/node.js'
import type { FetchOptions } from '../node/options.js'
import { ConflictError, EXIT_STATUS, PiecemealError, toPiecemealError } from '../protocol/errors.js'
import type { Reporter, Reports } from '../ui/reporter.js'
import { commandOf, parseCommand, type Command } from './commands.js'
import { COMMANDS_USAGE } from './usage.js'

export class Session {
  readonly #node: Node
  /** Whoever types. */
  readonly #self: Asker
  readonly #remembers: boolean
  readonly #running = new Set<Promise<void>>()
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

  /** @param remembers whether it lives on without standard input, as a service does */
  constructor (node: Node, reporter: Reporter, { remembers = false }: { remembers?: boolean } = {}) {
    this.#node = node
    this.#self = new Asker(reporter, { isWatching: true })
    this.#remembers = remembers
    // A signal may come before anybody waits for the end.
    this.ended.catch(() => {})
  }

  /** Obeys a line, without waiting for it to be done. */
  obey (line: string): void {
    try {
      const command = parseCommand(line)
      if (command === undefined) return
      if (command.name === 'exit') this.#exit()
      else if (this.#state === 'obeying') void this.#start(command, this.#self)
    } catch (error) {
      this.fail(error)
    }
  }

  /** A line that is no command: it is told, and the exit status may tell of it. After an exit no line counts. */
  fail (error: unknown): void {
    if (this.#state === 'obeying') this.#self.fail(error)
  }

  /** No command will come any more: a node that was told to upload serves on, any other is done when its downloads are. One that remembers is a service. */
  endOfInput (): void {
    if (this.#state === 'obeying' && !this.#remembers) this.#whenIdle(async () => { if (!this.#hasUploaded) await this.#leave() })
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
      void this.#endAfter(this.#stop(), () => this.#self.status)
    } else if (this.#state === 'obeying') {
      this.#state = 'leaving'
      this.#whenIdle(async () => await this.#leave())
    }
  }

  #whenIdle (then: () => Promise<void>): void {
    void Promise.allSettled(this.#running).then(async () => { if (this.#state !== 'stopping') await then() })
  }

  async #leave (): Promise<void> {
    await this.#endAfter(this.#node.leave(), () => this.#self.status)
  }

  /**
   * Obeys words as they stand after `torrent` for somebody else than standard input, who is told what comes of them.
   *
   * @returns the exit status, once it is done
   */
  async perform (words: readonly string[], reporter: Reporter): Promise<number> {
    const asker = new Asker(reporter)
    try {
      const command = commandOf(words)
      if (command.name === 'exit') throw new PiecemealError('E_USAGE', 'a node that runs in the background is ended by "piecemeal down"')
      if (this.#state !== 'obeying') throw new PiecemealError('E_INTERRUPTED', 'the node is leaving')
      const files = 'files' in command ? command.files.map((file) => basename(file)) : []
      const watches = EVENTS_OF_FILES.map((name) => ({
        name,
        listen: (event: Reports[typeof name]): void => { if (files.length === 0 ? name !== 'progress' : files.includes(event.file)) reporter.report(name, event) },
      }))
      for (const { name, listen } of watches) this.#node.on(name, listen)
      await this.#start(command, asker).finally(() => { for (const { name, listen } of watches) this.#node.off(name, listen) })
    } catch (error) {
      asker.fail(error)
    }
    return asker.status
  }

  /** Downloads that a restart has cut off go on. */
  goOn (): void {
    for (const { name, ...options } of this.#node.cutOff) void this.#start({ name: 'download', files: [name], ...options }, this.#self)
  }

  async #start (command: Exclude<Command, { name: 'exit' }>, asker: Asker): Promise<void> {
    const each = async (files: readonly string[], work: (file: string) => Promise<void>): Promise<void> => {
      await Promise.all(files.map(async (file) => await this.#run(asker, file, async () => await work(file))))
    }
    switch (command.name) {
      case 'upload':
        return await each(command.files, async (file) => asker.tell('sharing', await this.#upload(file, command)))
      case 'download':
        return await each(command.files, async (file) => asker.saved(await this.#download(file, command)))
      case 'cancel':
        return await each(command.files, async (file) => {
          await this.#node.cancel(file, command)
          asker.report('cancelled', { file })
        })
      case 'unshare':
        return await each(command.files, async (file) => {
          this.#node.unshare(file)
          asker.tell('unshared', { file })
        })
      case 'verify':
        if (command.files.length === 0) return await this.#run(asker, undefined, async () => await this.#node.verify())
        return await each(command.files, async (file) => await this.#node.verify(file))
      case 'list':
        return await this.#run(asker, undefined, async () => asker.report('list', await this.#node.list(command.prefix)))
      case 'status':
        return await this.#run(asker, undefined, async () => asker.report('status', await this.#node.status()))
      case 'limit':
        this.#node.limit(command.direction, command.bytesPerSecond)
        return asker.report('limits', this.#node.limits)
      case 'limits':
        return asker.report('limits', this.#node.limits)
      case 'help':
        return asker.report('help', { text: COMMANDS_USAGE })
    }
  }

  async #upload (file: string, { as, times, skipSpecial, allowShrink }: Extract<Command, { name: 'upload' }>): Promise<SharingEvent> {
    const shared = await this.#node.upload(file, { as, times, skipSpecial, allowShrink })
    this.#hasUploaded = true
    return shared
  }

  async #download (file: string, options: FetchOptions): Promise<SavedEvent> {
    try {
      return await this.#node.download(file, options)
    } catch (error) {
      // What was cancelled was not cut off.
      if (this.isStopping && error instanceof PiecemealError && error.code === 'E_INTERRUPTED') this.#wasCutOff = true
      throw error
    }
  }

  async #run (asker: Asker, file: string | undefined, work: () => Promise<void>): Promise<void> {
    const running = work().catch((error: unknown) => asker.fail(error, file)).finally(() => this.#running.delete(running))
    this.#running.add(running)
    await running
  }
}

/** What a node tells of a file by itself, and whoever asked about that file is told, too. */
const EVENTS_OF_FILES = ['progress', 'verified', 'withdrawn'] as const

/** Somebody who asked for something: what is told to nobody else, and how it ended. */
class Asker {
  readonly #reporter: Reporter
  readonly #isWatching: boolean
  status = 0

  /** @param isWatching whether it is told what the node tells by itself */
  constructor (reporter: Reporter, { isWatching = false } = {}) {
    this.#reporter = reporter
    this.#isWatching = isWatching
  }

  report<Name extends keyof Reports> (name: Name, data: Reports[Name]): void {
    this.#reporter.report(name, data)
  }

  /** What the node tells by itself to whoever watches it. */
  tell<Name extends keyof Reports> (name: Name, data: Reports[Name]): void {
    if (!this.#isWatching) this.report(name, data)
  }

  saved (event: SavedEvent): void {
    if (event.without !== undefined) this.status = EXIT_STATUS.E_CHANGED
    this.tell('saved', event)
  }

  fail (error: unknown, file?: string): void {
    const { code, message } = toPiecemealError(error)
    this.status = EXIT_STATUS[code]
    this.report('failed', { ...(file !== undefined && { file }), code, message, ...(error instanceof ConflictError && { versions: error.versions }) })
  }
}

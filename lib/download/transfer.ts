/**
 * Carries out a schedule: starts parts in threads, tells the schedule how they fare, hands finished
 * runs to the glue, and asks for more owners while there are too few.
 */
import { rm } from 'node:fs/promises'
import { atDisk } from '../disk/at-disk.js'
import { toDiskError } from '../disk/disk-error.js'
import type { PieceList } from '../content/digest.js'
import type { FileIdentity } from '../disk/own-file.js'
import type { PlacedRun } from '../content/run.js'
import { formatAddress } from '../protocol/address.js'
import { pieceCount } from '../protocol/content.js'
import { PiecemealError, toPiecemealError, type ErrorCode } from '../protocol/errors.js'
import { MAX_FETCH_THREADS } from '../protocol/limits.js'
import { KiB } from '../protocol/units.js'
import { quote } from '../protocol/names.js'
import type { Found, Owner } from '../protocol/tracker-to-node.js'
import type { DownloadContext } from './context.js'
import { Glue } from '../disk/glue.js'
import { HavePoller, type Have } from './have-poller.js'
import { makeEmptyPart } from '../disk/single-piece.js'
import type { UntoldFile } from '../disk/untold-file.js'
import type { ScheduleFailure } from '../schedule/failure.js'
import type { Machine, Order, PartToStart } from '../schedule/orders.js'
import type { WholeFile } from '../part/part-task.js'
import { RunningPart, type PartEnd } from './running-part.js'
import { Schedule } from '../schedule/schedule.js'
import { DEFAULT_POLICY } from '../schedule/policy.js'
import { MachineLoad } from './machine-load.js'
import { Tally } from './tally.js'
import type { Run } from '../content/run.js'
import type { Workspace } from '../disk/workspace.js'

export interface TransferProgress {
  size: number
  /** Good pieces and what has come of the next ones, in bytes. */
  bytes: number
}

export interface TransferOptions {
  found: Found
  /** Not known beforehand where there is only one. */
  pieces?: PieceList | undefined
  /** Codes of an owner that end it at once: what is asked for may be what is wrong. */
  doubtful?: ReadonlySet<ErrorCode> | undefined
  /** Owners that are known to send wrong things. */
  liars?: readonly Owner[] | undefined
  /** What is there already. */
  runs: readonly Run[]
  /** The path that the file is to have in the end. */
  target: string
  workspace: Pick<Workspace, 'newPartFile'>
  signal: AbortSignal
  /** Good pieces have come, or are in another file than before. */
  onGood?: ((run: PlacedRun) => void) | undefined
  onProgress?: ((progress: TransferProgress) => void) | undefined
}

export interface Transferred {
  pieces: PieceList
  /** The glued and synced file; none if it has its name already. */
  path?: string
  identity?: FileIdentity
  owners: Array<{ name: string, bytes: number }>
  resumedBytes: number
}

/** How often threads are asked how far they are. */
const TICK_MS = 100
/** Under a limit a stream is worth opening for so many bytes a second. The kernel tells an owner of what was taken only megabytes later. */
const RATE_PER_STREAM = 128 * KiB
/** With this much a second for all threads together, it is an owner's own fault when it counts as slow. */
const FREE_RATE = 2 * MAX_FETCH_THREADS * DEFAULT_POLICY.slowBytesPerSecond

/** A thread that is in one file call for so long waits for a disk that stands still. */
const DISK_WAIT_MS = 1_000

export class Transfer {
  readonly #options: TransferOptions
  readonly #context: DownloadContext
  readonly #schedule: Schedule
  readonly #glue: Glue
  readonly #haves: HavePoller
  readonly #machineLoad = new MachineLoad()
  readonly #owners = new Map<string, Owner>()
  readonly #running = new Map<number, RunningPart>()
  readonly #tally: Tally
  /** The file, where it came in one part. */
  #whole: WholeFile | undefined
  /** What came of a doubtful question. */
  #doubt: PiecemealError | undefined
  #resumedBytes = 0
  /** Threads that died in a row, and the last of them. */
  #threadDeaths = 0
  #deadThread = 0
  /** When a thread last waited long for the disk. */
  #diskWaitedMs = -Infinity
  /** Files that threads were about to name when they died: one of them may be the file. */
  readonly #untold: UntoldFile[] = []
  #wake: () => void = () => {}
  readonly #wakeUp = (): void => this.#wake()

  constructor (options: TransferOptions, context: DownloadContext) {
    this.#options = options
    this.#context = context
    const { found } = options
    const { giveUpMs, ownerWaitMs } = context.deadlines
    this.#schedule = new Schedule(pieceCount(found), { pieceBytes: found.pieceLength, giveUpMs, ownerWaitMs })
    this.#haves = new HavePoller(found, context)
    this.#glue = new Glue(found, options.onGood)
    this.#tally = new Tally(found)
  }

  /** @throws what the schedule gives up with, E_DISK_FULL, E_IO, E_INTERRUPTED. Nothing runs any more then. */
  async run (): Promise<Transferred> {
    this.#options.signal.addEventListener('abort', this.#wakeUp, { once: true })
    try {
      await this.#takeUp()
      await this.#fetch().catch(async (error: unknown) => {
        await this.#endAllParts()
        // Of two owners that bring the file at once one is the first, and the other's thread is told that it is there.
        if (this.#whole === undefined) throw error
      })
      const file = this.#whole ?? { pieces: this.#options.pieces ?? Buffer.alloc(0), path: await this.#glue.finish() }
      return { ...file, owners: this.#tally.owners, resumedBytes: this.#resumedBytes }
    } finally {
      this.#context.slots.leave(this.#wakeUp)
      this.#options.signal.removeEventListener('abort', this.#wakeUp)
      await this.#stop()
    }
  }

  /** What is there already, and an empty file where there is nothing to fetch. */
  async #takeUp (): Promise<void> {
    const { runs, found, liars = [], workspace } = this.#options
    for (const run of runs) {
      this.#schedule.have(run.firstPiece, run.endPiece)
      this.#tally.count(run)
      this.#tellGood(run)
      this.#glue.add(run)
    }
    if (found.size === 0) this.#glue.add(await makeEmptyPart(workspace.newPartFile(0)))
    this.#resumedBytes = this.#tally.bytes
    this.#setOwners(found.owners)
    for (const owner of liars) {
      this.#schedule.ban({ key: keyOf(owner), complete: owner.complete }, { code: 'E_DIGEST', message: `the owner ${quote(owner.name)} sent a wrong piece list` })
    }
  }

  async #fetch (): Promise<void> {
    for (let isDone = false; !isDone;) {
      this.#throwIfOver()
      this.#readProgress()
      this.#killStuckThreads()
      isDone = this.#carryOut()
      if (!isDone) await this.#pause()
    }
    this.#readProgress()
    // A part whose owner stalls may have brought good pieces that nobody else has to fetch.
    await this.#endAllParts()
  }

  /** @returns whether every piece is there */
  #carryOut (): boolean {
    const { slots } = this.#context
    for (const order of this.#schedule.step(performance.now(), this.#machine)) {
      switch (order.order) {
        case 'start':
          slots.take()
          this.#start(order.part)
          break
        case 'shorten':
          this.#running.get(order.id)?.stopEarlier(order.endPiece)
          break
        case 'cancel':
          this.#running.get(order.id)?.cancel()
          break
        case 'ask have':
        case 'ask sent':
          this.#askOwner(order)
          break
        case 'ask tracker':
          this.#askTracker()
          break
        case 'fail':
          throw order.failure
        case 'done':
          return true
      }
    }
    if (slots.isFree) slots.pass()
    else slots.wait(this.#wakeUp)
    return false
  }

  get #machine (): Machine {
    const { slots, down: { bytesPerSecond = Infinity } } = this.#context
    const nowMs = performance.now()
    // Until what a part has brought is again measured over a time without such a wait.
    const hasWaited = nowMs - this.#diskWaitedMs < DEFAULT_POLICY.slowAfterMs
    const isLimited = bytesPerSecond < FREE_RATE || hasWaited
    const streams = this.#isSinglePiece ? Infinity : this.#machineLoad.at(nowMs, this.#schedule.streamsOfUse)
    // Few that are quick rather than many that are slow: an owner gives up whoever takes next to nothing for a while.
    const most = Math.max(1, Math.floor(bytesPerSecond / RATE_PER_STREAM))
    return { slots: slots.free, streams, most, isBusy: this.#machineLoad.isBusy, isLimited }
  }

  /** Of one piece: a part of it is the file, and is over in a moment. */
  get #isSinglePiece (): boolean {
    return pieceCount(this.#options.found) === 1
  }

  #throwIfOver (): void {
    const { signal, found } = this.#options
    if (signal.aborted) throw new PiecemealError('E_INTERRUPTED', `the download of ${quote(found.filename)} was stopped`)
    if (this.#doubt !== undefined) throw this.#doubt
    if (this.#glue.failure !== undefined) throw toDiskError(this.#glue.failure, 'cannot glue the parts')
  }

  #readProgress (): void {
    let inFlight = 0
    for (const running of this.#running.values()) {
      const { part, path, verifiedPiece, receivedBytes } = running
      this.#schedule.progress(part.id, verifiedPiece, receivedBytes, performance.now())
      inFlight += receivedBytes
      if (part.firstPiece === 0 && !this.#isSinglePiece) this.#glue.begins(path, receivedBytes)
      const run = running.news()
      if (run) this.#tellGood(run)
    }
    const { found, onProgress } = this.#options
    // A single piece is there or not.
    if (!this.#isSinglePiece) onProgress?.({ size: found.size, bytes: Math.min(found.size, this.#tally.bytes + inFlight) })
  }

  #tellGood (run: Run): void {
    this.#options.onGood?.({ ...run, originPiece: run.firstPiece })
  }

  #killStuckThreads (): void {
    const nowMs = performance.now()
    for (const running of this.#running.values()) {
      running.killIfStuck(nowMs)
      if (running.diskWaitMs(nowMs) > DISK_WAIT_MS) this.#diskWaitedMs = nowMs
    }
  }

  #start (part: PartToStart): void {
    const { found, pieces, target, workspace } = this.#options
    const owner = this.#owners.get(part.owner)
    if (owner === undefined) throw new Error(`${part.owner} is no owner`)
    const running: RunningPart = new RunningPart({
      part, owner, path: workspace.newPartFile(part.firstPiece), found, pieces, target: this.#isSinglePiece ? target : undefined, untold: this.#untold, onEnd: async (end) => await this.#end(running, end),
    }, this.#context)
    this.#running.set(part.id, running)
  }

  async #end (running: RunningPart, { file, failure }: PartEnd): Promise<void> {
    const { part: { id }, owner, path, run, threadId, verifiedPiece, receivedBytes, untold } = running
    this.#whole ??= file
    if (failure?.code === 'E_WORKER' && untold) this.#untold.push(untold)
    if (failure && this.#options.doubtful?.has(failure.code)) this.#doubt ??= failure
    this.#running.delete(id)
    this.#context.slots.release()
    this.#schedule.progress(id, verifiedPiece, receivedBytes, performance.now())
    this.#schedule.ended(id, performance.now(), this.#reasonOf(failure, threadId))

    if (run.endPiece > run.firstPiece) {
      this.#tally.count(run, owner.name)
      this.#tellGood(run)
      if (!this.#isSinglePiece) this.#glue.add(run)
    } else {
      await atDisk(async () => await rm(path, { force: true })).catch(() => {})
    }
    this.#wake()
  }

  /** A thread that dies costs one more try in a fresh one of all that it had in hand, and is no owner's fault. */
  #reasonOf (failure: PiecemealError | undefined, threadId: number): ScheduleFailure | undefined {
    if (failure?.code !== 'E_WORKER') {
      this.#threadDeaths = 0
      return failure
    }
    // Without an id it died before it began.
    if (threadId === 0 || threadId !== this.#deadThread) this.#threadDeaths++
    this.#deadThread = threadId
    return this.#threadDeaths > 1 ? failure : { code: 'E_INTERRUPTED', message: failure.message }
  }

  #askTracker (): void {
    const { filename, digest } = this.#options.found
    this.#context.findOwners(filename, digest).then(
      ({ owners }) => this.#setOwners(owners),
      (error: unknown) => {
        // Nobody left is an answer; a tracker that is away says nothing about the owners.
        if (error instanceof PiecemealError && error.code === 'E_NO_OWNER') this.#setOwners([])
        else this.#schedule.trackerFailed()
      }
    ).finally(() => this.#wake())
  }

  #askOwner ({ order, owner: key }: Order & { order: 'ask have' | 'ask sent' }): void {
    const owner = this.#owners.get(key)
    if (owner === undefined) throw new Error(`${key} is no owner`)
    const address = { host: owner.host, port: owner.inputPort }
    const told = order === 'ask sent'
      ? this.#haves.askSent(address).then(({ have, sent }) => {
        if (have) this.#setHave(key, have)
        else this.#schedule.setSent(key, sent, performance.now())
      })
      : this.#haves.ask(address).then((have) => this.#setHave(key, have))
    told.catch((error: unknown) => {
      this.#schedule.askFailed(key, toPiecemealError(error), performance.now())
    }).finally(() => this.#wake())
  }

  #setHave (key: string, { pieces, isFinal }: Have): void {
    this.#schedule.setHave(key, pieces, performance.now(), isFinal)
  }

  #setOwners (owners: readonly Owner[]): void {
    const scheduled = owners.map((owner) => {
      const key = keyOf(owner)
      this.#owners.set(key, owner)
      return { key, complete: owner.complete }
    })
    this.#schedule.setOwners(scheduled, performance.now())
  }

  /** Until a part ends, owners come, a slot is free, the download is stopped, or the next tick. */
  async #pause (): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, TICK_MS)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async #endAllParts (): Promise<void> {
    const running = [...this.#running.values()]
    for (const part of running) part.cancel()
    await Promise.all(running.map(async ({ ended }) => await ended))
  }

  async #stop (): Promise<void> {
    this.#haves.close()
    await this.#endAllParts()
    await this.#glue.close()
  }
}

/** An owner is where its data comes from. */
function keyOf ({ host, outputPort }: Owner): string {
  return formatAddress({ host, port: outputPort })
}

/**
 * Carries out a schedule: starts parts in threads, tells the schedule how they fare, and hands
 * finished runs on. Where it gets nowhere while others wait it steps aside until an owner answers.
 *
 * Longer than 250 lines because a loop and what it carries out, waits for and ends with are one state.
 */
import type { PieceList } from '../content/digest.js'
import type { PieceSet } from '../content/piece-set.js'
import type { PieceRange, PlacedRun } from '../content/run.js'
import type { Wanted } from '../content/wanted.js'
import type { ErrorCode, PiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import type { Found, Owner } from '../protocol/tracker-to-node.js'
import type { SchedulePolicy } from '../schedule/policy.js'
import { Schedule } from '../schedule/schedule.js'
import { Aside } from './aside.js'
import type { DownloadContext } from './context.js'
import type { Landed, Landing } from './landing.js'
import { LiveParts } from './live-parts.js'
import { MachineShare } from './machine-share.js'
import type { RoundTrip } from './piece-list.js'
import { Questions } from './questions.js'
import type { Readers } from './readers.js'
import type { Reason, Standstill } from './standstill.js'
import { throwIfStopped } from './stopped.js'
import { Tally } from './tally.js'

export interface TransferProgress {
  size: number
  /** Good pieces and what has come of the next ones, in bytes. */
  bytes: number
  digest: string
  /** Who has sent how much of it so far. */
  owners: () => Map<string, number>
}

export interface TransferOptions {
  found: Found
  wanted: Wanted
  /** Where the parts go. */
  landing: Landing
  /** Of the schedule, where its numbers are not to be those of a file. */
  policy?: Partial<SchedulePolicy> | undefined
  /** Not known beforehand where there is only one, unless it is of zeros. */
  pieces?: PieceList | undefined
  /** Those of zeros, which are not fetched. */
  zeros: PieceSet
  /** Codes of an owner that end it at once: what is asked for may be what is wrong. */
  doubtful?: ReadonlySet<ErrorCode> | undefined
  /** Owners that are known to send wrong things. */
  liars?: readonly Owner[] | undefined
  /** What is known of how far an owner is. */
  roundTrip?: RoundTrip | undefined
  /** What is there already. */
  runs: readonly PlacedRun[]
  /** Who reads it meanwhile. */
  readers?: Readers | undefined
  signal: AbortSignal
  standstill: Standstill
  /** Good pieces have come, or are in another file than before. */
  onGood?: ((run: PlacedRun) => void) | undefined
  /** No owner will ever have these. @returns the pieces that are done without then @throws why there is nothing to be done without */
  onLost?: ((lost: PieceSet) => Iterable<PieceRange>) | undefined
  onProgress?: ((progress: TransferProgress) => void) | undefined
}

export interface Transferred extends Landed {
  owners: Array<{ name: string, bytes: number }>
  resumedBytes: number
  /** In pieces of zeros. */
  zeroBytes: number
}

/** How often threads are asked how far they are. */
const TICK_MS = 100
/** How often a download that has stepped aside looks at the clock: there may be many. */
const ASIDE_TICK_MS = 5_000

export class Transfer {
  readonly #options: TransferOptions
  readonly #context: DownloadContext
  readonly #schedule: Schedule
  readonly #landing: Landing
  readonly #questions: Questions
  readonly #machine: MachineShare
  readonly #aside: Aside
  readonly #tally: Tally
  readonly #parts: LiveParts
  #zeroBytes = 0
  #resumedBytes = 0
  #knownBytes = 0
  #wake: () => void = () => {}
  readonly #wakeUp = (): void => this.#wake()

  constructor (options: TransferOptions, context: DownloadContext) {
    const { found, wanted, landing, policy, standstill } = options
    this.#options = options
    this.#context = context
    const { giveUpMs, ownerWaitMs } = context.deadlines
    const endOfPart = (range: PieceRange): number => wanted.endOfPart(range)
    this.#schedule = new Schedule(wanted.layout.pieceCount, { pieceBytes: found.pieceLength, ...policy, endOfPart, giveUpMs, ownerWaitMs })
    this.#landing = landing
    this.#machine = new MachineShare({ ...context, isGradual: this.#landing.isGradual })
    this.#questions = new Questions({ found, wanted, schedule: this.#schedule, onTold: this.#wakeUp, onNewOwner: () => this.#aside.cutShort() }, context)
    this.#aside = new Aside({ turn: context.turn, standstill, questions: () => this.#questions.whetherBack, onBack: this.#wakeUp })
    this.#tally = new Tally(wanted.layout)
    this.#parts = new LiveParts({
      ...options, pieces: options.pieces, doubtful: options.doubtful, schedule: this.#schedule, landing: this.#landing, tally: this.#tally, onGood: (run) => options.onGood?.(run), onEnd: this.#wakeUp,
    }, context)
  }

  /** @throws what the schedule gives up with, E_DISK_FULL, E_IO, E_INTERRUPTED. Nothing runs any more then. */
  async run (): Promise<Transferred> {
    const { signal, standstill } = this.#options
    signal.addEventListener('abort', this.#wakeUp, { once: true })
    try {
      await this.#takeUp()
      this.#options.readers?.onChange(() => this.#serveReaders())
      this.#serveReaders()
      standstill.waits(() => this.#reason)
      await this.#fetch().catch(async (error: unknown) => {
        await this.#parts.endAll()
        if (!this.#landing.isOver) throw error
      })
      standstill.moved(performance.now())
      standstill.waits(() => ({ for: 'disk', owners: [] }))
      return { ...await this.#landing.finish(), owners: this.#tally.owners, resumedBytes: this.#resumedBytes, zeroBytes: this.#zeroBytes }
    } finally {
      this.#context.slots.leave(this.#wakeUp)
      signal.removeEventListener('abort', this.#wakeUp)
      await this.#stop()
    }
  }

  #serveReaders (): void {
    this.#schedule.readFirst(this.#options.readers?.ranges ?? [])
    this.#wake()
  }

  /** What is there already, and what need not be fetched. */
  async #takeUp (): Promise<void> {
    const { runs, zeros, found, liars = [], roundTrip, onGood } = this.#options
    for (const range of zeros.ranges()) this.#have(range)
    this.#zeroBytes = this.#tally.bytes
    for (const run of runs) {
      this.#have(run)
      onGood?.(run)
    }
    this.#resumedBytes = this.#tally.bytes - this.#zeroBytes
    await this.#landing.takeUp(runs)
    this.#questions.setOwners(found.owners)
    if (roundTrip) this.#questions.setRoundTrip(roundTrip)
    for (const owner of liars) this.#questions.ban(owner, `the owner ${quote(owner.name)} sent a wrong piece list`)
  }

  #have (range: PieceRange): void {
    this.#schedule.have(range.firstPiece, range.endPiece)
    this.#tally.count(range)
  }

  async #fetch (): Promise<void> {
    const { signal, found } = this.#options
    for (let isDone = false; !isDone;) {
      throwIfStopped(signal, found.filename)
      this.#parts.throwOnDoubt()
      this.#landing.throwOnFailure()
      this.#lookAtParts()
      this.#stepAsideIfStuck()
      isDone = this.#carryOut()
      if (!isDone) await this.#pause()
    }
    this.#lookAtParts()
    // A part whose owner stalls may have brought good pieces that nobody else has to fetch.
    await this.#parts.endAll()
  }

  #lookAtParts (): void {
    const nowMs = performance.now()
    const { bytes: inFlight, diskWaitMs } = this.#parts.look(nowMs)
    this.#machine.diskWaits(nowMs, diskWaitMs)
    const { wanted: { layout: { size } }, standstill, onProgress } = this.#options
    const bytes = this.#tally.bytes + inFlight
    if (bytes > this.#knownBytes) standstill.moved(nowMs)
    this.#knownBytes = bytes
    if (this.#landing.isGradual) onProgress?.({ size, bytes: Math.min(size, bytes), digest: this.#options.found.digest, owners: () => this.#parts.bytesByOwner })
  }

  /** One that gets nowhere while others wait holds neither a turn nor a thread. */
  #stepAsideIfStuck (): void {
    if (this.#aside.look(performance.now(), this.#context.slots.isWantedBeside(this.#wakeUp))) this.#parts.cancelAll()
  }

  /** @returns whether every piece is there */
  #carryOut (): boolean {
    const { slots } = this.#context
    const nowMs = performance.now()
    const { isAside, isQueueing } = this.#aside
    const load = this.#machine.at(nowMs, this.#schedule.streamsOfUse)
    const machine = this.#landing.isBehind ? { ...load, slots: 0, isHeldUp: true } : load
    for (const order of this.#schedule.step(nowMs, isAside ? { ...machine, slots: 0, mayAsk: false, isHeldUp: machine.isHeldUp || isQueueing } : machine)) {
      switch (order.order) {
        case 'start':
          this.#parts.start(order.part, this.#questions.owner(order.part.owner))
          break
        case 'shorten':
          this.#parts.shorten(order.id, order.endPiece)
          break
        case 'cancel':
          this.#parts.cancel(order.id)
          break
        case 'ask have':
        case 'ask sent':
          this.#questions.askOwner(order)
          break
        case 'ask tracker':
          this.#questions.askTracker()
          break
        case 'fail':
          this.#doWithoutLost(order.failure)
          break
        case 'done':
          return true
      }
    }
    if (slots.isFree) slots.pass()
    // If it waits, downloads that get nowhere give up their slots for it.
    else if (this.#schedule.isShortOfParts && !isAside) slots.wait(this.#wakeUp)
    else slots.leave(this.#wakeUp)
    return false
  }

  /** @throws what it ends with, unless it can do without. */
  #doWithoutLost (failure: PiecemealError): void {
    const { lost } = this.#schedule
    if (failure.code !== 'E_NO_OWNER' || lost === undefined || this.#options.onLost === undefined) throw failure
    for (const { firstPiece, endPiece } of this.#options.onLost(lost)) this.#schedule.have(firstPiece, endPiece)
  }

  get #reason (): Reason {
    if (this.#machine.isDiskWaiting || this.#landing.isBehind) return { for: 'disk', owners: [] }
    const { isAside, isQueueing } = this.#aside
    if (isQueueing || (!isAside && this.#parts.size === 0 && !this.#context.slots.isFree)) return { for: 'slot', owners: [] }
    return this.#questions.waitedFor
  }

  /** Until a part ends, owners come, a slot is free, the download is stopped, or the next tick. */
  async #pause (): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#aside.isAside && this.#parts.size === 0 ? ASIDE_TICK_MS : TICK_MS)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async #stop (): Promise<void> {
    this.#options.readers?.onChange(() => {})
    this.#questions.close()
    await this.#aside.close()
    await this.#parts.endAll()
    await this.#landing.close()
  }
}

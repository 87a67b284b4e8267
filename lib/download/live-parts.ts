/** The parts of a download that run: they are started, looked at and ended here, and the schedule is told how they fare. */
import type { PieceList } from '../content/digest.js'
import type { PlacedRun } from '../content/run.js'
import type { Wanted } from '../content/wanted.js'
import type { UntoldFile } from '../disk/untold-file.js'
import type { ErrorCode, PiecemealError } from '../protocol/errors.js'
import type { Found, Owner } from '../protocol/tracker-to-node.js'
import type { PartToStart } from '../schedule/orders.js'
import type { Schedule } from '../schedule/schedule.js'
import type { DownloadContext } from './context.js'
import type { Landing } from './landing.js'
import { RunningPart, type PartEnd } from './running-part.js'
import type { Tally } from './tally.js'
import { ThreadDeaths } from './thread-deaths.js'

export interface LivePartsOptions {
  found: Found
  wanted: Wanted
  pieces: PieceList | undefined
  /** Codes of an owner that end the download at once: what is asked for may be what is wrong. */
  doubtful: ReadonlySet<ErrorCode> | undefined
  schedule: Schedule
  landing: Landing
  tally: Tally
  /** Good pieces have come. */
  onGood: (run: PlacedRun) => void
  /** A part has ended. */
  onEnd: () => void
}

export class LiveParts {
  readonly #options: LivePartsOptions
  readonly #context: DownloadContext
  readonly #deaths = new ThreadDeaths()
  readonly #running = new Map<number, RunningPart>()
  /** Files that threads were about to name when they died: one of them may be the file. */
  readonly #untold: UntoldFile[] = []
  /** What came of a doubtful question. */
  #doubt: PiecemealError | undefined

  constructor (options: LivePartsOptions, context: DownloadContext) {
    this.#options = options
    this.#context = context
  }

  get size (): number {
    return this.#running.size
  }

  /** Of good pieces, and of what has come of the next ones. */
  get bytesByOwner (): Map<string, number> {
    const bytes = new Map(this.#options.tally.owners.map(({ name, bytes }) => [name, bytes]))
    for (const { owner: { name }, receivedBytes } of this.#running.values()) bytes.set(name, (bytes.get(name) ?? 0) + receivedBytes)
    return bytes
  }

  /** @throws what an owner answered to a doubtful question. */
  throwOnDoubt (): void {
    if (this.#doubt !== undefined) throw this.#doubt
  }

  start (part: PartToStart, owner: Owner): void {
    const { found, wanted, pieces, landing } = this.#options
    this.#context.slots.take()
    const running: RunningPart = new RunningPart({
      part, owner, place: landing.placeFor(part), found, wanted, pieces, target: landing.target, untold: this.#untold, onEnd: async (end) => await this.#end(running, end),
    }, this.#context)
    this.#running.set(part.id, running)
  }

  shorten (id: number, endPiece: number): void {
    const running = this.#running.get(id)
    if (running) this.#options.landing.shortened(running.place, running.stopEarlier(endPiece))
  }

  cancel (id: number): void {
    this.#running.get(id)?.cancel()
  }

  cancelAll (): void {
    for (const running of this.#running.values()) running.cancel()
  }

  /** To be called again and again. @returns the bytes of those that run, and how long one of them has been waiting for the disk */
  look (nowMs: number): { bytes: number, diskWaitMs: number } {
    const { schedule, landing, tally, onGood } = this.#options
    let [bytes, diskWaitMs] = [0, 0]
    for (const running of this.#running.values()) {
      const { part, place, verifiedPiece, receivedBytes, roundTripMs } = running
      if (roundTripMs > 0) schedule.setRoundTrip(part.owner, roundTripMs)
      schedule.progress(part.id, verifiedPiece, receivedBytes, nowMs)
      bytes += receivedBytes
      if (part.firstPiece === 0) landing.begins(place.path, receivedBytes)
      running.killIfStuck(nowMs)
      diskWaitMs = Math.max(diskWaitMs, running.diskWaitMs(nowMs))
      const run = running.takeNewRun()
      if (run) onGood(run)
    }
    landing.grows(tally.bytes + bytes)
    return { bytes, diskWaitMs }
  }

  /** Resolves when none runs any more. */
  async endAll (): Promise<void> {
    this.cancelAll()
    await Promise.all([...this.#running.values()].map(async ({ ended }) => await ended))
  }

  async #end (running: RunningPart, { file, failure }: PartEnd): Promise<void> {
    const { part: { id }, owner, place, run, threadId, verifiedPiece, receivedBytes, untold } = running
    const { schedule, landing, tally, doubtful, onGood, onEnd } = this.#options
    if (file) landing.arrived(file)
    if (failure?.code === 'E_WORKER' && untold) this.#untold.push(untold)
    if (failure && doubtful?.has(failure.code)) this.#doubt ??= failure
    this.#running.delete(id)
    this.#context.slots.release()
    this.#context.onPartEnd?.(receivedBytes, failure?.code)
    schedule.progress(id, verifiedPiece, receivedBytes, performance.now())
    schedule.ended(id, performance.now(), this.#deaths.reasonOf(failure, threadId))

    if (run.endPiece > run.firstPiece) {
      tally.count(run, owner.name)
      onGood(run)
    }
    await landing.ended(place, run)
    onEnd()
  }
}

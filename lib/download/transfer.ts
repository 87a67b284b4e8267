/**
 * Carries out a schedule: starts parts in threads, tells the schedule how they fare, hands finished
 * runs to the glue, and asks for more owners while there are too few.
 */
import { rm } from 'node:fs/promises'
import { toDiskError } from '../content/disk.js'
import type { PieceList } from '../content/digest.js'
import type { PlacedRun } from '../content/placed-run.js'
import { formatAddress } from '../protocol/address.js'
import { bytesOfPieces, PIECE_DIGEST_BYTES, pieceCount } from '../protocol/content.js'
import { PiecemealError, toPiecemealError } from '../protocol/errors.js'
import { KiB, MAX_FETCH_THREADS, THREAD_HANG_MS } from '../protocol/limits.js'
import { quote } from '../protocol/names.js'
import type { Found, Owner } from '../protocol/tracker-to-node.js'
import type { DownloadContext } from './download.js'
import { Glue } from './glue.js'
import { HavePoller } from './have-poller.js'
import { PartControl } from './part-task.js'
import type { ScheduleFailure } from './owner-standing.js'
import type { Part } from './part.js'
import { Schedule } from './schedule.js'
import { DEFAULT_POLICY } from './schedule-policy.js'
import { StreamCount } from './stream-count.js'
import type { Run, Workspace } from './workspace.js'

export interface TransferProgress {
  size: number
  /** Good pieces and what has come of the next ones, in bytes. */
  bytes: number
  /** Streams that run at the moment. */
  streams: number
}

export interface TransferOptions {
  found: Found
  /** Not known beforehand where there is only one. */
  pieces?: PieceList
  /** Owners that are known to send wrong things. */
  liars?: readonly Owner[]
  /** What is there already. */
  runs: readonly Run[]
  workspace: Workspace
  signal: AbortSignal
  /** Good pieces have come, or are in another file than before. */
  onGood?: ((run: PlacedRun) => void) | undefined
  onProgress?: ((progress: TransferProgress) => void) | undefined
}

export interface Transferred {
  pieces: PieceList
  /** The glued and synced file. */
  path: string
  owners: Array<{ name: string, bytes: number }>
  resumedBytes: number
}

interface RunningPart {
  part: Part
  path: string
  control: PartControl
  ended: Promise<void>
  /** Ends the thread. */
  kill: AbortController
  /** The first piece that nobody else has been told of. */
  toldPiece: number
  /** What the thread's last sign of life was, and when it came. */
  heartbeat: number
  heartbeatMs: number
}

/** How often threads are asked how far they are. */
const TICK_MS = 100
/** Under a limit a stream is worth opening for so many bytes a second. The kernel tells an owner of what was taken only megabytes later. */
const RATE_PER_STREAM = 128 * KiB
/** With this much a second for all threads together, it is an owner's own fault when it counts as slow. */
const FREE_RATE = 2 * MAX_FETCH_THREADS * DEFAULT_POLICY.slowBytesPerSecond

export class Transfer {
  readonly #options: TransferOptions
  readonly #context: DownloadContext
  readonly #schedule: Schedule
  readonly #glue: Glue
  readonly #haves: HavePoller
  readonly #streamCount = new StreamCount(MAX_FETCH_THREADS)
  readonly #owners = new Map<string, Owner>()
  readonly #bytesByOwner = new Map<string, number>()
  readonly #running = new Map<number, RunningPart>()
  /** One byte a piece: 1 once it counts as brought. */
  readonly #countedPieces: Uint8Array
  /** The digest of a piece that came last: the whole list where there is but one. */
  #onlyPiece: PieceList | undefined
  #resumedBytes = 0
  #doneBytes = 0
  #ownersAskedMs = performance.now()
  #asking: Promise<void> | undefined
  /** Threads that died in a row. */
  #threadDeaths = 0
  #wake: () => void = () => {}

  constructor (options: TransferOptions, context: DownloadContext) {
    this.#options = options
    this.#context = context
    const { found } = options
    this.#schedule = new Schedule(pieceCount(found), { pieceBytes: found.pieceLength }, context.name)
    this.#haves = new HavePoller(found, context.credentials?.control)
    this.#glue = new Glue(found, options.onGood)
    this.#countedPieces = new Uint8Array(pieceCount(found))
  }

  /** @throws what the schedule gives up with, E_DISK_FULL, E_IO, E_INTERRUPTED. Nothing runs any more then. */
  async run (): Promise<Transferred> {
    const wake = (): void => this.#wake()
    const stopWaiting = this.#context.slots.onRelease(wake)
    this.#options.signal.addEventListener('abort', wake, { once: true })
    try {
      await this.#takeUp()
      await this.#fetch()
      const path = await this.#glue.finish()
      const owners = [...this.#bytesByOwner].map(([name, bytes]) => ({ name, bytes }))
      return { path, pieces: this.#pieces, owners, resumedBytes: this.#resumedBytes }
    } finally {
      stopWaiting()
      this.#options.signal.removeEventListener('abort', wake)
      await this.#stop()
    }
  }

  /** What is there already, and an empty file where there is nothing to fetch. */
  async #takeUp (): Promise<void> {
    const { runs, found, liars = [], workspace } = this.#options
    for (const run of runs) {
      this.#schedule.have(run.firstPiece, run.endPiece)
      this.#count(run)
      this.#tellGood(run)
      this.#glue.add(run)
    }
    if (found.size === 0) this.#glue.add(await workspace.makeEmptyPart())
    this.#resumedBytes = this.#doneBytes
    this.#setOwners(found.owners)
    for (const owner of liars) {
      this.#schedule.ban({ key: keyOf(owner), name: owner.name, complete: owner.complete }, { code: 'E_DIGEST', message: `the owner ${quote(owner.name)} sent a wrong piece list` })
    }
  }

  async #fetch (): Promise<void> {
    while (!this.#schedule.isDone) {
      this.#throwIfOver()
      this.#readProgress()
      this.#giveUpSlowParts()
      this.#killStuckThreads()
      this.#trimParts()
      this.#startParts()
      const failure = this.#schedule.failure(performance.now())
      if (failure) throw failure
      this.#askForOwners()
      this.#askForPieces()
      await this.#pause()
    }
    this.#readProgress()
    // A part whose owner stalls may have brought good pieces that nobody else has to fetch.
    await this.#endAllParts()
  }

  get #pieces (): PieceList {
    return this.#options.pieces ?? this.#onlyPiece ?? Buffer.alloc(0)
  }

  #throwIfOver (): void {
    const { signal, found } = this.#options
    if (signal.aborted) throw new PiecemealError('E_INTERRUPTED', `the download of ${quote(found.filename)} was stopped`)
    if (this.#glue.failure !== undefined) throw toDiskError(this.#glue.failure, 'cannot glue the parts')
  }

  #readProgress (): void {
    let inFlight = 0
    for (const running of this.#running.values()) {
      const { part, path, control } = running
      this.#schedule.progress(part.id, control.verifiedPiece, control.receivedBytes, performance.now())
      inFlight += control.receivedBytes
      if (part.firstPiece === 0) this.#glue.begins(path, control.receivedBytes)
      this.#tellNewPieces(running)
    }
    const { found, onProgress } = this.#options
    // A single piece is there or not.
    if (pieceCount(found) > 1) onProgress?.({ size: found.size, bytes: Math.min(found.size, this.#doneBytes + inFlight), streams: this.#running.size })
  }

  /** What has come of a part so far, if that is more than was told. */
  #tellNewPieces (running: RunningPart): void {
    const { part: { firstPiece, endPiece: stopPiece }, path, control, toldPiece } = running
    const endPiece = Math.min(stopPiece, control.verifiedPiece)
    if (endPiece <= toldPiece) return
    running.toldPiece = endPiece
    this.#tellGood({ firstPiece, endPiece, path })
  }

  #tellGood (run: Run): void {
    this.#options.onGood?.({ ...run, originPiece: run.firstPiece })
  }

  #giveUpSlowParts (): void {
    // What the node's own limit leaves for a part may be less than what an owner should bring.
    if ((this.#context.down.bytesPerSecond ?? Infinity) < FREE_RATE) return
    for (const { id } of this.#schedule.tooSlow(performance.now())) this.#running.get(id)?.control.cancel()
  }

  #killStuckThreads (): void {
    const nowMs = performance.now()
    for (const running of this.#running.values()) {
      const { heartbeat } = running.control
      if (heartbeat !== running.heartbeat) Object.assign(running, { heartbeat, heartbeatMs: nowMs })
      else if (nowMs - running.heartbeatMs > THREAD_HANG_MS) running.kill.abort()
    }
  }

  /** Few that are quick rather than many that are slow: an owner gives up whoever takes next to nothing for a while. */
  #mostStreams (): number {
    const withinLimit = Math.max(1, Math.floor((this.#context.down.bytesPerSecond ?? Infinity) / RATE_PER_STREAM))
    return Math.min(withinLimit, this.#streamCount.at(performance.now()))
  }

  #startParts (): void {
    this.#schedule.setMachine({ streams: this.#mostStreams(), isBusy: this.#streamCount.isBusy })
    while (this.#context.slots.isFree) {
      const assignment = this.#schedule.next(performance.now())
      if (assignment === undefined) return
      this.#context.slots.take()
      const { part, shortened } = assignment
      if (shortened) this.#stopEarlier(shortened)
      this.#start(part)
    }
  }

  #trimParts (): void {
    for (const part of this.#schedule.trim()) this.#stopEarlier(part)
  }

  #stopEarlier ({ id, endPiece }: Part): void {
    const running = this.#running.get(id)
    if (running) running.control.stopPiece = endPiece
  }

  #start (part: Part): void {
    const { found, workspace } = this.#options
    const owner = this.#owners.get(part.owner)
    if (owner === undefined) throw new Error(`${part.owner} is no owner`)
    const control = PartControl.forPart(part.firstPiece, part.endPiece)
    const path = workspace.newPartFile(part.firstPiece)
    const kill = new AbortController()
    const fetched = this.#context.fetchPart({
      filename: found.filename,
      name: this.#context.name,
      size: found.size,
      digest: found.digest,
      pieceLength: found.pieceLength,
      owner: { host: owner.host, port: owner.outputPort },
      credentials: this.#context.credentials?.data,
      firstPiece: part.firstPiece,
      endPiece: part.endPiece,
      pieces: this.#options.pieces?.subarray(part.firstPiece * PIECE_DIGEST_BYTES, part.endPiece * PIECE_DIGEST_BYTES),
      path,
      control: control.buffer,
      down: this.#context.down.buffer,
    }, kill.signal)
    const ended = fetched.then((digest) => {
      this.#onlyPiece = digest ?? this.#onlyPiece
      return undefined
    }, toPiecemealError).then(async (failure) => {
      await this.#end(part, owner, failure)
    })
    this.#running.set(part.id, { part, path, control, ended, kill, toldPiece: part.firstPiece, heartbeat: 0, heartbeatMs: performance.now() })
  }

  async #end (part: Part, owner: Owner, failure: PiecemealError | undefined): Promise<void> {
    const running = this.#running.get(part.id)
    if (running === undefined) return
    const { control, path } = running
    this.#running.delete(part.id)
    this.#context.slots.release()
    this.#schedule.progress(part.id, control.verifiedPiece, control.receivedBytes, performance.now())
    const run = { firstPiece: part.firstPiece, endPiece: Math.min(part.endPiece, control.verifiedPiece), path }
    for (const { id } of this.#schedule.ended(part.id, performance.now(), this.#reasonOf(failure))) this.#running.get(id)?.control.cancel()

    if (run.endPiece > run.firstPiece) {
      this.#count(run, owner)
      this.#tellGood(run)
      this.#glue.add(run)
    } else {
      await rm(path, { force: true }).catch(() => {})
    }
    this.#wake()
  }

  /** Whoever brings a piece first has brought it. */
  #count ({ firstPiece, endPiece }: Run, owner?: Owner): void {
    for (let piece = firstPiece; piece < endPiece; piece++) {
      if (this.#countedPieces[piece] === 1) continue
      this.#countedPieces[piece] = 1
      const { start, end } = bytesOfPieces(this.#options.found, piece, piece + 1)
      this.#doneBytes += end - start
      if (owner) this.#bytesByOwner.set(owner.name, (this.#bytesByOwner.get(owner.name) ?? 0) + end - start)
    }
  }

  /** A thread that dies costs one more try in a fresh one, and is no owner's fault. */
  #reasonOf (failure: PiecemealError | undefined): ScheduleFailure | undefined {
    if (failure?.code !== 'E_WORKER') {
      this.#threadDeaths = 0
      return failure
    }
    return ++this.#threadDeaths > 1 ? failure : { code: 'E_INTERRUPTED', message: failure.message }
  }

  #askForOwners (): void {
    const nowMs = performance.now()
    if (this.#asking || nowMs - this.#ownersAskedMs < this.#schedule.ownersEveryMs(nowMs)) return
    this.#ownersAskedMs = nowMs
    const { filename, digest } = this.#options.found
    this.#asking = this.#context.findOwners(filename, digest).then(
      ({ owners }) => this.#setOwners(owners),
      (error: unknown) => {
        // The tracker away says nothing about the owners; nobody left is an answer.
        if (error instanceof PiecemealError && error.code === 'E_NO_OWNER') this.#setOwners([])
      }
    ).finally(() => {
      this.#asking = undefined
      this.#wake()
    })
  }

  #askForPieces (): void {
    for (const key of this.#schedule.partialOwnersToAsk(performance.now())) {
      const owner = this.#owners.get(key)
      if (owner === undefined) throw new Error(`${key} is no owner`)
      this.#haves.ask({ host: owner.host, port: owner.inputPort }).then(
        (have) => {
          this.#schedule.setHave(key, have, performance.now())
          this.#wake()
        },
        (error: unknown) => this.#schedule.haveFailed(key, toPiecemealError(error), performance.now())
      )
    }
  }

  #setOwners (owners: readonly Owner[]): void {
    const scheduled = owners.map((owner) => {
      const key = keyOf(owner)
      this.#owners.set(key, owner)
      return { key, name: owner.name, complete: owner.complete }
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
    for (const { control } of running) control.cancel()
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

/**
 * Carries out a schedule: starts parts in threads, tells the schedule how they fare, hands finished
 * runs to the glue, and asks for more owners while there are too few.
 */
import { rm } from 'node:fs/promises'
import { toDiskError } from '../content/disk.js'
import type { PieceList } from '../content/digest.js'
import { formatAddress } from '../protocol/address.js'
import { bytesOfPieces, PIECE_DIGEST_BYTES, pieceCount } from '../protocol/content.js'
import { PiecemealError, toPiecemealError } from '../protocol/errors.js'
import { THREAD_HANG_MS } from '../protocol/limits.js'
import { quote } from '../protocol/names.js'
import type { Found, Owner } from '../protocol/tracker-to-node.js'
import type { DownloadContext } from './download.js'
import { Glue } from './glue.js'
import { PartControl } from './part-task.js'
import { Schedule, type Part, type ScheduleFailure } from './schedule.js'
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
  pieces: PieceList
  /** Owners that are known to send wrong things. */
  liars: readonly Owner[]
  /** What is there already. */
  runs: readonly Run[]
  workspace: Workspace
  signal: AbortSignal
  onProgress?: ((progress: TransferProgress) => void) | undefined
}

export interface Transferred {
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
  /** What the thread's last sign of life was, and when it came. */
  heartbeat: number
  heartbeatMs: number
}

/** How often threads are asked how far they are. */
const TICK_MS = 100
/** How often the tracker is asked again: while there are few owners, and while there is none. */
const FEW_OWNERS_MS = 5_000
const NO_OWNERS_MS = 1_000

export class Transfer {
  readonly #options: TransferOptions
  readonly #context: DownloadContext
  readonly #schedule: Schedule
  readonly #glue: Glue
  readonly #owners = new Map<string, Owner>()
  readonly #bytesByOwner = new Map<string, number>()
  readonly #running = new Map<number, RunningPart>()
  /** One byte a piece: 1 once it counts as brought. */
  readonly #countedPieces: Uint8Array
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
    this.#schedule = new Schedule(pieceCount(found), { pieceBytes: found.pieceLength })
    this.#glue = new Glue(found)
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
      return { path, owners, resumedBytes: this.#resumedBytes }
    } finally {
      stopWaiting()
      this.#options.signal.removeEventListener('abort', wake)
      await this.#stop()
    }
  }

  /** What is there already, and an empty file where there is nothing to fetch. */
  async #takeUp (): Promise<void> {
    const { runs, found, liars, workspace } = this.#options
    for (const run of runs) {
      this.#schedule.have(run.firstPiece, run.endPiece)
      this.#count(run)
      this.#glue.add(run)
    }
    if (found.size === 0) this.#glue.add(await workspace.makeEmptyPart())
    this.#resumedBytes = this.#doneBytes
    this.#setOwners(found.owners)
    for (const owner of liars) {
      this.#schedule.ban({ key: keyOf(owner), name: owner.name }, { code: 'E_DIGEST', message: `the owner ${quote(owner.name)} sent a wrong piece list` })
    }
  }

  async #fetch (): Promise<void> {
    while (!this.#schedule.isDone) {
      this.#throwIfOver()
      this.#readProgress()
      this.#giveUpSlowParts()
      this.#killStuckThreads()
      this.#startParts()
      const failure = this.#schedule.failure(performance.now())
      if (failure) throw failure
      this.#askForOwners()
      await this.#pause()
    }
    this.#readProgress()
    // A part whose owner stalls may have brought good pieces that nobody else has to fetch.
    await this.#endAllParts()
  }

  #throwIfOver (): void {
    const { signal, found } = this.#options
    if (signal.aborted) throw new PiecemealError('E_INTERRUPTED', `the download of ${quote(found.filename)} was stopped`)
    if (this.#glue.failure !== undefined) throw toDiskError(this.#glue.failure, 'cannot glue the parts')
  }

  #readProgress (): void {
    let inFlight = 0
    for (const { part, control } of this.#running.values()) {
      this.#schedule.progress(part.id, control.verifiedPiece, control.receivedBytes, performance.now())
      inFlight += control.receivedBytes
    }
    const { found, onProgress } = this.#options
    onProgress?.({ size: found.size, bytes: Math.min(found.size, this.#doneBytes + inFlight), streams: this.#running.size })
  }

  #giveUpSlowParts (): void {
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

  #startParts (): void {
    while (this.#context.slots.isFree) {
      const assignment = this.#schedule.next(performance.now())
      if (assignment === undefined) return
      this.#context.slots.take()
      const { part, shortened } = assignment
      const victim = shortened && this.#running.get(shortened.id)
      if (victim) victim.control.stopPiece = victim.part.endPiece
      this.#start(part)
    }
  }

  #start (part: Part): void {
    const { pieces, found, workspace } = this.#options
    const owner = this.#owners.get(part.owner)
    if (owner === undefined) throw new Error(`${part.owner} is no owner`)
    const control = PartControl.forPart(part.firstPiece, part.endPiece)
    const path = workspace.newPartFile(part.firstPiece)
    const kill = new AbortController()
    const fetched = this.#context.fetchPart({
      filename: found.filename,
      size: found.size,
      digest: found.digest,
      pieceLength: found.pieceLength,
      owner: { host: owner.host, port: owner.outputPort },
      credentials: this.#context.credentials?.data,
      firstPiece: part.firstPiece,
      endPiece: part.endPiece,
      pieces: pieces.subarray(part.firstPiece * PIECE_DIGEST_BYTES, part.endPiece * PIECE_DIGEST_BYTES),
      path,
      control: control.buffer,
    }, kill.signal)
    const ended = fetched.then(() => undefined, toPiecemealError).then(async (failure) => {
      await this.#end(part, owner, failure)
    })
    this.#running.set(part.id, { part, path, control, ended, kill, heartbeat: 0, heartbeatMs: performance.now() })
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
    const isWithout = this.#running.size === 0
    const dueMs = isWithout ? NO_OWNERS_MS : FEW_OWNERS_MS
    if (this.#asking || !this.#schedule.isShortOfOwners || performance.now() - this.#ownersAskedMs < dueMs) return
    this.#ownersAskedMs = performance.now()
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

  #setOwners (owners: readonly Owner[]): void {
    const scheduled = owners.map((owner) => {
      const key = keyOf(owner)
      this.#owners.set(key, owner)
      return { key, name: owner.name }
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
    await this.#endAllParts()
    await this.#glue.close()
  }
}

/** An owner is where its data comes from. */
function keyOf ({ host, outputPort }: Owner): string {
  return formatAddress({ host, port: outputPort })
}

/** Runs a schedule against made-up owners on a made-up clock: no thread, no socket, milliseconds of real time. */
import type { PiecemealError } from '../../lib/protocol/errors.js'
import type { ScheduleFailure } from '../../lib/schedule/owner.js'
import type { Part } from '../../lib/schedule/part.js'
import { Schedule } from '../../lib/schedule/schedule.js'
import type { SchedulePolicy } from '../../lib/schedule/policy.js'

export interface SimulatedOwner {
  name: string
  bytesPerMs: number
  /** What a stream ends with after so many bytes of a part; `undefined` for one that serves well. */
  trouble?: (bytesOfPart: number, nowMs: number) => ScheduleFailure | undefined
  /** When it is on the tracker's list. @default always */
  isListed?: (nowMs: number) => boolean
}

export interface SimulationResult {
  ms: number
  failure: PiecemealError | undefined
  /** Good bytes by owner. */
  bytes: Map<string, number>
  /** How often each piece was brought. */
  fetched: Uint8Array
  parts: number
}

export interface Simulation {
  pieceCount: number
  owners: readonly SimulatedOwner[]
  policy?: Partial<SchedulePolicy>
  /** By owner: whether a stream that has brought so much brings nothing more, its last byte but one included. */
  stalls?: Record<string, (bytesOfPart: number) => boolean>
  /** After so long it counts as hung. */
  limitMs?: number
}

const TICK_MS = 10
const CANCEL_MS = 100
const ASK_MS = 1_000
export const PIECE_BYTES = 1_024

interface Running {
  part: Part
  owner: SimulatedOwner
  bytes: number
  /** A thread looks only now and then whether it is still wanted. */
  cancelledMs?: number
}

export function simulate ({ pieceCount, owners, policy, stalls = {}, limitMs = 3_600_000 }: Simulation): SimulationResult {
  const schedule = new Schedule(pieceCount, { pieceBytes: PIECE_BYTES, random: () => 0.5, slowBytesPerSecond: 16, ...policy })
  const running = new Map<number, Running>()
  const bytes = new Map<string, number>()
  const fetched = new Uint8Array(pieceCount)
  let parts = 0
  let askedMs = -Infinity

  function end (run: Running, nowMs: number, failure?: ScheduleFailure): void {
    const { part, owner } = run
    running.delete(part.id)
    const good = Math.max(0, part.verifiedPiece - part.firstPiece)
    for (let piece = part.firstPiece; piece < Math.min(part.verifiedPiece, part.endPiece); piece++) fetched[piece] = (fetched[piece] ?? 0) + 1
    bytes.set(owner.name, (bytes.get(owner.name) ?? 0) + good * PIECE_BYTES)
    for (const useless of schedule.ended(part.id, nowMs, failure)) {
      const other = running.get(useless.id)
      if (other) other.cancelledMs ??= nowMs
    }
  }

  function step (run: Running, nowMs: number): void {
    const { part, owner } = run
    if (nowMs - (run.cancelledMs ?? Infinity) > CANCEL_MS) return end(run, nowMs, { code: 'E_INTERRUPTED', message: 'cancelled' })
    const wanted = (part.endPiece - part.firstPiece) * PIECE_BYTES
    const trouble = owner.trouble?.(run.bytes, nowMs)
    const isStalled = stalls[owner.name]?.(run.bytes) ?? false
    if (isStalled) run.bytes = Math.max(run.bytes, Math.ceil(run.bytes / PIECE_BYTES) * PIECE_BYTES - 1)
    else if (trouble === undefined) run.bytes = Math.min(wanted, run.bytes + owner.bytesPerMs * TICK_MS)
    schedule.progress(part.id, part.firstPiece + Math.floor(run.bytes / PIECE_BYTES), run.bytes, nowMs)
    if (trouble) end(run, nowMs, trouble)
    else if (run.bytes >= wanted) end(run, nowMs)
  }

  for (let nowMs = 0; nowMs < limitMs; nowMs += TICK_MS) {
    if (nowMs - askedMs >= ASK_MS) {
      askedMs = nowMs
      schedule.setOwners(owners.filter(({ isListed }) => isListed?.(nowMs) ?? true).map(({ name }) => ({ key: name, name, complete: true })), nowMs)
    }
    for (const run of [...running.values()]) if (running.has(run.part.id)) step(run, nowMs)
    for (const { id } of schedule.tooSlow(nowMs)) {
      const run = running.get(id)
      if (run) end(run, nowMs, { code: 'E_INTERRUPTED', message: 'too slow' })
    }
    for (let next = schedule.next(nowMs); next !== undefined; next = schedule.next(nowMs)) {
      const owner = owners.find(({ name }) => name === next.part.owner)
      if (owner === undefined) throw new Error('an owner that nobody told of')
      running.set(next.part.id, { part: next.part, owner, bytes: 0 })
      parts++
    }
    const failure = schedule.failure(nowMs)
    if (schedule.isDone) for (const run of [...running.values()]) end(run, nowMs, { code: 'E_INTERRUPTED', message: 'not needed any more' })
    if (schedule.isDone || failure) return { ms: nowMs, failure, bytes, fetched, parts }
  }
  throw new Error(`not over after ${limitMs} ms`)
}

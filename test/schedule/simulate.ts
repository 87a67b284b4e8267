/** Runs a schedule against made-up owners on a made-up clock: no thread, no socket, milliseconds of real time. */
import { PieceSet } from '../../lib/content/piece-set.js'
import type { PiecemealError } from '../../lib/protocol/errors.js'
import type { ScheduleFailure } from '../../lib/schedule/failure.js'
import type { ScheduledOwner } from '../../lib/schedule/owner.js'
import type { Order, PartToStart } from '../../lib/schedule/orders.js'
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
  part: PartToStart
  /** Lowered when others bring the rest. */
  endPiece: number
  owner: SimulatedOwner
  bytes: number
  /** A thread looks only now and then whether it is still wanted. */
  cancelledMs?: number
}

const MACHINE = { slots: Infinity, streams: Infinity, isBusy: false }
const ASKING = { noOwnersMs: ASK_MS, ownersSoonMs: ASK_MS, ownersEveryMs: ASK_MS, ownersRarelyMs: ASK_MS }

export function simulate ({ pieceCount, owners, policy, stalls = {}, limitMs = 3_600_000 }: Simulation): SimulationResult {
  const schedule = new Schedule(pieceCount, { pieceBytes: PIECE_BYTES, random: () => 0.5, slowBytesPerSecond: 16, lookEveryMs: TICK_MS, ...ASKING, ...policy })
  const running = new Map<number, Running>()
  const bytes = new Map<string, number>()
  const fetched = new Uint8Array(pieceCount)
  const all = new PieceSet(pieceCount)
  all.addRange(0, pieceCount)
  let parts = 0

  function end (run: Running, nowMs: number, failure?: ScheduleFailure): void {
    const { part: { id, firstPiece }, owner } = run
    running.delete(id)
    const goodEnd = verifiedPiece(run)
    for (let piece = firstPiece; piece < Math.min(goodEnd, run.endPiece); piece++) fetched[piece] = (fetched[piece] ?? 0) + 1
    bytes.set(owner.name, (bytes.get(owner.name) ?? 0) + (goodEnd - firstPiece) * PIECE_BYTES)
    schedule.ended(id, nowMs, failure)
  }

  function advance (run: Running, nowMs: number): void {
    const { part, owner } = run
    if (nowMs - (run.cancelledMs ?? Infinity) > CANCEL_MS) return end(run, nowMs, { code: 'E_INTERRUPTED', message: 'cancelled' })
    const wanted = (run.endPiece - part.firstPiece) * PIECE_BYTES
    const trouble = owner.trouble?.(run.bytes, nowMs)
    const isStalled = stalls[owner.name]?.(run.bytes) ?? false
    if (isStalled) run.bytes = Math.max(run.bytes, Math.ceil(run.bytes / PIECE_BYTES) * PIECE_BYTES - 1)
    else if (trouble === undefined) run.bytes = Math.min(wanted, run.bytes + owner.bytesPerMs * TICK_MS)
    schedule.progress(part.id, verifiedPiece(run), run.bytes, nowMs)
    if (trouble) end(run, nowMs, trouble)
    else if (run.bytes >= wanted) end(run, nowMs)
  }

  function listed (nowMs: number): ScheduledOwner[] {
    return owners.filter(({ isListed }) => isListed?.(nowMs) ?? true).map(({ name }) => ({ key: name, complete: true }))
  }

  function start (part: PartToStart): void {
    const owner = owners.find(({ name }) => name === part.owner)
    if (owner === undefined) throw new Error('an owner that nobody told of')
    running.set(part.id, { part, endPiece: part.endPiece, owner, bytes: 0 })
    parts++
  }

  /** @returns whether it is over, and with what failure */
  function carryOut (order: Order, nowMs: number): { failure: PiecemealError | undefined } | undefined {
    if (order.order === 'start') start(order.part)
    if (order.order === 'ask tracker') schedule.setOwners(listed(nowMs), nowMs)
    if (order.order === 'ask have') schedule.setHave(order.owner, all, nowMs)
    if (order.order === 'shorten' || order.order === 'cancel') {
      const run = running.get(order.id)
      if (run && order.order === 'shorten') run.endPiece = order.endPiece
      else if (run) run.cancelledMs ??= nowMs
    }
    if (order.order === 'fail') return { failure: order.failure }
    return order.order === 'done' ? { failure: undefined } : undefined
  }

  for (let nowMs = 0; nowMs < limitMs; nowMs += TICK_MS) {
    for (const run of [...running.values()]) if (running.has(run.part.id)) advance(run, nowMs)
    for (const order of schedule.step(nowMs, MACHINE)) {
      const over = carryOut(order, nowMs)
      if (!over) continue
      for (const run of [...running.values()]) end(run, nowMs, { code: 'E_INTERRUPTED', message: 'not needed any more' })
      return { ms: nowMs, ...over, bytes, fetched, parts }
    }
  }
  throw new Error(`not over after ${limitMs} ms`)
}

function verifiedPiece ({ part, bytes }: Running): number {
  return part.firstPiece + Math.floor(bytes / PIECE_BYTES)
}

/** How long a schedule of a million pieces thinks: it runs in a node's main thread, which is not to be held up. */
import { setImmediate as yieldToOthers } from 'node:timers/promises'
import type { Stage } from '../demo/stage.js'
import { seededRandom } from '../helpers/seed.js'
import { PieceSet } from '../../lib/content/piece-set.js'
import type { ScheduledOwner } from '../../lib/schedule/owner.js'
import type { Machine, Order, PartToStart } from '../../lib/schedule/orders.js'
import { Schedule } from '../../lib/schedule/schedule.js'
import { count } from '../../lib/ui/format.js'
import type { BenchmarkOptions, BenchmarkResult } from './bench.js'
import type { Ratio } from './ratios.js'
import { spread } from './statistics.js'

const PIECES = 1_000_000
const COMPLETE_OWNERS = 2
/** As many partial owners as one keeps, and where a download is; missing, at last, is one piece here and one there. */
const SCENES = [
  { where: 'alone', partialOwners: 0, missingOf: 1 },
  { where: 'in a swarm', partialOwners: 64, missingOf: 1 },
  { where: 'in a swarm, one piece of 100 missing', partialOwners: 64, missingOf: 100 },
] as const
const TURN_MS = 100
/** What a stream brings in a turn: 4 Gbit/s in pieces of 1 MiB, so that it ends while somebody waits. */
const PIECES_A_TURN = 50
/** The first are what a node lives through that has just started. */
const TURNS = 600
const MACHINE: Machine = { slots: Infinity, streams: Infinity, isBusy: false }
/** What is asked, in milliseconds. */
const ASKED = { step: 5, bitfield: 0.2 }

interface Scene {
  partialOwners: number
  /** One of so many pieces is missing. */
  missingOf: number
}

interface Times {
  step: number[]
  /** A bitfield from the wire. */
  parse: number[]
  bitfield: number[]
}

export async function schedule (stage: Stage, { rounds, say }: BenchmarkOptions): Promise<BenchmarkResult> {
  const scenes: Array<{ where: string, times: Times[] }> = []
  for (const { where, ...scene } of SCENES) {
    const times: Times[] = []
    for (let round = 0; round < rounds; round++) {
      stage.signal.throwIfAborted()
      times.push(runScene(scene))
      await yieldToOthers()
    }
    scenes.push({ where, times })
    say(`schedule, ${where}: ${count(rounds, 'round')}`)
  }
  const ratios = scenes.flatMap(({ where, times }) => ratiosOf(where, times))
  return {
    title: `A schedule of ${PIECES.toLocaleString('en')} pieces, ${TURNS} turns of a download, ${count(rounds, 'round')}`,
    table: [['what', 'of it', 'time'], ...ratios.map(({ what, quantity, values }) => [what, quantity, spread(values, 'ms', 3)])],
    notes: [],
    ratios,
    data: scenes,
  }
}

function runScene (scene: Scene): Times {
  const swarm = new Swarm(scene)
  for (let turn = 0; turn < TURNS; turn++) swarm.turn(turn * TURN_MS)
  return swarm.times
}

function ratiosOf (where: string, rounds: readonly Times[]): Ratio[] {
  const row = (quantity: string, values: number[], atMost?: number): Ratio => ({
    what: `schedule of ${PIECES.toLocaleString('en')} pieces, ${where}`, quantity, ours: 'piecemeal', values, unit: 'ms', ...(atMost === undefined ? {} : { ask: { atMost } }),
  })
  const rows = [
    row('step, mean', rounds.map(({ step }) => mean(step))),
    row('step, longest', rounds.map(({ step }) => Math.max(...step)), ASKED.step),
    row('reading a bitfield, mean', rounds.map(({ parse }) => mean(parse))),
    row('taking in a bitfield, mean', rounds.map(({ bitfield }) => mean(bitfield)), ASKED.bitfield),
    row('taking in a bitfield, longest', rounds.map(({ bitfield }) => Math.max(...bitfield))),
  ]
  // Alone nobody is asked what he has.
  return rows.filter(({ values }) => values.every(Number.isFinite))
}

function mean (values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** A schedule, and owners of which the partial ones get pieces as it does; bitfields come when they are asked for. */
class Swarm {
  readonly times: Times = { step: [], parse: [], bitfield: [] }
  readonly #schedule = new Schedule(PIECES, { random: seededRandom(1) })
  readonly #owners: ScheduledOwner[]
  readonly #has = new Map<string, PieceSet>()
  readonly #running = new Map<number, PartToStart & { verifiedPiece: number }>()
  readonly #random = seededRandom(2)

  constructor ({ partialOwners, missingOf }: Scene) {
    this.#owners = [
      ...Array.from({ length: COMPLETE_OWNERS }, (_, i) => ({ key: `complete-${i}`, complete: true })),
      ...Array.from({ length: partialOwners }, (_, i) => ({ key: `partial-${i}`, complete: false })),
    ]
    for (const { key, complete } of this.#owners) if (!complete) this.#has.set(key, new PieceSet(PIECES))
    if (missingOf > 1) for (let piece = 0; piece < PIECES; piece += missingOf) this.#schedule.have(piece, piece + missingOf - 1)
    this.#schedule.setOwners(this.#owners, 0)
  }

  turn (nowMs: number): void {
    for (const part of [...this.#running.values()]) this.#bring(part, nowMs)
    // Partial owners are about as far as this node; none of them has all.
    for (const have of this.#has.values()) {
      const at = Math.floor(this.#random() * PIECES)
      have.addRange(at, at + 8 * PIECES_A_TURN)
    }
    const orders = this.#timed('step', () => [...this.#schedule.step(nowMs, MACHINE)])
    for (const order of orders) this.#carryOut(order, nowMs)
  }

  #bring (part: PartToStart & { verifiedPiece: number }, nowMs: number): void {
    part.verifiedPiece = Math.min(part.endPiece, part.verifiedPiece + PIECES_A_TURN)
    this.#schedule.progress(part.id, part.verifiedPiece, (part.verifiedPiece - part.firstPiece) * 1_048_576, nowMs)
    if (part.verifiedPiece < part.endPiece) return
    this.#running.delete(part.id)
    this.#schedule.ended(part.id, nowMs)
  }

  #carryOut (order: Order, nowMs: number): void {
    if (order.order === 'start') this.#running.set(order.part.id, { ...order.part, verifiedPiece: order.part.firstPiece })
    if (order.order === 'ask tracker') this.#schedule.setOwners(this.#owners, nowMs)
    if (order.order === 'ask sent') this.#schedule.setSent(order.owner, undefined, nowMs)
    if (order.order === 'ask have') {
      const bytes = this.#has.get(order.owner)?.toBytes() ?? Buffer.alloc(0)
      const have = this.#timed('parse', () => PieceSet.fromBytes(bytes, PIECES))
      this.#timed('bitfield', () => this.#schedule.setHave(order.owner, have, nowMs))
    }
    if (order.order === 'shorten') {
      const part = this.#running.get(order.id)
      if (part) part.endPiece = order.endPiece
    }
    if (order.order === 'cancel' && this.#running.delete(order.id)) this.#schedule.ended(order.id, nowMs)
    if (order.order === 'fail') throw order.failure
  }

  #timed<T> (what: keyof Times, work: () => T): T {
    const startMs = performance.now()
    const result = work()
    this.times[what].push(performance.now() - startMs)
    return result
  }
}

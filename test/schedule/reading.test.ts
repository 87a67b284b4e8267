import t from 'tap'
import { PieceSet } from '../../lib/content/piece-set.js'
import type { ScheduledOwner } from '../../lib/schedule/owner.js'
import type { PartToStart } from '../../lib/schedule/orders.js'
import type { SchedulePolicy } from '../../lib/schedule/policy.js'
import { Schedule } from '../../lib/schedule/schedule.js'
import { next, shortened } from './steps.js'

const PIECE_BYTES = 1_024
const NETWORK = { code: 'E_NETWORK', message: 'gone' } as const

function scheduleOf (pieceCount: number, owners: readonly ScheduledOwner[], policy: Partial<SchedulePolicy> = {}): Schedule {
  const schedule = new Schedule(pieceCount, { pieceBytes: PIECE_BYTES, random: () => 0.5, ...policy })
  schedule.setOwners(owners, 0)
  return schedule
}

/** All that is started now. */
function started (schedule: Schedule, nowMs: number): PartToStart[] {
  const parts: PartToStart[] = []
  for (let part = next(schedule, nowMs)?.part; part; part = next(schedule, nowMs)?.part) parts.push(part)
  return parts
}

const seed = { key: 'seed', complete: true }

void t.test('what is asked for comes first, then what follows it, in parts that grow with the distance', async (t) => {
  const schedule = scheduleOf(100, [seed], { minStreams: 8 })
  schedule.readFirst([{ firstPiece: 40, endPiece: 50 }])
  t.strictSame(started(schedule, 0).slice(0, 6).map(({ firstPiece, endPiece }) => [firstPiece, endPiece]), [[40, 44], [44, 48], [48, 52], [52, 58], [58, 67], [67, 80]])
})

void t.test('after the end of the file comes what is missing of its beginning', async (t) => {
  const schedule = scheduleOf(8, [seed], { minStreams: 8 })
  schedule.readFirst([{ firstPiece: 6, endPiece: 8 }])
  t.match(started(schedule, 0), [{ firstPiece: 6, endPiece: 8 }, { firstPiece: 0 }])
})

void t.test('of two readers the one is served that is nearer to a gap; what nobody asked for waits', async (t) => {
  const schedule = scheduleOf(100, [seed], { minStreams: 8 })
  schedule.have(60, 63)
  schedule.readFirst([{ firstPiece: 10, endPiece: 30 }, { firstPiece: 60, endPiece: 64 }, { firstPiece: 90, endPiece: 90 }])
  t.strictSame(started(schedule, 0).slice(0, 4).map(({ firstPiece }) => firstPiece), [10, 63, 14, 18])
})

void t.test('a long part ends after the piece at hand when a reader waits for one that is far behind in it', async (t) => {
  const schedule = scheduleOf(100, [seed], { minStreams: 1, minPiecesForOpening: 1_000, farStreams: 1 })
  const part = next(schedule, 0, { most: 1 })?.part
  t.match(part, { firstPiece: 0, endPiece: 100 })
  schedule.progress(0, 3, 3.5 * PIECE_BYTES, 50)
  t.strictSame(shortened(schedule, 50, { most: 1 }), [], 'as long as nobody reads')
  schedule.readFirst([{ firstPiece: 5, endPiece: 100 }])
  t.strictSame(shortened(schedule, 60, { most: 1 }), [], 'nor where the piece is about to come')
  schedule.readFirst([{ firstPiece: 80, endPiece: 100 }])
  t.strictSame(shortened(schedule, 70, { most: 1 }), [{ id: 0, endPiece: 4 }])
  schedule.progress(0, 4, 4 * PIECE_BYTES, 80)
  schedule.ended(0, 80)
  t.match(next(schedule, 80, { most: 1 })?.part, { firstPiece: 80, endPiece: 84 })
})

void t.test('a reader that has gone has no rank any more', async (t) => {
  const schedule = scheduleOf(100, [seed], { minPiecesForOpening: 1_000 })
  schedule.readFirst([{ firstPiece: 50, endPiece: 60 }])
  schedule.readFirst([])
  t.match(next(schedule, 0)?.part, { firstPiece: 0 })
})

void t.test('partial owners are asked for what they have of it', async (t) => {
  const schedule = scheduleOf(100, [{ key: 'partial', complete: false }])
  const have = new PieceSet(100)
  have.addRange(0, 20)
  have.addRange(70, 72)
  schedule.setHave('partial', have, 0)
  schedule.readFirst([{ firstPiece: 65, endPiece: 100 }])
  t.match(next(schedule, 0)?.part, { owner: 'partial', firstPiece: 70, endPiece: 72 })
})

void t.test('a piece that somebody waits for comes from another owner when the first falls silent', async (t) => {
  const schedule = scheduleOf(4, [seed, { key: 'other', complete: true }], { minStreams: 1, slackMs: 1_000 })
  schedule.readFirst([{ firstPiece: 0, endPiece: 4 }])
  const first = next(schedule, 0)?.part
  t.match(first, { firstPiece: 0, endPiece: 4 })
  t.notMatch(next(schedule, 500)?.part, { firstPiece: 0 })
  const second = next(schedule, 1_100)?.part
  t.match(second, { firstPiece: 0, endPiece: 1 })
  t.not(second?.owner, first?.owner)
  schedule.ended(first?.id ?? -1, 1_200, NETWORK)
  t.equal(next(schedule, 1_200), undefined, 'what is in the other part is not fetched a third time')
})

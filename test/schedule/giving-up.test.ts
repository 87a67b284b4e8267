/** How long a download tries on, and what ends it before. */
import t from 'tap'
import { PieceSet } from '../../lib/content/piece-set.js'
import type { ErrorCode } from '../../lib/protocol/errors.js'
import type { ScheduleFailure } from '../../lib/schedule/failure.js'
import type { SchedulePolicy } from '../../lib/schedule/policy.js'
import { Schedule } from '../../lib/schedule/schedule.js'
import { PIECE_BYTES, simulate, type SimulatedOwner } from './simulate.js'
import { asked, failure, next, ordersBesideParts } from './steps.js'

const COMPLETE = { key: 'A', complete: true }
const MINUTE_MS = 60_000

function fail (code: ErrorCode): ScheduleFailure {
  return { code, message: code }
}

function owner (name: string, rest: Partial<SimulatedOwner> = {}): SimulatedOwner {
  return { name, bytesPerMs: 10, ...rest }
}

function pieces (pieceCount: number, ...had: number[]): PieceSet {
  const set = new PieceSet(pieceCount)
  for (const piece of had) set.add(piece)
  return set
}

function scheduleOf (pieceCount: number, owners = [COMPLETE], policy: Partial<SchedulePolicy> = {}): Schedule {
  const schedule = new Schedule(pieceCount, { pieceBytes: PIECE_BYTES, random: () => 0.5, lookEveryMs: 0, minStreams: 1, ...policy })
  schedule.setOwners(owners, 0)
  return schedule
}

void t.test('an owner that stands still while it is listed is waited for, and goes on soon after it is back', async (t) => {
  for (const code of ['E_TIMEOUT', 'E_NETWORK', 'E_BUSY'] as const) {
    for (const awayMs of [20_000, 45_000, 5 * MINUTE_MS, 9 * MINUTE_MS]) {
      const isAway = (nowMs: number): boolean => nowMs > 1_000 && nowMs < 1_000 + awayMs
      const { ms, failure, bytes } = simulate({ pieceCount: 100, owners: [owner('A', { trouble: (_bytes, nowMs) => isAway(nowMs) ? fail(code) : undefined })] })
      t.equal(failure, undefined, `${code} for ${awayMs} ms`)
      t.equal(bytes.get('A'), 100 * PIECE_BYTES, 'good pieces are not fetched again')
      t.ok(ms < awayMs + 25_000, `${code}: ${ms} ms, away for ${awayMs}`)
    }
  }
})

void t.test('without a new byte for as long as is said it ends, and says what was the last failure', async (t) => {
  const dead = owner('A', { trouble: () => fail('E_TIMEOUT') })
  const { ms, failure } = simulate({ pieceCount: 10, owners: [dead], policy: { giveUpMs: 60_000 } })
  t.match(failure, { code: 'E_TIMEOUT', message: /^no new byte for 60 s, the last failure: E_TIMEOUT; what is there is kept$/ })
  t.ok(ms >= 60_000 && ms < 61_000, `${ms} ms`)
})

void t.test('a byte is new if nothing has brought it before', async (t) => {
  const schedule = scheduleOf(4)
  const bring = (bytes: number, nowMs: number): void => {
    const { id = -1 } = next(schedule, nowMs)?.part ?? {}
    schedule.progress(id, 0, bytes, nowMs)
    t.equal(failure(schedule, nowMs), undefined)
    schedule.ended(id, nowMs, fail('E_NETWORK'))
  }
  bring(10, 0)
  bring(11, 9 * MINUTE_MS)
  bring(11, 18 * MINUTE_MS)
  t.match(failure(schedule, 19 * MINUTE_MS), { code: 'E_NETWORK' }, 'the same ones again are no news')
})

void t.test('time that this machine keeps it from going on does not count', async (t) => {
  const schedule = scheduleOf(4)
  const after = (nowMs: number, isHeldUp: boolean): boolean => ordersBesideParts(schedule, nowMs, { isHeldUp }).some(({ order }) => order === 'fail')
  t.notOk(after(0, false))
  t.notOk(after(9 * MINUTE_MS, true))
  t.notOk(after(18 * MINUTE_MS, false))
  t.ok(after(19 * MINUTE_MS, false))
})

void t.test('nobody is listed: 30 s by what the tracker says; a tracker that is away says nothing', async (t) => {
  const schedule = scheduleOf(4, [])
  const ask = (nowMs: number): void => {
    if (ordersBesideParts(schedule, nowMs).some(({ order }) => order === 'ask tracker')) schedule.trackerFailed()
  }
  for (let nowMs = 0; nowMs < 5 * MINUTE_MS; nowMs += 1_000) ask(nowMs)
  t.equal(failure(schedule, 5 * MINUTE_MS), undefined)
  schedule.setOwners([], 5 * MINUTE_MS)
  t.match(failure(schedule, 5 * MINUTE_MS), { code: 'E_NO_OWNER', message: /^4 of 4 pieces are missing, no owner was left and none came back within 30 s/ })
})

void t.test('an owner that refuses is out as long as it is listed as it was', async (t) => {
  const schedule = scheduleOf(4)
  schedule.ended(next(schedule, 0)?.part.id ?? -1, 10, fail('E_CHANGED'))
  t.equal(failure(schedule, 20), undefined, 'the tracker is asked first')
  schedule.setOwners([{ ...COMPLETE, complete: false }], 30)
  t.strictSame(asked(schedule, 30), ['A'], 'it may have something else now')
  schedule.setHave('A', pieces(4, 2), 40)
  t.match(next(schedule, 40), { part: { owner: 'A', firstPiece: 2, endPiece: 3 } })

  const changed = scheduleOf(4)
  changed.ended(next(changed, 0)?.part.id ?? -1, 10, fail('E_CHANGED'))
  t.equal(failure(changed, 20), undefined)
  changed.setOwners([COMPLETE], 30)
  t.match(failure(changed, 30), { code: 'E_CHANGED' })
})

void t.test('one that makes no sense again and again is out; streams that end together count once', async (t) => {
  const schedule = scheduleOf(8, [COMPLETE], { minStreams: 4, minPartPieces: 1, minPiecesForTwoStreams: 1 })
  let rounds = 0
  for (let nowMs = 0; rounds < 5; nowMs += 20_000, rounds++) {
    const ids = Array.from({ length: 4 }, () => next(schedule, nowMs)?.part.id ?? -1)
    t.equal(failure(schedule, nowMs), undefined, `round ${rounds}`)
    for (const id of ids) schedule.ended(id, nowMs + 10, fail('E_PROTOCOL'))
    t.strictSame(asked(schedule, nowMs + 10), ['A'])
    schedule.setHave('A', pieces(8, 0, 1, 2, 3, 4, 5, 6, 7), nowMs + 20)
  }
  schedule.setOwners([COMPLETE], rounds * 20_000)
  t.equal(failure(schedule, rounds * 20_000), undefined)
  schedule.setOwners([COMPLETE], rounds * 20_000 + 1)
  t.match(failure(schedule, rounds * 20_000 + 1), { code: 'E_PROTOCOL' })
})

void t.test('a stream that ends early: pieces that are no longer there are nobody\'s fault, and not asked for again', async (t) => {
  const schedule = scheduleOf(4)
  const { id = -1 } = next(schedule, 0)?.part ?? {}
  schedule.progress(id, 1, PIECE_BYTES, 10)
  schedule.ended(id, 10, fail('E_PROTOCOL'))
  t.equal(next(schedule, 10), undefined, 'not before it has said what it has')
  t.strictSame(ordersBesideParts(schedule, 10).filter(({ order }) => order === 'ask have'), [{ order: 'ask have', owner: 'A' }])
  schedule.setHave('A', pieces(4, 0, 2, 3), 20, true)
  t.match(next(schedule, 20), { part: { owner: 'A', firstPiece: 2, endPiece: 4 } }, 'at once: it costs no pause')
  schedule.setOwners([COMPLETE], 30)
  t.equal(next(schedule, 30), undefined, 'whatever the tracker says')
  t.strictSame(asked(schedule, MINUTE_MS), [], 'no more will come')
})

void t.test('a stream that ends early, of an owner that still has the piece or says nothing: a fault', async (t) => {
  for (const answer of ['all', 'nothing'] as const) {
    const schedule = scheduleOf(4, [COMPLETE, { key: 'B', complete: true }])
    const { id = -1, owner = '' } = next(schedule, 0)?.part ?? {}
    const other = owner === 'A' ? 'B' : 'A'
    schedule.ended(id, 10, fail('E_PROTOCOL'))
    schedule.ended(next(schedule, 10)?.part.id ?? -1, 10, fail('E_INTERRUPTED'))
    asked(schedule, 10)
    if (answer === 'all') schedule.setHave(owner, pieces(4, 0, 1, 2, 3), 20)
    else schedule.askFailed(owner, fail('E_NETWORK'), 20)
    t.match(next(schedule, 20), { part: { owner: other } }, `${answer}: a pause`)
  }
})

void t.test('out of descriptors: it ends at once if nothing of it runs, and goes on with fewer streams otherwise', async (t) => {
  const policy = { minStreams: 4, minPartPieces: 1, minPiecesForTwoStreams: 1 }
  const alone = scheduleOf(8, [COMPLETE], { minStreams: 1 })
  alone.ended(next(alone, 0)?.part.id ?? -1, 1, fail('E_LIMIT'))
  t.match(failure(alone, 1), { code: 'E_LIMIT' })

  const schedule = scheduleOf(8, [COMPLETE], policy)
  const ids = Array.from({ length: 4 }, () => next(schedule, 0)?.part.id ?? -1)
  for (const id of ids.slice(2)) schedule.ended(id, 10, fail('E_LIMIT'))
  t.equal(failure(schedule, 10), undefined)
  t.equal(next(schedule, 20_000), undefined, 'two are all that there is room for')
  schedule.ended(ids[0] ?? -1, 20_000)
  t.ok(next(schedule, 20_000), 'one for one')
})

void t.test('of two owners that trickle neither is given up, of one beside a good one the other is', async (t) => {
  const trickle = { bytesPerMs: 0.5 * PIECE_BYTES / 31_000 }
  const policy = { slowBytesPerSecond: 16_384, takeoverMs: Infinity }
  const { failure, ms } = simulate({ pieceCount: 4, owners: [owner('A', trickle), owner('B', trickle)], policy })
  t.equal(failure, undefined)
  t.ok(ms < 10 * MINUTE_MS, `${ms} ms`)
})

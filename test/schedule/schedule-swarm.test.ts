/** The schedule among owners that have a part of the file. */
import t from 'tap'
import { PieceSet } from '../../lib/content/piece-set.js'
import type { ScheduleFailure } from '../../lib/schedule/failure.js'
import type { ScheduledOwner } from '../../lib/schedule/owner.js'
import { Schedule } from '../../lib/schedule/schedule.js'
import type { SchedulePolicy } from '../../lib/schedule/policy.js'
import type { ErrorCode } from '../../lib/protocol/errors.js'
import { asked, failure, next, ordersBesideParts, shortened } from './steps.js'

const PIECE_BYTES = 1_000
const SEED: ScheduledOwner = { key: 'seed', complete: true }

function partial (key: string): ScheduledOwner {
  return { key, complete: false }
}

function pieces (pieceCount: number, ...ranges: Array<[number, number]>): PieceSet {
  const set = new PieceSet(pieceCount)
  for (const [firstPiece, endPiece] of ranges) set.addRange(firstPiece, endPiece)
  return set
}

function scheduleOf (pieceCount: number, owners: ScheduledOwner[], policy: Partial<SchedulePolicy> = {}): Schedule {
  const schedule = new Schedule(pieceCount, { pieceBytes: PIECE_BYTES, random: () => 0, newcomerStreams: 8, lookEveryMs: 0, ...policy })
  schedule.setOwners(owners, 0)
  return schedule
}

function pieceNumbers (set: PieceSet): number[] {
  return Array.from({ length: set.pieceCount }, (_, piece) => piece).filter((piece) => set.has(piece))
}

function fail (code: ErrorCode): ScheduleFailure {
  return { code, message: code }
}

function cancelled (schedule: Schedule, nowMs: number): number[] {
  return ordersBesideParts(schedule, nowMs, { mayAsk: false }).flatMap((order) => order.order === 'cancel' ? [order.id] : [])
}

void t.test('a partial owner serves nothing until it is known what it has, and then only that', async (t) => {
  const schedule = scheduleOf(20, [partial('A')])
  t.equal(next(schedule, 0), undefined)
  schedule.setHave('A', pieces(20, [5, 7], [9, 10]), 0)
  const first = next(schedule, 0)?.part
  const second = next(schedule, 0)?.part
  t.match(first, { owner: 'A', firstPiece: 5, endPiece: 7 })
  t.match(second, { owner: 'A', firstPiece: 9, endPiece: 10 })
  t.equal(next(schedule, 0), undefined)
})

void t.test('the rarest of what an owner has comes first', async (t) => {
  const schedule = scheduleOf(20, [partial('A'), partial('B'), partial('C')], { streams: 1 })
  schedule.setHave('A', pieces(20, [0, 10]), 0)
  schedule.setHave('B', pieces(20, [0, 8]), 0)
  schedule.setHave('C', pieces(20, [0, 7]), 0)
  schedule.askFailed('B', fail('E_BUSY'), 0)
  schedule.askFailed('C', fail('E_BUSY'), 0)
  t.match(next(schedule, 0)?.part, { owner: 'A', firstPiece: 8, endPiece: 10 }, 'no other has these')
})

void t.test('partial owners are asked again and again, one at a time, and rarely while they have plenty', async (t) => {
  const schedule = scheduleOf(200, [SEED, partial('A'), partial('B')], { plentyPieces: 10, haveEveryMs: 500, haveRarelyMs: 2_000 })
  t.strictSame(asked(schedule, 0), ['A', 'B'])
  t.strictSame(asked(schedule, 5_000), [], 'not while they are being asked')
  schedule.setHave('A', pieces(200, [0, 5]), 5_000)
  schedule.setHave('B', pieces(200, [0, 50]), 5_000)
  t.strictSame(asked(schedule, 5_499), [])
  t.strictSame(asked(schedule, 5_500), ['A'])
  schedule.askFailed('A', fail('E_TIMEOUT'), 6_000)
  t.strictSame(asked(schedule, 6_100), [], 'a failure costs a pause')
  t.strictSame(asked(schedule, 7_000), ['A', 'B'])
  schedule.setHave('A', pieces(200, [0, 200]), 7_000)
  schedule.setHave('B', pieces(200, [0, 200]), 7_000)
  t.strictSame(asked(schedule, 1e6), [], 'one that has it all gets no more')
})

void t.test('no more are asked at once than is allowed', async (t) => {
  const schedule = scheduleOf(20, ['A', 'B', 'C'].map(partial), { havesAtOnce: 2 })
  t.strictSame(asked(schedule, 0), ['A', 'B'])
  schedule.setHave('A', pieces(20), 10)
  t.strictSame(asked(schedule, 10), ['C'])
})

void t.test('a partial owner that is listed as complete has everything', async (t) => {
  const schedule = scheduleOf(4, [partial('A')])
  schedule.setHave('A', pieces(4, [3, 4]), 0)
  schedule.setOwners([{ ...partial('A'), complete: true }], 100)
  t.match(next(schedule, 100)?.part, { owner: 'A', firstPiece: 0, endPiece: 4 })
  t.strictSame(asked(schedule, 1_000), [])
})

void t.test('in a swarm the complete owner gives what nobody else has, the others give the rest', async (t) => {
  const schedule = scheduleOf(8, [SEED, partial('A')])
  schedule.setHave('A', pieces(8, [0, 6]), 0)
  schedule.setSent('seed', pieces(8), 0)
  const byOwner = [next(schedule, 0)?.part, next(schedule, 0)?.part]
  t.match(byOwner.find((part) => part?.owner === 'seed'), { firstPiece: 6, endPiece: 8 })
  t.match(byOwner.find((part) => part?.owner === 'A'), { firstPiece: 0, endPiece: 4 })
})

void t.test('what the complete owner has just given to somebody is left to whoever got it', async (t) => {
  const schedule = scheduleOf(100, [SEED, partial('A')], { haveEveryMs: 500, sentFreshMs: 50, newcomerStreams: 1 })
  schedule.setHave('A', pieces(100), 0)
  t.equal(next(schedule, 0), undefined, 'not before it is known')
  t.strictSame(asked(schedule, 0), ['seed'])
  t.strictSame(asked(schedule, 0), [], 'one question at a time')
  schedule.setSent('seed', pieces(100, [0, 40], [42, 100]), 5)
  const { id = -1 } = next(schedule, 5)?.part ?? {}
  t.equal(next(schedule, 5), undefined, 'one stream for whoever has nothing')
  schedule.progress(id, 42, 2 * PIECE_BYTES, 10)
  schedule.ended(id, 10)
  t.strictSame(pieceNumbers(schedule.done), [40, 41])
  t.equal(next(schedule, 10), undefined, 'all the others are on their way')
  t.strictSame(asked(schedule, 400), [])
  t.equal(next(schedule, 509), undefined)
  t.strictSame(asked(schedule, 509), ['A'])
  t.equal(next(schedule, 510), undefined)
  t.strictSame(asked(schedule, 510), ['seed'], 'after a while it is asked again')
  schedule.setSent('seed', pieces(100, [0, 99]), 515)
  t.match(next(schedule, 515)?.part, { owner: 'seed', firstPiece: 99, endPiece: 100 }, 'whoever got the last one has left')
})

void t.test('what others were given and do not give comes from the complete owner after all', async (t) => {
  const schedule = scheduleOf(4, [SEED, partial('A')], { haveEveryMs: 500, sentFreshMs: 50, leftToOthersMs: 2_000 })
  schedule.setHave('A', pieces(4), 0)
  let part
  let nowMs = 0
  for (; part === undefined && nowMs < 10_000; nowMs += 100) {
    next(schedule, nowMs)
    for (const key of asked(schedule, nowMs)) {
      if (key === 'A') schedule.setHave('A', pieces(4), nowMs)
      else schedule.setSent('seed', pieces(4, [0, 4]), nowMs)
    }
    part = next(schedule, nowMs)?.part
  }
  t.match(part, { owner: 'seed', firstPiece: 0 })
  t.ok(nowMs >= 2_000 && nowMs < 4_000, `after ${nowMs} ms`)
})

void t.test('a complete owner that does not say what it gave away gives whatever nobody has', async (t) => {
  for (const tell of [(schedule: Schedule) => schedule.setSent('seed', undefined, 0), (schedule: Schedule) => schedule.askFailed('seed', fail('E_TIMEOUT'), 0)]) {
    const schedule = scheduleOf(4, [SEED, partial('A')])
    schedule.setHave('A', pieces(4), 0)
    t.equal(next(schedule, 0), undefined)
    t.strictSame(asked(schedule, 0), ['seed'])
    tell(schedule)
    t.match(next(schedule, 0)?.part, { owner: 'seed', firstPiece: 0, endPiece: 2 })
  }
})

void t.test('a complete owner with nothing left that nobody has helps with what is rare, where that would take long', async (t) => {
  const schedule = scheduleOf(40, [SEED, partial('A'), partial('B')], { helpMs: 4_000 })
  schedule.setHave('A', pieces(40, [0, 40]), 0)
  schedule.setHave('B', pieces(40, [0, 38]), 0)
  schedule.setSent('seed', pieces(40), 0)
  const first = [next(schedule, 0)?.part, next(schedule, 0)?.part]
  t.strictSame(first.map((part) => part?.owner).sort(), ['A', 'B'])
  t.equal(next(schedule, 0), undefined, 'nobody knows yet how fast they are')
  for (const part of first) schedule.progress(part?.id ?? -1, (part?.firstPiece ?? 0) + 1, PIECE_BYTES, 1_000)
  next(schedule, 1_000)
  asked(schedule, 1_000)
  schedule.setSent('seed', pieces(40), 1_001)
  t.match(next(schedule, 1_001)?.part, { owner: 'seed' })
})

void t.test('streams grow with what there is to give', async (t) => {
  const schedule = scheduleOf(100, ['A', 'B', 'C', 'D', 'E'].map(partial), { partialPartPieces: 1, newcomerStreams: 1 })
  for (const key of ['A', 'B', 'C', 'D', 'E']) schedule.setHave(key, pieces(100, [0, 50]), 0)
  const { id = -1, firstPiece = 0, endPiece = 0 } = next(schedule, 0)?.part ?? {}
  t.equal(next(schedule, 0), undefined)
  schedule.progress(id, endPiece, (endPiece - firstPiece) * PIECE_BYTES, 10)
  schedule.ended(id, 10)
  t.ok(next(schedule, 10))
  t.ok(next(schedule, 10))
  t.equal(next(schedule, 10), undefined, 'two for whoever has one')
  t.ok(next(schedule, 1_011), 'one that stalls does not count')
})

void t.test('whoever fetches a large file may be refused, but not for ever where there is nobody else', async (t) => {
  const schedule = scheduleOf(100, [SEED], { patientTries: 2, minStreams: 1, minPiecesForOpening: 32 })
  const isPatient: Array<boolean | undefined> = []
  for (let nowMs = 0; nowMs < 100_000 && isPatient.length < 3; nowMs += 10_000) {
    const part = next(schedule, nowMs)?.part
    isPatient.push(part?.isPatient)
    schedule.ended(part?.id ?? -1, nowMs, fail('E_BUSY'))
  }
  t.strictSame(isPatient, [true, true, false])
  t.equal(next(scheduleOf(31, [SEED], { minPiecesForOpening: 32 }), 0)?.part.isPatient, false, 'a small one waits for nobody')
})

void t.test('a part ends where it meets what somebody has got meanwhile', async (t) => {
  const schedule = scheduleOf(400, [SEED, partial('A')])
  schedule.setHave('A', pieces(400, [399, 400]), 0)
  schedule.setSent('seed', pieces(400), 0)
  const parts = [next(schedule, 0)?.part, next(schedule, 0)?.part]
  const part = parts.find((started) => started?.owner === 'seed')
  const other = parts.find((started) => started?.owner === 'A')
  const firstPiece = part?.firstPiece ?? NaN
  t.equal(part?.endPiece, firstPiece + 2)
  t.strictSame(shortened(schedule, 1), [])
  schedule.setHave('A', pieces(400, [firstPiece + 1, firstPiece + 2], [399, 400]), 1)
  t.strictSame(shortened(schedule, 1), [{ id: part?.id, endPiece: firstPiece + 1 }])
  schedule.progress(other?.id ?? -1, 400, PIECE_BYTES, 1)
  schedule.ended(other?.id ?? -1, 1)
  const taken = next(schedule, 1)?.part
  t.match(taken, { owner: 'A', firstPiece: firstPiece + 1, endPiece: firstPiece + 2 }, 'A is asked for it instead')
})

void t.test('alone with a complete owner a part is large, and ends with the piece at hand once a swarm is seen', async (t) => {
  const schedule = scheduleOf(100, [SEED], { minPiecesForOpening: 1_000, minStreams: 1 })
  const part = next(schedule, 0)?.part
  t.match(part, { firstPiece: 0, endPiece: 100 })
  schedule.progress(part?.id ?? -1, 3, 3.5 * PIECE_BYTES, 10)
  schedule.setOwners([SEED, partial('A')], 20)
  t.strictSame(shortened(schedule, 20), [], 'not before it is known what others have')
  schedule.setHave('A', pieces(100, [60, 61]), 30)
  t.strictSame(shortened(schedule, 30), [{ id: part?.id, endPiece: 4 }])
  t.strictSame(shortened(schedule, 30), [])
})

void t.test('the first parts are short and at random places, the next go on at the front', async (t) => {
  const schedule = scheduleOf(400, [SEED], { random: () => 0.5, openingPieces: 4 })
  const opening = [next(schedule, 0)?.part, next(schedule, 0)?.part]
  t.match(opening, [{ firstPiece: 300, endPiece: 304 }, { firstPiece: 304, endPiece: 308 }])
  for (const part of opening) {
    schedule.progress(part?.id ?? -1, part?.endPiece ?? 0, 4 * PIECE_BYTES, 10)
    schedule.ended(part?.id ?? -1, 10)
  }
  t.match(next(schedule, 10)?.part, { firstPiece: 0, endPiece: 200 })
})

void t.test('the part at the front is one stream\'s share, the others are small', async (t) => {
  const policy = { minPiecesForOpening: 10_000, maxPartBytes: 8 * PIECE_BYTES, maxWaitingBytes: 120 * PIECE_BYTES }
  const parts = (pieceCount: number, owners: number): unknown[] => {
    const schedule = scheduleOf(pieceCount, Array.from({ length: owners }, (_, i) => ({ key: String(i), name: String(i), complete: true })), policy)
    return [next(schedule, 0), next(schedule, 0)].map((assignment) => [assignment?.part.firstPiece, assignment?.part.endPiece])
  }
  t.strictSame(parts(200, 2), [[0, 100], [100, 108]])
  t.strictSame(parts(1_000, 2), [[0, 120], [120, 128]], 'what waits for it is bounded')
  t.strictSame(parts(1_000, 4), [[0, 40], [40, 48]], 'however many bring it')
})

void t.test('owners that stall do not keep others from being asked', async (t) => {
  const schedule = scheduleOf(400, ['a', 'b', 'c', 'd'].map((key) => ({ key, complete: true })), { slackMs: 1_000 })
  const two = { streams: 2, isBusy: true }
  const stuck = [next(schedule, 0, two)?.part.id, next(schedule, 0, two)?.part.id]
  t.equal(next(schedule, 0, two), undefined)
  for (const id of stuck) schedule.progress(id ?? -1, 0, 1, 900)
  t.equal(next(schedule, 1_000, two), undefined)
  t.ok(next(schedule, 1_001, two), 'a byte now and then is not enough')
  t.ok(next(schedule, 1_001, two))
  t.equal(next(schedule, 1_001, two), undefined)
  t.equal(next(schedule, 5_000, { ...two, most: 2 }), undefined, 'but a limit is one')
})

void t.test('a part that stalls does not keep its owner from giving what nobody else has', async (t) => {
  const schedule = scheduleOf(8, [SEED, partial('A'), partial('B')], { slackMs: 1_000, unseenPartPieces: 1 })
  for (const key of ['A', 'B']) schedule.setHave(key, pieces(8), 0)
  schedule.setSent('seed', undefined, 0)
  t.match(next(schedule, 0), { part: { owner: 'seed', firstPiece: 0, endPiece: 1 } })
  t.equal(next(schedule, 0), undefined)
  asked(schedule, 2_000)
  schedule.setSent('seed', undefined, 2_000)
  t.match(next(schedule, 2_000), { part: { owner: 'seed', firstPiece: 1 } })
})

void t.test('the rest of a part that stalls comes from the same owner, if nobody else has it', async (t) => {
  const schedule = scheduleOf(8, [SEED, partial('A'), partial('B')], { slackMs: 1_000, takeoverMs: 200, lookEveryMs: Infinity })
  const two = { streams: 2, isBusy: true }
  const stuck = next(schedule, 0, two)?.part
  t.match(stuck, { owner: 'seed', firstPiece: 0 })
  for (const key of ['A', 'B']) schedule.setHave(key, pieces(8), 0)
  schedule.progress(stuck?.id ?? -1, 1, 1.5 * PIECE_BYTES, 10)
  for (let more = next(schedule, 500, two); more; more = next(schedule, 500, two)) schedule.ended(more.part.id, 500, { code: 'E_INTERRUPTED', message: 'for later' })
  t.match(next(schedule, 3_000, two), { part: { owner: 'seed' } })
})

void t.test('a busy machine takes large parts of an owner that is quick', async (t) => {
  const swarming = (isBusy: boolean, bytesPerMs: number, ms = 250): unknown => {
    const schedule = scheduleOf(100, [SEED], { minPiecesForOpening: 1_000, minStreams: 1, quickBytesPerSecond: 1_000_000 })
    const part = next(schedule, 0)?.part
    schedule.progress(part?.id ?? -1, 3, ms * bytesPerMs, ms)
    schedule.setOwners([SEED, partial('A')], ms + 10)
    schedule.setHave('A', pieces(100, [60, 61]), ms + 20)
    return shortened(schedule, ms + 20, { streams: 8, isBusy }).length
  }
  t.equal(swarming(true, 2_000), 0)
  t.equal(swarming(true, 500), 1, 'one that is not needs help')
  t.equal(swarming(true, 2_000, 10), 1, 'and so may one that was quick for a moment')
  t.equal(swarming(false, 2_000), 1, 'and a machine with time left gives it')
})

void t.test('no more parts run at once than the caller allows', async (t) => {
  const schedule = scheduleOf(400, Array.from({ length: 8 }, (_, i) => ({ key: String(i), name: String(i), complete: true })))
  const streams = (streams: number): unknown => next(schedule, 0, { streams })
  t.ok(streams(2))
  t.ok(streams(2))
  t.equal(streams(2), undefined)
  t.ok(streams(3))
  t.equal(streams(3), undefined)
  t.strictSame([...schedule.step(0, { slots: 0, streams: 8, isBusy: false })], [], 'nor than there are slots for')
})

void t.test('few partial owners beside many complete ones make no swarm', async (t) => {
  const schedule = scheduleOf(40, [SEED, { key: 'two', complete: true }, partial('A')], { minPiecesForOpening: 1_000 })
  schedule.setHave('A', pieces(40, [0, 4]), 0)
  t.match(next(schedule, 0)?.part, { firstPiece: 0, endPiece: 14 }, 'front to back, whoever else has it')
})

void t.test('what partial owners would take long to bring, the complete one brings too', async (t) => {
  const schedule = scheduleOf(40, [SEED, partial('A')], { helpMs: 2_000 })
  schedule.setHave('A', pieces(40, [0, 40]), 0)
  const slow = next(schedule, 0)?.part
  t.match(slow, { owner: 'A' })
  t.equal(next(schedule, 0), undefined, 'it may be fast')
  schedule.progress(slow?.id ?? -1, (slow?.firstPiece ?? 0) + 1, PIECE_BYTES, 1_000)
  t.match(next(schedule, 1_000)?.part, { owner: 'seed' })
})

void t.test('a tail is taken over only by one that has it', async (t) => {
  const schedule = scheduleOf(4, [partial('A'), partial('B')], { takeoverMs: 100 })
  schedule.setHave('A', pieces(4, [0, 4]), 0)
  schedule.setHave('B', pieces(4), 0)
  const slow = next(schedule, 0)?.part
  t.match(slow, { owner: 'A', endPiece: 4 })
  schedule.progress(slow?.id ?? -1, 1, PIECE_BYTES, 1_000)
  t.equal(next(schedule, 1_000), undefined)
  schedule.setHave('B', pieces(4, [0, 2], [3, 4]), 1_000)
  t.match(next(schedule, 1_000), { part: { owner: 'B', firstPiece: 3, endPiece: 4 }, shortened: { id: slow?.id, endPiece: 3 } })
})

void t.test('a partial owner that lies is out, and what it said counts no more', async (t) => {
  const schedule = scheduleOf(8, [SEED, partial('liar')])
  schedule.setHave('liar', pieces(8, [0, 8]), 0)
  const part = next(schedule, 0)?.part
  t.match(part, { owner: 'liar' })
  schedule.ended(part?.id ?? -1, 10, fail('E_DIGEST'))
  t.match(next(schedule, 10)?.part, { owner: 'seed' })
  schedule.setOwners([SEED, partial('liar')], 20)
  t.strictSame(asked(schedule, 10_000), ['seed'])
})

void t.test('one that has less than it said is asked what it has', async (t) => {
  const schedule = scheduleOf(8, [partial('A')])
  schedule.setHave('A', pieces(8, [0, 8]), 0)
  const part = next(schedule, 0)?.part
  schedule.ended(part?.id ?? -1, 10, fail('E_NOT_SHARED'))
  t.equal(next(schedule, 5_000), undefined)
  t.strictSame(asked(schedule, 5_000), ['A'])
  schedule.setHave('A', pieces(8, [0, 1]), 5_000)
  t.match(next(schedule, 5_000)?.part, { owner: 'A', firstPiece: 0, endPiece: 1 })
})

void t.test('pieces that are nowhere: it waits as long as the others get new ones, then says how many are missing', async (t) => {
  const schedule = scheduleOf(8, [partial('A')], { ownerWaitMs: 30_000 })
  schedule.have(0, 5)
  schedule.setHave('A', pieces(8, [0, 3]), 0)
  t.equal(failure(schedule, 0), undefined)
  t.equal(failure(schedule, 29_999), undefined)
  schedule.setHave('A', pieces(8, [0, 5]), 29_999)
  t.equal(failure(schedule, 30_000), undefined, 'A has got more')
  t.equal(failure(schedule, 59_999), undefined)
  t.equal(failure(schedule, 60_000), undefined, 'the tracker may know of others')
  schedule.setOwners([partial('A')], 60_000)
  t.match(failure(schedule, 60_000), { code: 'E_NO_OWNER', message: /^3 of 8 pieces are missing.*what is there is kept$/ })
  schedule.setHave('A', pieces(8, [0, 6]), 60_001)
  t.match(next(schedule, 60_001)?.part, { owner: 'A', firstPiece: 5, endPiece: 6 })
})

void t.test('the tracker is asked soon at first, and rarely where there are enough', async (t) => {
  const policy = { noOwnersMs: 1_000, ownersSoonMs: 500, ownersEveryMs: 5_000, ownersRarelyMs: 30_000, enoughOwners: 4 }
  const schedule = scheduleOf(100, [SEED], policy)
  const isAsked = (nowMs: number): boolean => ordersBesideParts(schedule, nowMs).some(({ order }) => order === 'ask tracker')
  const askedMs = (fromMs: number, toMs: number, owners: ScheduledOwner[]): number[] => {
    const times: number[] = []
    for (let nowMs = fromMs; nowMs <= toMs; nowMs += 100) {
      if (!isAsked(nowMs)) continue
      times.push(nowMs)
      schedule.setOwners(owners, nowMs)
    }
    return times
  }
  t.strictSame(askedMs(100, 2_500, [SEED]), [1_000, 2_000], 'nothing runs')
  next(schedule, 2_500)
  t.strictSame(askedMs(2_600, 16_000, [SEED]), [4_000, 8_000, 13_000], 'the older, the rarer')
  t.strictSame(askedMs(16_100, 80_000, [SEED, ...['A', 'B', 'C'].map(partial)]), [18_000, 36_000, 66_000], 'enough')
})

void t.test('the tracker is not asked again before it has answered, or failed', async (t) => {
  const schedule = scheduleOf(100, [], { noOwnersMs: 1_000 })
  const isAsked = (nowMs: number): boolean => ordersBesideParts(schedule, nowMs).some(({ order }) => order === 'ask tracker')
  t.ok(isAsked(1_000))
  t.notOk(isAsked(9_000))
  schedule.trackerFailed()
  t.ok(isAsked(9_000))
  schedule.setOwners([], 9_100)
  t.notOk(isAsked(9_999))
  t.ok(isAsked(10_000))
})

void t.test('of many partial owners those that are not listed any more make room', async (t) => {
  const schedule = scheduleOf(20, ['A', 'B'].map(partial), { ownersKept: 2 })
  schedule.setHave('A', pieces(20, [0, 4]), 0)
  t.match(next(schedule, 0)?.part, { owner: 'A' })
  schedule.setOwners(['C', 'D'].map(partial), 100)
  t.strictSame(asked(schedule, 1_000), ['A', 'C', 'D'], 'B is forgotten, A still sends')
})

void t.test('in a swarm a part that is slower by far than the fastest owner is given up, once for each owner', async (t) => {
  const schedule = scheduleOf(200, [partial('fast'), partial('slow')], { laggardAfterMs: 500, laggardFactor: 64, takeoverMs: 0 })
  schedule.setHave('fast', pieces(200, [0, 4]), 0)
  const fast = next(schedule, 0)?.part
  schedule.progress(fast?.id ?? -1, 4, 4 * PIECE_BYTES, 10)
  schedule.ended(fast?.id ?? -1, 10)
  schedule.setHave('slow', pieces(200, [100, 104]), 10)
  const slow = next(schedule, 10)?.part
  t.equal(slow?.owner, 'slow')
  schedule.progress(slow?.id ?? -1, 100, 500, 500)
  t.strictSame(cancelled(schedule, 509), [], 'it is too early to tell')
  t.strictSame(cancelled(schedule, 510), [slow?.id])
  t.strictSame(cancelled(schedule, 520), [], 'it ends')
  schedule.ended(slow?.id ?? -1, 520, fail('E_INTERRUPTED'))
  const again = next(schedule, 530)?.part
  t.equal(again?.owner, 'slow', 'nobody else has it, so it is asked again at once')
  schedule.progress(again?.id ?? -1, 100, 500, 1_000)
  t.strictSame(cancelled(schedule, 1_500), [], 'and let be')
})

void t.test('an owner that was set aside is taken back as soon as there is nobody better', async (t) => {
  const schedule = scheduleOf(200, [partial('fast'), partial('slow')], { laggardAfterMs: 500, laggardFactor: 64, takeoverMs: 0, partialPartPieces: 4 })
  schedule.setHave('fast', pieces(200, [0, 8]), 0)
  const first = next(schedule, 0)?.part
  schedule.progress(first?.id ?? -1, 4, 4 * PIECE_BYTES, 10)
  schedule.ended(first?.id ?? -1, 10)
  const second = next(schedule, 10)?.part
  t.equal(second?.owner, 'fast')
  schedule.setHave('slow', pieces(200, [100, 104]), 10)
  const slow = next(schedule, 10)?.part
  t.equal(slow?.owner, 'slow')
  schedule.progress(second?.id ?? -1, 5, 2 * PIECE_BYTES, 590)
  t.strictSame(cancelled(schedule, 600), [slow?.id])
  schedule.ended(slow?.id ?? -1, 600, fail('E_INTERRUPTED'))
  schedule.ended(second?.id ?? -1, 610, fail('E_NETWORK'))
  t.match(next(schedule, 620)?.part, { owner: 'slow' })
})

void t.test('a complete owner helps where those that have what is missing are slow, however fast the others are', async (t) => {
  const schedule = scheduleOf(8, [SEED, partial('fast'), partial('slow')], { helpMs: 2_000, partialPartPieces: 1, takeoverMs: 0 })
  schedule.setHave('fast', pieces(8, [0, 1]), 0)
  schedule.setSent('seed', pieces(8, [1, 8]), 0)
  const first = next(schedule, 0)?.part
  t.equal(first?.owner, 'fast')
  schedule.progress(first?.id ?? -1, 1, PIECE_BYTES, 1)
  schedule.ended(first?.id ?? -1, 1)
  schedule.setHave('slow', pieces(8, [1, 8]), 1)
  const slow = next(schedule, 1)?.part
  t.equal(slow?.owner, 'slow')
  schedule.progress(slow?.id ?? -1, 2, PIECE_BYTES, 1_000)
  schedule.ended(slow?.id ?? -1, 1_000)
  // Six pieces at a piece a second take longer than two seconds; `fast` has none of them.
  schedule.setSent('seed', pieces(8), 1_000)
  const owners = [next(schedule, 1_000)?.part.owner, next(schedule, 1_000)?.part.owner]
  t.ok(owners.includes('seed'), owners.join(' '))
})

void t.test('an owner that was never asked comes after those that are quicker than most', async (t) => {
  const schedule = scheduleOf(40, [partial('fast'), partial('slow')], { partialPartPieces: 1, streams: 1, minStreams: 1 })
  const takenMs: Record<string, number> = { fast: 300, slow: 1_000 }
  let nowMs = 0
  const askNext = (): string => {
    const { id = -1, owner = '', firstPiece = 0, endPiece = 0 } = next(schedule, nowMs)?.part ?? {}
    nowMs += takenMs[owner] ?? 300
    schedule.progress(id, endPiece, (endPiece - firstPiece) * PIECE_BYTES, nowMs)
    schedule.ended(id, nowMs)
    return owner
  }
  for (const key of ['slow', 'fast']) {
    schedule.setHave(key, pieces(40, [0, 40]), nowMs)
    t.equal(askNext(), key, 'the only one that has something')
    schedule.setHave(key, pieces(40), nowMs)
  }
  for (const key of ['slow', 'fast']) schedule.setHave(key, pieces(40, [0, 40]), nowMs)
  schedule.setOwners(['fast', 'slow', 'new'].map(partial), nowMs)
  schedule.setHave('new', pieces(40, [0, 40]), nowMs)
  t.equal(askNext(), 'fast')
})

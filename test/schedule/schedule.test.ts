import fc from 'fast-check'
import t from 'tap'
import type { ScheduleFailure } from '../../lib/schedule/failure.js'
import { Schedule } from '../../lib/schedule/schedule.js'
import type { ErrorCode } from '../../lib/protocol/errors.js'
import { PIECE_BYTES, simulate, type SimulatedOwner } from './simulate.js'
import { next } from './steps.js'

const NETWORK: ScheduleFailure = { code: 'E_NETWORK', message: 'gone' }

function owner (name: string, rest: Partial<SimulatedOwner> = {}): SimulatedOwner {
  return { name, bytesPerMs: 10, ...rest }
}

function always (code: ErrorCode): () => ScheduleFailure {
  return () => ({ code, message: `always ${code}` })
}

function isWhole (fetched: Uint8Array): boolean {
  return fetched.every((times) => times >= 1)
}

void t.test('two equal owners carry half each, and every piece is fetched once', async (t) => {
  const { failure, bytes, fetched } = simulate({ pieceCount: 400, owners: [owner('A'), owner('B')] })
  t.equal(failure, undefined)
  t.ok(isWhole(fetched))
  const a = bytes.get('A') ?? 0
  t.ok(a > 150 * PIECE_BYTES && a < 250 * PIECE_BYTES, `A carried ${a / PIECE_BYTES} pieces`)
  t.ok(fetched.filter((times) => times > 1).length <= 2, 'but for the last ones')
})

void t.test('a fast owner carries more, and a slow one does not hold up the end', async (t) => {
  const { ms, bytes, fetched } = simulate({ pieceCount: 1_000, owners: [owner('fast', { bytesPerMs: 100 }), owner('slow', { bytesPerMs: 1 })] })
  t.ok(isWhole(fetched))
  t.ok((bytes.get('fast') ?? 0) > 9 * (bytes.get('slow') ?? 0))
  const idealMs = 1_000 * PIECE_BYTES / 101
  t.ok(ms < 1.3 * idealMs, `${ms} ms, ideal ${idealMs}`)
})

void t.test('an owner that stalls for ever costs little', async (t) => {
  const { ms, failure } = simulate({ pieceCount: 100, owners: [owner('good'), owner('mute', { bytesPerMs: 0 })] })
  t.equal(failure, undefined)
  t.ok(ms < 1.5 * 100 * PIECE_BYTES / 10, `${ms} ms`)
})

void t.test('one that falls silent a byte before the end is not waited for', async (t) => {
  const mute = owner('mute', { bytesPerMs: 10 })
  const stalls = (bytes: number): boolean => bytes > 6 * PIECE_BYTES
  const { ms, failure } = simulate({ pieceCount: 40, owners: [owner('good'), mute], stalls: { mute: stalls } })
  t.equal(failure, undefined)
  t.ok(ms < 8_000, `${ms} ms`)
})

void t.test('a piece that stalls at two owners is fetched from a third', async (t) => {
  for (const good of [0, 1, 2]) {
    const owners = [0, 1, 2].map((i) => owner(`O${i}`, { bytesPerMs: i === good ? 10 : 0 }))
    for (const pieceCount of [1, 2, 3, 5, 12]) {
      const { ms, failure } = simulate({ pieceCount, owners, policy: { minPiecesForTwoStreams: 1, minPartPieces: 1 } })
      t.equal(failure, undefined)
      t.ok(ms < 6_000, `${pieceCount} pieces, the good one ${good}: ${ms} ms`)
    }
  }
})

void t.test('a lost part goes on elsewhere from its last good piece', async (t) => {
  const schedule = new Schedule(8, { pieceBytes: PIECE_BYTES, minPiecesForTwoStreams: 100, minPartPieces: 8, random: () => 0.9 })
  schedule.setOwners([{ key: 'A', complete: true }, { key: 'B', complete: true }], 0)
  const first = next(schedule, 0)?.part
  t.match(first, { owner: 'A', firstPiece: 0, endPiece: 8 })
  t.equal(next(schedule, 0), undefined, 'one part takes everything here; its owner has hardly begun')
  schedule.progress(first?.id ?? -1, 3, 3.5 * PIECE_BYTES, 50)
  schedule.ended(first?.id ?? -1, 100, NETWORK)
  t.match(next(schedule, 100)?.part, { owner: 'B', firstPiece: 3, endPiece: 8 }, 'at once, and not at the one that failed')
})

void t.test('an owner that lies once is out, even when it is announced again', async (t) => {
  const lies = (): ScheduleFailure => ({ code: 'E_DIGEST', message: 'wrong bytes' })
  let asked = 0
  const liar = owner('liar', {
    trouble: (bytes) => {
      if (bytes === 0) asked++
      return lies()
    },
    isListed: (nowMs) => nowMs % 4_000 < 2_000,
  })
  const { failure, bytes } = simulate({ pieceCount: 200, owners: [liar, owner('honest', { bytesPerMs: 5 })] })
  t.equal(failure, undefined)
  t.equal(asked, 1)
  t.equal(bytes.get('liar'), 0)
})

void t.test('how it fails when nobody can serve', async (t) => {
  const cases: Array<{ code: ErrorCode, trouble: ErrorCode, withinMs: number }> = [
    { trouble: 'E_DIGEST', code: 'E_DIGEST', withinMs: 3_000 },
    { trouble: 'E_CHANGED', code: 'E_CHANGED', withinMs: 3_000 },
    { trouble: 'E_AUTH', code: 'E_AUTH', withinMs: 3_000 },
    { trouble: 'E_NOT_SHARED', code: 'E_NOT_SHARED', withinMs: 3_000 },
    { trouble: 'E_DISK_FULL', code: 'E_DISK_FULL', withinMs: 100 },
    { trouble: 'E_IO', code: 'E_IO', withinMs: 100 },
    { trouble: 'E_NETWORK', code: 'E_NETWORK', withinMs: 600_100 },
    { trouble: 'E_TIMEOUT', code: 'E_TIMEOUT', withinMs: 600_100 },
    { trouble: 'E_PROTOCOL', code: 'E_PROTOCOL', withinMs: 60_000 },
    { trouble: 'E_BUSY', code: 'E_BUSY', withinMs: 600_100 },
  ]
  for (const { trouble, code, withinMs } of cases) {
    const { failure, ms } = simulate({ pieceCount: 10, owners: [owner('A', { trouble: always(trouble) })] })
    t.equal(failure?.code, code, `${trouble} ends as ${code}`)
    t.ok(ms <= withinMs, `within ${withinMs} ms: ${ms}`)
  }
})

void t.test('without owners it waits 30 s for one to come, and then goes on or says E_NO_OWNER', async (t) => {
  const dies = owner('A', { trouble: (_bytes, nowMs) => nowMs > 500 ? NETWORK : undefined, isListed: (nowMs) => nowMs <= 500 })
  const alone = simulate({ pieceCount: 100, owners: [dies] })
  t.equal(alone.failure?.code, 'E_NO_OWNER')
  t.ok(alone.ms >= 30_000 && alone.ms < 45_000, `${alone.ms} ms`)

  const helped = simulate({ pieceCount: 100, owners: [dies, owner('B', { isListed: (nowMs) => nowMs > 25_000 })] })
  t.equal(helped.failure, undefined)
  t.ok(isWhole(helped.fetched))
  t.equal((helped.bytes.get('A') ?? 0) + (helped.bytes.get('B') ?? 0), 100 * PIECE_BYTES, 'what the first one brought is not fetched again')
})

void t.test('an owner that comes later joins a running download', async (t) => {
  const { bytes } = simulate({ pieceCount: 500, owners: [owner('A'), owner('late', { isListed: (nowMs) => nowMs > 5_000 })] })
  t.ok((bytes.get('late') ?? 0) > 100 * PIECE_BYTES)
})

void t.test('one that is busy is asked again, with longer and longer pauses', async (t) => {
  const askedMs: number[] = []
  const { failure } = simulate({
    pieceCount: 4,
    owners: [owner('A', {
      trouble: (bytes, nowMs) => {
        if (nowMs >= 20_000 || bytes > 0) return undefined
        askedMs.push(nowMs)
        return { code: 'E_BUSY', message: 'busy' }
      },
    })],
  })
  t.equal(failure, undefined)
  t.ok(askedMs.length >= 3 && askedMs.length < 12, `asked ${askedMs.length} times`)
})

void t.test('a trickle is given up while another could serve, and kept where there is no other', async (t) => {
  const trickle = { bytesPerMs: 0.01 }
  const policy = { slowBytesPerSecond: 16_384, takeoverMs: Infinity }
  const replaced = simulate({ pieceCount: 40, owners: [owner('slow', trickle), owner('good')], policy })
  t.equal(replaced.failure, undefined)
  t.ok(replaced.ms < 60_000, `${replaced.ms} ms`)
  const kept = simulate({ pieceCount: 1, owners: [owner('slow', trickle)], policy })
  t.equal(kept.failure, undefined)
})

void t.test('pieces from an earlier run are not fetched again', async (t) => {
  const schedule = new Schedule(10, { pieceBytes: PIECE_BYTES })
  schedule.have(0, 4)
  schedule.have(3, 6)
  t.equal(schedule.done.size, 6)
  schedule.setOwners([{ key: 'A', complete: true }], 0)
  t.match(next(schedule, 0)?.part, { firstPiece: 6 })
})

void t.test('a content without pieces is done at once', async (t) => {
  t.strictSame([...new Schedule(0).step(0, { slots: 1, streams: 1, isBusy: false })], [{ order: 'done' }])
})

void t.test('whatever happens, it ends with every piece or with a clear failure', async () => {
  const codes: ErrorCode[] = ['E_NETWORK', 'E_TIMEOUT', 'E_PROTOCOL', 'E_DIGEST', 'E_BUSY', 'E_NOT_SHARED', 'E_CHANGED', 'E_AUTH', 'E_LIMIT']
  const ownerArbitrary = fc.record({
    bytesPerMs: fc.constantFrom(0.5, 3, 20),
    code: fc.constantFrom(...codes),
    failsAfterBytes: fc.constantFrom(0, 500, 3 * PIECE_BYTES, Infinity),
    recoversMs: fc.constantFrom(0, 4_000, Infinity),
    listedFromMs: fc.constantFrom(0, 0, 10_000),
    listedUntilMs: fc.constantFrom(2_000, Infinity),
  })
  fc.assert(fc.property(fc.integer({ min: 1, max: 60 }), fc.array(ownerArbitrary, { minLength: 1, maxLength: 5 }), (pieceCount, specs) => {
    const owners = specs.map(({ bytesPerMs, code, failsAfterBytes, recoversMs, listedFromMs, listedUntilMs }, i) => owner(`O${i}`, {
      bytesPerMs,
      trouble: (bytes, nowMs) => bytes >= failsAfterBytes && nowMs < recoversMs ? { code, message: code } : undefined,
      isListed: (nowMs) => nowMs >= listedFromMs && nowMs < listedUntilMs,
    }))
    const { failure, fetched } = simulate({ pieceCount, owners, limitMs: 2_000_000 })
    return failure !== undefined || isWhole(fetched)
  }), { numRuns: 150 })
})

void t.test('more streams from an owner that is far away, and two from one that only seemed so', async (t) => {
  const schedule = new Schedule(100)
  schedule.setOwners([{ key: 'A', complete: true }], 0)
  const machine = { slots: 8, streams: 2, isBusy: false, isLimited: false, isHeldUp: false }
  const starts = (nowMs: number): number[] => [...schedule.step(nowMs, machine)].flatMap((order) => order.order === 'start' ? [order.part.id] : [])
  t.equal(starts(0).length, 2)
  schedule.setRoundTrip('A', 40)
  t.equal(schedule.streamsOfUse, 8)
  t.equal(starts(100).length, 6, 'at once')
  schedule.setRoundTrip('A', 2)
  t.equal(schedule.streamsOfUse, 2)

  const busy = new Schedule(100)
  busy.setOwners([{ key: 'A', complete: true }], 0)
  busy.setRoundTrip('A', 40)
  t.equal([...busy.step(0, { ...machine, isBusy: true })].filter(({ order }) => order === 'start').length, 2, 'as many as a busy machine can do with')
})

void t.test('from far away the first parts are longer, as long as each stream has its share', async (t) => {
  for (const [pieceCount, roundTripMs, most] of [[1_000, 2, 2], [1_000, 40, 8], [96, 40, 6], [32, 40, 2]] as const) {
    const schedule = new Schedule(pieceCount, { random: () => 0 })
    schedule.setOwners([{ key: 'A', complete: true }], 0)
    schedule.setRoundTrip('A', roundTripMs)
    const [first] = [...schedule.step(0, { slots: 8, streams: 8, isBusy: false, isLimited: false, isHeldUp: false })]
    t.match(first, { order: 'start', part: { firstPiece: pieceCount / 2, endPiece: pieceCount / 2 + most } })
  }
})

void t.test('an owner takes nothing over that is here before it could bring it', async (t) => {
  for (const [roundTripMs, isTakenOver] of [[2, true], [200, true], [300, false]] as const) {
    const schedule = new Schedule(8, { pieceBytes: 300, random: () => 0 })
    schedule.setOwners([{ key: 'A', complete: true }, { key: 'B', complete: true }], 0)
    const startsAt = (nowMs: number): number => [...schedule.step(nowMs, { slots: 8, streams: 2, isBusy: false, isLimited: false, isHeldUp: false })].filter(({ order }) => order === 'start').length
    t.equal(startsAt(0), 2)
    for (const key of ['A', 'B']) schedule.setRoundTrip(key, roundTripMs)
    schedule.progress(0, 2, 800, 1_000)
    schedule.progress(1, 8, 1_200, 1_000)
    schedule.ended(1, 1_000)
    t.equal(startsAt(1_000) > 0, isTakenOver, `the rest is here in 500 ms, and a round trip takes ${roundTripMs}`)
  }
})

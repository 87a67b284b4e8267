import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { RateLimit } from '../../lib/threads/rate-limit.js'
import { KiB, MiB } from '../../lib/protocol/units.js'

const SECOND_MS = 1_000
/** What a node may be ahead of its rate, in seconds. */
const BURST = 0.05

/** A clock that stands still until it is moved. */
class Clock {
  ns = 1_000_000_000n

  readonly now = (): bigint => this.ns

  pass (ms: number): void {
    this.ns += BigInt(Math.round(ms * 1e6))
  }
}

function limited (bytesPerSecond: number): { limit: RateLimit, clock: Clock } {
  const clock = new Clock()
  const limit = new RateLimit(undefined, clock.now)
  limit.bytesPerSecond = bytesPerSecond
  return { limit, clock }
}

/** Streams that each take a portion, wait as they are told, and have then sent it; until `ms` have passed. */
function run (clock: Clock, streams: RateLimit[], ms: number): number[] {
  const startNs = clock.ns
  const endNs = startNs + BigInt(ms * 1e6)
  const sent = streams.map(() => 0)
  const due = streams.map((limit) => {
    const bytes = limit.portion(MiB)
    return { bytes, ns: clock.ns + BigInt(Math.ceil(limit.take(bytes) * 1e6)) }
  })
  for (;;) {
    const next = due.reduce((first, { ns }, i) => ns < (due[first]?.ns ?? 0n) ? i : first, 0)
    const turn = due[next]
    const limit = streams[next]
    if (turn === undefined || limit === undefined || turn.ns > endNs) return sent
    if (turn.ns > clock.ns) clock.ns = turn.ns
    sent[next] = (sent[next] ?? 0) + turn.bytes
    const bytes = limit.portion(MiB)
    due[next] = { bytes, ns: clock.ns + BigInt(Math.ceil(limit.take(bytes) * 1e6)) }
  }
}

function sum (numbers: number[]): number {
  return numbers.reduce((a, b) => a + b, 0)
}

await t.test('no limit: as much as anybody likes, at once', async (t) => {
  const limit = new RateLimit()
  t.equal(limit.bytesPerSecond, undefined)
  t.equal(limit.portion(MiB), MiB)
  for (let i = 0; i < 100; i++) t.equal(limit.take(MiB), 0)
})

await t.test('one stream or many: the rate, and no more than the burst beyond it', async (t) => {
  for (const rate of [KiB, 10_000, 64 * KiB, 8 * MiB, 50 * MiB, 1_024 * MiB]) {
    for (const count of [1, 2, 7, 64]) {
      const { limit, clock } = limited(rate)
      const streams = Array.from({ length: count }, () => new RateLimit(limit.buffer, clock.now))
      const sent = sum(run(clock, streams, 10 * SECOND_MS))
      t.ok(sent <= rate * (10 + BURST) * 1.001, `${count} streams at ${rate}: ${sent} bytes in 10 s`)
      // A wait of less than a millisecond is none, and a turn that is not over yet is not counted.
      t.ok(sent >= rate * 10 * 0.995 - count * Math.ceil(rate / 32), `${count} streams at ${rate}: ${sent} bytes in 10 s`)
    }
  }
})

await t.test('streams share it evenly', async (t) => {
  const { limit, clock } = limited(MiB)
  const sent = run(clock, Array.from({ length: 5 }, () => new RateLimit(limit.buffer, clock.now)), 20 * SECOND_MS)
  t.ok(Math.max(...sent) - Math.min(...sent) <= MiB / 32, sent.join())
})

await t.test('with every slot taken, at the least rate, nobody waits long enough to look stalled', async (t) => {
  const { limit, clock } = limited(KiB)
  const streams = Array.from({ length: 64 }, () => new RateLimit(limit.buffer, clock.now))
  t.ok(Math.max(...streams.map((stream) => stream.take(stream.portion(MiB)))) <= 2 * SECOND_MS)
})

await t.test('a pause is made up for by no more than the burst', async (t) => {
  const { limit, clock } = limited(MiB)
  clock.pass(3_600 * SECOND_MS)
  const sent = run(clock, [limit], SECOND_MS)
  t.ok(sum(sent) <= MiB * (1 + BURST) * 1.001, String(sum(sent)))
})

await t.test('what is late is made up for', async (t) => {
  const { limit, clock } = limited(MiB)
  let bytes = 0
  const startNs = clock.ns
  // As by a timer that is always 10 ms late.
  while (clock.ns - startNs < 10_000_000_000n) {
    const portion = limit.portion(MiB)
    const ms = limit.take(portion)
    if (ms > 0) clock.pass(ms + 10)
    bytes += portion
  }
  t.ok(bytes >= 10 * MiB * 0.99, String(bytes))
})

await t.test('another rate counts from now on, whatever was taken before', async (t) => {
  const { limit, clock } = limited(KiB)
  for (let i = 0; i < 100; i++) limit.take(KiB)
  t.ok(limit.take(KiB) > 60 * SECOND_MS)
  limit.bytesPerSecond = 100 * MiB
  t.equal(limit.bytesPerSecond, 100 * MiB)
  t.ok(sum(run(clock, [limit], SECOND_MS)) >= 99 * MiB)
  limit.bytesPerSecond = undefined
  t.equal(limit.take(MiB), 0)
  // A large read that began before the limit.
  limit.bytesPerSecond = KiB
  t.ok(limit.take(MiB) <= SECOND_MS)
})

await t.test('what is no rate is refused, and the old one stays', async (t) => {
  const limit = new RateLimit()
  limit.bytesPerSecond = KiB
  for (const rate of [0, -1, 1_023, 1_024.5, NaN, Infinity, 2 ** 53]) t.throws(() => { limit.bytesPerSecond = rate }, { code: 'E_USAGE' }, String(rate))
  t.equal(limit.bytesPerSecond, KiB)
})

await t.test('threads share one rate, and lose nothing of what each takes', async (t) => {
  const limit = new RateLimit(undefined, () => 0n)
  limit.bytesPerSecond = KiB
  const takes = 100_000
  const workers = [1, 2].map(() => new Worker(new URL('rate-limit-thread.js', import.meta.url), { workerData: { buffer: limit.buffer, takes } }))
  t.teardown(async () => await Promise.all(workers.map(async (worker) => await worker.terminate())))
  await Promise.all(workers.map(async (worker) => await once(worker, 'message', { signal: AbortSignal.timeout(20_000) })))
  const costNs = 1_000_000_000n / BigInt(KiB)
  t.equal(limit.take(1), Number(BigInt(2 * takes + 1) * costNs) / 1e6)
})

import t from 'tap'
import { RateMeter } from '../../lib/node/rate-meter.js'

function begin (): { meter: RateMeter, at: (ms: number, bytes?: number) => number } {
  let nowMs = 1_000_000
  const meter = new RateMeter(() => nowMs)
  return {
    meter,
    /** The rate at a time, with so many bytes in all by then. */
    at: (ms, bytes) => {
      nowMs = 1_000_000 + ms
      if (bytes !== undefined) meter.reach(bytes)
      return meter.bytesPerSecond()
    },
  }
}

await t.test('nothing yet', async (t) => {
  const { at } = begin()
  t.equal(at(0), 0)
  t.equal(at(500), 0)
  t.equal(at(600, 0), 0)
})

await t.test('the first call says where it begins: what was there before is no part of the rate', async (t) => {
  const { at } = begin()
  t.equal(at(0, 1_000_000), 0)
  t.equal(at(1_000, 1_000_500), 500)
})

await t.test('a steady stream', async (t) => {
  const { at } = begin()
  at(0, 0)
  for (let ms = 100; ms <= 10_000; ms += 100) t.equal(Math.round(at(ms, ms)), 1_000, `at ${ms} ms`)
})

await t.test('only the last three seconds count', async (t) => {
  const { at } = begin()
  at(0, 0)
  for (let ms = 100; ms <= 5_000; ms += 100) at(ms, ms * 10)
  let rate = 0
  for (let ms = 5_100; ms <= 8_200; ms += 100) rate = at(ms, 50_000 + (ms - 5_000))
  t.ok(Math.abs(rate - 1_000) < 100, `${rate}: ten times as fast before`)
})

await t.test('a stream that has stalled has no rate', async (t) => {
  const { at } = begin()
  at(0, 0)
  at(1_000, 30_000)
  t.equal(at(1_000), 30_000)
  t.ok(at(2_000) < 30_000, 'less and less')
  t.equal(at(4_001), 0)
  t.equal(at(60_000), 0)
})

await t.test('a piece that is lost again makes no negative rate', async (t) => {
  const { at } = begin()
  at(0, 1_000)
  t.equal(at(1_000, 500), 0)
})

import fc from 'fast-check'
import t from 'tap'
import { sample } from '../../lib/tracker/sample.js'

await t.test('property: as many as are wanted or there are, of the range, none twice', async (t) => {
  fc.assert(fc.property(fc.nat(30), fc.nat(30), fc.nat(40), (start, length, most) => {
    const items = Array.from({ length: 60 }, (_, i) => i)
    const end = start + length
    const sampled = sample(items, { start, end, most })
    return sampled.length === Math.min(most, length) && new Set(sampled).size === sampled.length && sampled.every((item) => item >= start && item < end)
  }), { numRuns: 500 })
  t.pass('500 samples')
})

await t.test('every item has the same chance of every place', async (t) => {
  const items = Array.from({ length: 10 }, (_, i) => i)
  const times = new Map<string, number>()
  for (let i = 0; i < 20_000; i++) for (const [place, item] of sample(items, { start: 0, end: 10, most: 3 }).entries()) times.set(`${item} at ${place}`, (times.get(`${item} at ${place}`) ?? 0) + 1)
  t.equal(times.size, 30)
  // 2,000 each; the standard deviation is about 42.
  for (const [what, count] of times) if (count < 1_700 || count > 2_300) t.fail(`${what}: ${count} times`)
})

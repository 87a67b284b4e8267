import fc from 'fast-check'
import t from 'tap'
import { SampleMap } from './sample-map.js'

await t.test('property: it holds what a map holds, whatever was sampled in between', async (t) => {
  const step = fc.oneof(
    fc.record({ what: fc.constant('set' as const), key: fc.nat(9), value: fc.nat() }),
    fc.record({ what: fc.constant('delete' as const), key: fc.nat(9) }),
    fc.record({ what: fc.constant('sample' as const), key: fc.nat(9), most: fc.nat(12) })
  )
  fc.assert(fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
    const map = new Map<number, string>()
    const sampled = new SampleMap<number, string>()
    for (const one of steps) {
      if (one.what === 'set') {
        map.set(one.key, `${one.key} ${one.value}`)
        sampled.set(one.key, `${one.key} ${one.value}`)
      } else if (one.what === 'delete') {
        map.delete(one.key)
        sampled.delete(one.key)
      } else {
        const values = sampled.sample(one.most, one.key)
        const others = [...map].filter(([key]) => key !== one.key).map(([, value]) => value)
        if (values.length !== Math.min(one.most, others.length)) return false
        if (new Set(values).size !== values.length || !values.every((value) => others.includes(value))) return false
      }
      if (sampled.size !== map.size) return false
    }
    return JSON.stringify(sampled.sample(Infinity, -1).sort()) === JSON.stringify([...map.values()].sort())
  }), { numRuns: 500 })
  t.pass('500 histories')
})

await t.test('every value has the same chance', async (t) => {
  const map = new SampleMap<number, number>()
  for (let i = 0; i < 20; i++) map.set(i, i)
  const times = Array<number>(20).fill(0)
  for (let i = 0; i < 4_000; i++) for (const value of map.sample(5, 0)) times[value] = (times[value] ?? 0) + 1
  t.equal(times[0], 0, 'but for the one that is left out')
  // 4,000 × 5 / 19 is 1,053 each; the standard deviation is about 28.
  for (const [value, count] of times.entries()) if (value > 0 && (count < 850 || count > 1_250)) t.fail(`${value} came ${count} times`)
})

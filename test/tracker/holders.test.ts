import fc from 'fast-check'
import t from 'tap'
import { Holder, NOBODY } from '../../lib/tracker/holders.js'

function holder (node: number, complete: boolean, isOrigin: boolean): Holder {
  return new Holder({ name: `Node${node}`, host: '192.0.2.1', inputPort: 1, outputPort: 2, complete }, isOrigin)
}

await t.test('property: nobody, one, few and many know who is there, whoever comes and goes', async (t) => {
  const step = fc.record({ node: fc.nat(24), complete: fc.boolean(), isOrigin: fc.boolean(), stays: fc.integer({ min: 0, max: 3 }).map((n) => n > 0) })
  fc.assert(fc.property(fc.array(step, { maxLength: 120 }), fc.nat(24), fc.nat(30), (steps, except, most) => {
    let holders = NOBODY
    const wanted = new Map<string, Holder>()
    for (const { node, complete, isOrigin, stays } of steps) {
      const before = holders.find(`Node${node}`)
      if (before !== wanted.get(`Node${node}`)) return false
      if (before !== undefined) holders = holders.without(before)
      wanted.delete(`Node${node}`)
      if (!stays) continue
      const after = holder(node, complete, isOrigin)
      holders = holders.with(after)
      wanted.set(after.owner.name, after)
    }
    const all = [...wanted.values()]
    const others = all.filter(({ owner }) => owner.name !== `Node${except}`)
    const sampled = holders.sample(most, `Node${except}`)
    const complete = others.filter(({ owner }) => owner.complete).length
    return holders.size === all.length && holders.complete === all.filter(({ owner }) => owner.complete).length && holders.origins === all.filter(({ isOrigin }) => isOrigin).length &&
      sampled.length === Math.min(most, others.length) && new Set(sampled).size === sampled.length && sampled.every((owner) => others.some((other) => other.owner === owner)) &&
      sampled.every((owner, at) => owner.complete === (at < complete))
  }), { numRuns: 1_000 })
  t.pass('1,000 histories')
})

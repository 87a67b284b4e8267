/** What a schedule decides is decided by what it is told alone: a swarm that is simulated again fares the same, to the last bit. */
import { createHash } from 'node:crypto'
import t from 'tap'
import { SCENARIOS, simulate } from '../bench/swarm-scenarios.js'

/** Whoever changes a policy on purpose looks at `npm run bench -- simulator` first, and then writes the new ones here. */
const FIGURES = ['571ba558220407be', '899434819c53fb9b', 'eb0c44bf9210f226', '9d97aea6cac24e15', '4683f2e4115a10c2', '6ffc0ddf5bcdfb9a']

void t.test('the figures of small seeded swarms', async (t) => {
  const figures = SCENARIOS.map((_, scenario) => {
    const { result, ratios } = simulate({ scenario, nodes: 8, pieceCount: 24, seed: 2 })
    return createHash('sha256').update(JSON.stringify({ result, ratios })).digest('hex').slice(0, 16)
  })
  t.strictSame(figures, FIGURES)
})

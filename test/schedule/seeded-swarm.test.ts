/** What a schedule decides is decided by what it is told alone: a swarm that is simulated again fares the same, to the last bit. */
import { createHash } from 'node:crypto'
import t from 'tap'
import { SCENARIOS, simulate } from '../bench/swarm-scenarios.js'

/** Whoever changes a policy on purpose looks at `npm run bench -- simulator` first, and then writes the new ones here. */
const FIGURES = ['c3a59fbb4f5b8c56', 'da8890361240618c', '6e9c3f7e22a7ea3c', 'c47b761965b05ea6', 'fc1e74362ea4bf4f', 'b76e0746e0f39e3a']

void t.test('the figures of small seeded swarms', async (t) => {
  const figures = SCENARIOS.map((_, scenario) => {
    const { result, ratios } = simulate({ scenario, nodes: 8, pieceCount: 24, seed: 2 })
    return createHash('sha256').update(JSON.stringify({ result, ratios })).digest('hex').slice(0, 16)
  })
  t.strictSame(figures, FIGURES)
})

/** What a schedule decides is decided by what it is told alone: a swarm that is simulated again fares the same, to the last bit. */
import { createHash } from 'node:crypto'
import t from 'tap'
import { SCENARIOS, simulate } from '../bench/swarm-scenarios.js'

/** Whoever changes a policy on purpose looks at `npm run bench -- simulator` first, and then writes the new ones here. */
const FIGURES = ['571ba558220407be', 'd4ba4c6f4f780346', '60d1bc356f616c32', 'cec7645a53e0cee4', '8dab5900eab2fcf2']

void t.test('the figures of small seeded swarms', async (t) => {
  const figures = SCENARIOS.map((_, scenario) => {
    const { result, ratios } = simulate({ scenario, nodes: 8, pieceCount: 24, seed: 2 })
    return createHash('sha256').update(JSON.stringify({ result, ratios })).digest('hex').slice(0, 16)
  })
  t.strictSame(figures, FIGURES)
})

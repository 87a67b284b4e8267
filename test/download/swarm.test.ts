/** Whole swarms of schedules, on a made-up clock. */
import t from 'tap'
import { Swarm, type SwarmNode } from '../bench/swarm-model.js'
import { seededRandom } from '../helpers/seed.js'
import { MiB } from '../../lib/protocol/units.js'

const PIECES = 256
/** 50 MiB a second, and as good as no limit. */
const SLOW = 50 * MiB / 1_000
const FAST = 400 * MiB / 1_000
const ONE_COPY_MS = PIECES * MiB / SLOW

function node (random: () => number, rest: Partial<SwarmNode> = {}): SwarmNode {
  return { up: FAST, down: FAST, delayMs: 0.5 + 2 * random(), startMs: 0, ...rest }
}

for (const seed of [1, 2, 3, 4, 5]) {
  void t.test(`8 that start together take little longer than one, and cost the owner little more than a copy: seed ${seed}`, async (t) => {
    const random = seededRandom(seed)
    const { tookMs, seedCopies, excess, failures } = new Swarm({
      pieceCount: PIECES, pieceBytes: MiB, seed: { ...node(random), up: SLOW }, nodes: Array.from({ length: 8 }, () => node(random)), random,
    }).run()
    t.equal(failures, 0)
    const slowestMs = Math.max(...tookMs.map((ms) => ms ?? Infinity))
    t.ok(slowestMs < 1.35 * ONE_COPY_MS, `${slowestMs} ms of ${ONE_COPY_MS}`)
    t.ok(seedCopies < 1.2, `${seedCopies} copies`)
    t.ok(excess < 0.02, `${excess} fetched twice`)
  })
}

void t.test('one alone is as fast as its owner', async (t) => {
  const random = seededRandom(1)
  const { tookMs, seedCopies } = new Swarm({
    pieceCount: PIECES, pieceBytes: MiB, seed: { ...node(random), up: SLOW }, nodes: [node(random)], random,
  }).run()
  t.ok((tookMs[0] ?? Infinity) < 1.02 * ONE_COPY_MS, `${tookMs[0]} ms of ${ONE_COPY_MS}`)
  t.ok(seedCopies < 1.001)
})

void t.test('the owner leaves before all is in the swarm: all say so', async (t) => {
  const random = seededRandom(3)
  const { tookMs, failures } = new Swarm({
    pieceCount: PIECES, pieceBytes: MiB, seed: { ...node(random), up: SLOW, leaveMs: 2_000 }, nodes: Array.from({ length: 4 }, () => node(random)), random,
  }).run()
  t.equal(failures, 4)
  t.strictSame(tookMs, [undefined, undefined, undefined, undefined])
})

void t.test('some leave in the middle: the others finish', async (t) => {
  const random = seededRandom(4)
  const nodes = Array.from({ length: 12 }, (_, i) => node(random, i % 3 === 0 ? { leaveMs: 2_000 + 200 * i } : {}))
  const { tookMs, failures } = new Swarm({ pieceCount: PIECES, pieceBytes: MiB, seed: { ...node(random), up: SLOW }, nodes, random }).run()
  t.equal(failures, 0)
  t.strictSame(tookMs.map((ms) => ms !== undefined), nodes.map(({ leaveMs }) => leaveMs === undefined))
})

import t from 'tap'
import { FILE_STATES } from '../../lib/protocol/limits.js'
import { Trust } from '../../lib/share/trust.js'

const identity = { dev: 1n, ino: 1n, size: 5n, mtimeNs: 1n, ctimeNs: 1n }
const file = { identity, size: 5 * 1_048_576, digest: '', pieceLength: 1_048_576 }

void t.test('all of it as it was announced; otherwise what was looked at', async (t) => {
  const trust = new Trust(file)
  t.equal(trust.in({ ...identity }).size, 5)
  const now = { ...identity, ctimeNs: 2n }
  t.equal(trust.in(now).size, 0)
  trust.in(now).add(3)
  t.ok(trust.in(now).has(3))
  t.equal(trust.in({ ...now, ino: 2n }).size, 0, 'another file in its place')
  t.equal(trust.in(identity).size, 5, 'and back')
})

void t.test('of a file that changes all the time only so much is remembered', async (t) => {
  const trust = new Trust(file)
  const states = Array.from({ length: FILE_STATES + 1 }, (_, i) => ({ ...identity, ctimeNs: BigInt(i + 10) }))
  for (const state of states) trust.in(state).add(0)
  t.equal(trust.in(states.at(-1) ?? identity).size, 1)
  t.equal(trust.in(states[0] ?? identity).size, 0, 'the first is digested again')
})

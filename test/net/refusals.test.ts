import t from 'tap'
import { Refusals } from '../../lib/net/refusals.js'

await t.test('a peer is news once a minute', async (t) => {
  let nowMs = 0
  const refusals = new Refusals(() => nowMs)
  t.ok(refusals.isNews('a'))
  t.ok(refusals.isNews('b'), 'each for itself')
  nowMs = 59_999
  t.notOk(refusals.isNews('a'))
  nowMs = 60_000
  t.ok(refusals.isNews('a'))
  nowMs = 119_999
  t.notOk(refusals.isNews('a'))
})

await t.test('of no more than 1,024 peers a minute', async (t) => {
  let nowMs = 0
  const refusals = new Refusals(() => nowMs)
  for (let i = 0; i < 1_024; i++) t.ok(refusals.isNews(`peer ${i}`))
  t.notOk(refusals.isNews('one more'))
  nowMs = 60_000
  t.ok(refusals.isNews('one more'))
})

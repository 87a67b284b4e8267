import t from 'tap'
import { Standstill } from '../../lib/download/standstill.js'
import type { Waiting } from '../../lib/download/waiting.js'

void t.test('told after 5 s without a byte, again and again, and when it goes on', async (t) => {
  const told: Array<Waiting | undefined> = []
  const standstill = new Standstill('big', 0, (waiting) => { told.push(waiting) })
  standstill.waits(() => ({ for: 'owner', owners: ['NodeA'] }))
  for (const nowMs of [0, 4_999, 5_000, 15_400, 25_000]) standstill.look(nowMs)
  const waiting = { file: 'big', for: 'owner', owners: ['NodeA'] }
  t.strictSame(told.splice(0), [5, 15, 25].map((seconds) => ({ ...waiting, seconds })))
  standstill.moved(26_000)
  standstill.moved(26_100)
  t.strictSame(told.splice(0), [undefined])
  standstill.look(31_000)
  t.strictSame(told, [])
  standstill.look(31_100)
  t.strictSame(told, [{ ...waiting, seconds: 5 }])
})

void t.test('what it waits for is what it waits for when it is told', async (t) => {
  const told: Array<Waiting | undefined> = []
  const standstill = new Standstill('big', 0, (waiting) => { told.push(waiting) })
  let reason: 'tracker' | 'owner' = 'tracker'
  standstill.waits(() => ({ for: reason, owners: [] }))
  standstill.look(5_000)
  reason = 'owner'
  standstill.look(15_000)
  t.match(told, [{ for: 'tracker' }, { for: 'owner' }])
})

void t.test('while it has something to do itself it waits for nobody', async (t) => {
  const told: Array<Waiting | undefined> = []
  const standstill = new Standstill('big', 0, (waiting) => { told.push(waiting) })
  standstill.look(60_000)
  t.notOk(standstill.isLong(60_000, 5_000))
  standstill.waits(() => ({ for: 'slot', owners: [] }))
  standstill.look(64_999)
  t.strictSame(told, [])
  standstill.look(65_000)
  t.ok(standstill.isLong(65_000, 5_000))
  standstill.works(66_000)
  t.match(told, [{ for: 'slot', seconds: 5 }, undefined])
})

void t.test('with a turn again it has time to make something of it, though it still waits', async (t) => {
  const told: Array<Waiting | undefined> = []
  const standstill = new Standstill('big', 0, (waiting) => { told.push(waiting) })
  standstill.waits(() => ({ for: 'owner', owners: [] }))
  t.ok(standstill.isLong(5_000, 5_000))
  standstill.hasTurn(7_000)
  t.notOk(standstill.isLong(11_999, 5_000))
  t.ok(standstill.isLong(12_000, 5_000))
  standstill.look(12_000)
  t.match(told, [{ seconds: 12 }])
})

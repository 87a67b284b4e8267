import t from 'tap'
import { Slots } from '../../lib/download/slots.js'

void t.test('as many as there are, and no more', async (t) => {
  const slots = new Slots(2)
  slots.take()
  t.ok(slots.isFree)
  slots.take()
  t.notOk(slots.isFree)
  t.throws(() => slots.take())
  slots.release()
  t.ok(slots.isFree)
})

void t.test('looking wakes nobody; a release wakes all who wait, until they stop', async (t) => {
  const slots = new Slots(1)
  let woken = 0
  const stop = slots.onRelease(() => woken++)
  // Two downloads that woke each other by looking would spin for as long as both wait.
  t.ok(slots.isFree)
  t.equal(woken, 0)
  slots.take()
  slots.release()
  t.equal(woken, 1)
  stop()
  slots.take()
  slots.release()
  t.equal(woken, 1)
})

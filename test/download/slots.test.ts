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

void t.test('who waits is told once, in order, and may pass it on', async (t) => {
  const slots = new Slots(1)
  const told: string[] = []
  const [a, b, c] = ['a', 'b', 'c'].map((name) => () => { told.push(name) }) as [() => void, () => void, () => void]
  slots.take()
  for (const wake of [a, b, a, c]) slots.wait(wake)
  slots.pass()
  t.strictSame(told, [], 'none is free')
  slots.release()
  t.strictSame(told, ['a'])
  slots.pass()
  t.strictSame(told, ['a', 'b'])
  slots.take()
  slots.release()
  t.strictSame(told, ['a', 'b', 'c'])
  slots.pass()
  slots.take()
  slots.release()
  t.strictSame(told, ['a', 'b', 'c'], 'nobody waits any more')
})

void t.test('who leaves is not told, and its turn is the next one\'s', async (t) => {
  const slots = new Slots(1)
  const told: string[] = []
  const [a, b] = ['a', 'b'].map((name) => () => { told.push(name) }) as [() => void, () => void]
  slots.take()
  slots.wait(a)
  slots.wait(b)
  slots.leave(a)
  t.strictSame(told, [], 'none is free')
  slots.wait(a)
  slots.release()
  t.strictSame(told, ['b'])
  slots.leave(b)
  t.strictSame(told, ['b', 'a'])
})

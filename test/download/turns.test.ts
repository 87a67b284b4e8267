import t from 'tap'
import { DownloadTurns, type Turn } from '../../lib/download/turns.js'

const { signal } = new AbortController()

/** Begins, and notes in what order turns are had. */
async function queue (turns: DownloadTurns, order: string[], name: string, stopped = signal): Promise<Turn> {
  return await turns.begin(stopped).then((turn) => {
    order.push(name)
    return turn
  })
}

void t.test('as many as there are turns, the others in the order they came', async (t) => {
  const turns = new DownloadTurns(2, 8)
  const order: string[] = []
  const [a, b] = [await queue(turns, order, 'a'), await queue(turns, order, 'b')]
  t.notOk(a.isWanted)
  const c = queue(turns, order, 'c')
  const d = queue(turns, order, 'd')
  t.ok(a.isWanted)
  b.end()
  await c
  a.end()
  a.end()
  await d
  t.strictSame(order, ['a', 'b', 'c', 'd'])
})

void t.test('one that stepped aside has no turn, and comes before those that have not begun', async (t) => {
  const turns = new DownloadTurns(1, 8)
  const order: string[] = []
  const stuck = await queue(turns, order, 'stuck')
  const first = queue(turns, order, 'first')
  const second = queue(turns, order, 'second')
  stuck.stepAside()
  t.notOk(stuck.isHeld)
  t.notOk(stuck.isWanted, 'it has nothing to give')
  const back = stuck.comeBack(signal).then(() => { order.push('back') })
  const { end } = { end: (await first).end.bind(await first) }
  end()
  await back
  t.ok(stuck.isHeld)
  stuck.end()
  await second
  t.strictSame(order, ['stuck', 'first', 'back', 'second'])
})

void t.test('no more step aside than may, and each that comes back or ends makes room', async (t) => {
  const turns = new DownloadTurns(3, 1)
  const [a, b, c] = [await turns.begin(signal), await turns.begin(signal), await turns.begin(signal)]
  a.stepAside()
  a.stepAside()
  t.throws(() => b.stepAside(), { code: 'E_LIMIT', message: /^1 downloads/ })
  t.ok(b.isHeld)
  await a.comeBack(signal)
  b.stepAside()
  b.end()
  c.stepAside()
  t.notOk(c.isHeld)
})

void t.test('the more hang, the less time the next one has to show that it does not', async (t) => {
  const turns = new DownloadTurns(1, 8)
  const first = await turns.begin(signal)
  t.equal(first.trialMs, 5_000)
  first.stepAside()
  const second = await turns.begin(signal)
  t.equal(second.trialMs, 1_000)
})

void t.test('one that is stopped waits no longer', async (t) => {
  const turns = new DownloadTurns(1, 8)
  const held = await turns.begin(signal)
  const stopping = new AbortController()
  const waiting = turns.begin(stopping.signal)
  stopping.abort()
  await t.rejects(waiting, { code: 'E_INTERRUPTED' })
  await t.rejects(turns.begin(stopping.signal), { code: 'E_INTERRUPTED' })
  t.notOk(held.isWanted)
  held.end()
  await t.resolves(turns.begin(signal))
})

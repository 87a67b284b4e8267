import t from 'tap'
import { Reached } from '../../lib/node/reached.js'

await t.test('where it says that it is reached', async (t) => {
  t.strictSame(new Reached({ host: 'fd00::7', inputPort: 1, outputPort: 2 }, ['127.0.0.1']).fields, { advertise: '[fd00::7]:1:2' }, 'as it was told')
  t.strictSame(new Reached(undefined, ['10.0.0.7']).fields, { advertise: '10.0.0.7' }, 'or where it listens: a tracker behind a forward sees it elsewhere')
  t.strictSame(new Reached(undefined, ['0.0.0.0']).fields, {}, 'which it does not know where it listens everywhere')
})

await t.test('probes are said back four times a minute', async (t) => {
  let nowMs = 0
  const reached = new Reached(undefined, ['10.0.0.7'], () => nowMs)
  t.strictSame(Array.from({ length: 6 }, () => reached.maySayBack()), [true, true, true, true, false, false])
  nowMs = 60_000
  t.ok(reached.maySayBack())
  t.notOk(new Reached(undefined, ['::']).maySayBack(), 'and not by a node that has nothing to prove')
})

await t.test('that nobody can connect is told once, until somebody can', async (t) => {
  const reached = new Reached(undefined, [])
  t.strictSame([undefined, true, false, false, undefined, false, true, false].map((reachable) => reached.isNewsOf(reachable)), [false, false, true, false, false, false, false, true])
})

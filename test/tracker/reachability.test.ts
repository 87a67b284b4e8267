import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { outwardHost, Reachability, Tries, type Place } from '../../lib/tracker/reachability.js'
import { deadPort, HOST, listen } from '../net/peer.js'

await t.test('both ports have to take a connection', async (t) => {
  const tries = new Tries()
  const [{ port: one }, { port: other }, dead] = [await listen(t, () => {}), await listen(t, () => {}), await deadPort()]
  for (const [inputPort, outputPort, reachable] of [[one, other, true], [one, dead, false], [dead, other, false], [dead, dead, false]] as const) {
    t.equal(await tries.reaches({ host: HOST, inputPort, outputPort }), reachable)
  }
  tries.close()
  t.equal(await tries.reaches({ host: HOST, inputPort: one, outputPort: other }), false, 'nothing is dialled once it is closed')
})

await t.test('16 at once', async (t) => {
  const tries = new Tries()
  let [running, most] = [0, 0]
  await Promise.all(Array.from({ length: 100 }, async () => await tries.run(async () => {
    most = Math.max(most, ++running)
    await turn()
    running--
  })))
  t.equal(most, 16)
})

await t.test('once a place, and what fails once a minute', async (t) => {
  let nowMs = 0
  const tried: Place[] = []
  let isThere = false
  const reachability = new Reachability(async (place) => {
    tried.push(place)
    return isThere
  }, () => nowMs)
  const [here, there] = [{ host: '10.0.0.1', inputPort: 1, outputPort: 2 }, { host: '10.0.0.2', inputPort: 1, outputPort: 2 }]
  const consider = async (place: Place): Promise<boolean | undefined> => {
    reachability.consider({ ...place })
    await turn()
    return reachability.reachable
  }
  t.equal(reachability.reachable, undefined)
  t.equal(await consider(here), false)
  isThere = true
  nowMs = 59_999
  t.equal(await consider(here), false)
  nowMs = 60_000
  t.equal(await consider(here), true)
  nowMs = 600_000
  t.equal(await consider(here), true)
  t.equal(tried.length, 2, 'one that works is left alone')
  await consider(there)
  t.equal(tried.length, 3, 'another place is tried')
  reachability.isAt(here)
  await consider(here)
  t.equal(tried.length, 3, 'one that has proven itself is not')
})

await t.test('who comes over loopback is tried where others are sent', async (t) => {
  t.equal(outwardHost('127.0.0.1', 'loopback'), '127.0.0.1')
  t.equal(outwardHost('10.0.0.1', 'everywhere'), '10.0.0.1')
  t.type(outwardHost('127.0.0.1', 'everywhere'), 'string')
})

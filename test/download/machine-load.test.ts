import t from 'tap'
import { MachineLoad } from '../../lib/download/machine-load.js'

/** What it says every 100 ms, while such a share of the machine is in use. */
function counts (most: number, shares: readonly number[]): number[] {
  let [busyMs, idleMs] = [12_345, 67_890]
  const streams = new MachineLoad(() => ({ busyMs, idleMs }))
  return [0, ...shares].map((share, i) => {
    busyMs += share * 200
    idleMs += (1 - share) * 200
    return streams.at(50_000 + i * 100, most)
  })
}

await t.test('more while the machine has time left, up to the most', async (t) => {
  t.strictSame(counts(8, [0.1, 0.3, 0.6, 0.7, 0.9]), [2, 4, 6, 8, 8, 8])
  t.strictSame(counts(3, [0, 0]), [2, 3, 3])
  t.strictSame(counts(1, [0, 0]), [1, 1, 1])
})

await t.test('two where they keep the machine busy', async (t) => {
  t.strictSame(counts(8, [0.9, 1, 0.8]), [2, 2, 2, 2])
  t.strictSame(counts(8, [0.9, 0.2, 0.9]), [2, 2, 4, 4], 'until they do not')
})

await t.test('whether the machine is busy', async (t) => {
  let busyMs = 0
  const streams = new MachineLoad(() => ({ busyMs, idleMs: 0 }))
  streams.at(0, 2)
  t.equal(streams.isBusy, false, 'not known yet')
  busyMs = 100
  streams.at(100, 2)
  t.equal(streams.isBusy, true, 'however few streams are of use')
})

await t.test('no more than are of use just then', async (t) => {
  const streams = new MachineLoad(() => ({ busyMs: 0, idleMs: 0 }))
  t.strictSame([2, 2, 8, 8, 2, 8].map((most, i) => streams.at(i * 100, most)), [2, 2, 4, 6, 2, 8])
})

await t.test('looked at too soon it says what it said', async (t) => {
  const streams = new MachineLoad(() => ({ busyMs: 0, idleMs: 0 }))
  t.strictSame([0, 10, 20, 95, 100, 190].map((ms) => streams.at(ms, 8)), [2, 2, 2, 4, 4, 6])
})

await t.test('the machine\'s own times', async (t) => {
  const streams = new MachineLoad()
  for (const ms of [0, 100, 200, 300]) t.ok([2, 4].includes(streams.at(ms, 4)))
})

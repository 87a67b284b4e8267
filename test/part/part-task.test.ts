import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import t from 'tap'
import { PartControl } from '../../lib/threads/part-control.js'

await t.test('a new part: to its end, nothing done, wanted', async (t) => {
  const control = PartControl.forPart(3, 9)
  t.match(control, { stopPiece: 9, verifiedPiece: 3, isCancelled: false, receivedBytes: 0, heartbeat: 0 })
})

await t.test('both sides see the same, and no field is another', async (t) => {
  const ours = PartControl.forPart(0, 8_192)
  const theirs = new PartControl(ours.buffer)
  theirs.receivedBytes = 2 ** 40 + 1
  theirs.verifiedPiece = 8_191
  theirs.beat()
  theirs.beat()
  t.match(ours, { stopPiece: 8_192, verifiedPiece: 8_191, isCancelled: false, receivedBytes: 2 ** 40 + 1, heartbeat: 2 })
  ours.stopBefore(5)
  ours.cancel()
  t.match(theirs, { stopPiece: 5, verifiedPiece: 8_191, isCancelled: true, receivedBytes: 2 ** 40 + 1, heartbeat: 2 })
})

await t.test('cut short: the one hears of the other, whoever is first', async (t) => {
  const first = PartControl.forPart(0, 8)
  t.equal(first.claim(6), 6)
  t.equal(first.stopBefore(4), 6, 'the worker may be writing these')
  t.equal(first.claim(7), 4, 'and no more than these')
  const second = PartControl.forPart(0, 8)
  second.claim(3)
  t.equal(second.stopBefore(4), 4)
  t.equal(second.claim(6), 4)
})

await t.test('in another thread it is the same memory', async (t) => {
  const control = PartControl.forPart(0, 4)
  const worker = new Worker('require("node:worker_threads").workerData.forEach((buffer) => new Int32Array(buffer).fill(0))', {
    eval: true, workerData: [control.buffer], execArgv: [], env: {},
  })
  await once(worker, 'exit', { signal: AbortSignal.timeout(10_000) })
  t.equal(control.stopPiece, 0)
})

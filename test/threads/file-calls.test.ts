import t from 'tap'
import { callFiles, letGo, takeInHand } from '../../lib/threads/file-calls.js'
import { PartControl } from '../../lib/threads/part-control.js'

await t.test('all parts that a thread has in hand wait with it', async (t) => {
  const [one, two, other] = [PartControl.forPart(0, 1), PartControl.forPart(1, 2), PartControl.forPart(2, 3)]
  takeInHand(one)
  takeInHand(two)
  t.equal(callFiles(() => [one, two, other].map(({ fileCalls }) => fileCalls)).join(), '1,1,0')
  t.equal(one.fileCalls, 2)
  t.throws(() => callFiles(() => { throw new Error('EIO') }), { message: 'EIO' })
  t.equal(one.fileCalls, 4, 'one that fails is over, too')
  letGo(one)
  callFiles(() => t.equal(two.fileCalls, 5))
  t.equal(one.fileCalls, 4)
  letGo(two)
})

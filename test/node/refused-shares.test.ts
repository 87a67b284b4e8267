import t from 'tap'
import { RefusedShares } from '../../lib/node/refused-shares.js'
import { PiecemealError, type ErrorCode } from '../../lib/protocol/errors.js'

await t.test('what a tracker did not understand it is not told again for an hour', async (t) => {
  let nowMs = 0
  const refused = new RefusedShares(() => nowMs)
  const [a, b] = [{ filename: 'a', digest: 'x' }, { filename: 'b', digest: 'x' }]
  for (const code of ['E_PROTOCOL', 'E_NAME'] satisfies ErrorCode[]) {
    const reason = new PiecemealError(code, 'what is that?')
    refused.add(a, reason)
    t.equal(refused.reasonOf(a), reason)
    t.equal(refused.reasonOf(b), undefined, 'another one is')
    t.equal(refused.reasonOf({ ...a, digest: 'y' }), undefined, 'and so is another content')
    nowMs += 3_599_999
    t.equal(refused.reasonOf(a), reason)
    nowMs++
    t.equal(refused.reasonOf(a), undefined)
  }
  for (const code of ['E_LIMIT', 'E_NETWORK', 'E_TIMEOUT', 'E_INTERNAL'] satisfies ErrorCode[]) {
    refused.add(b, new PiecemealError(code, 'no'))
    t.equal(refused.reasonOf(b), undefined, `${code} passes`)
  }
})

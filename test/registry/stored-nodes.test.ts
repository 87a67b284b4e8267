import t from 'tap'
import { Keys } from '../../lib/registry/keys.js'
import { StoredNodes, type Hold } from '../../lib/registry/stored-nodes.js'
import { StoreAway, type Store } from '../../lib/registry/store.js'

await t.test('a name that Redis gave though its answer came too late is still this connection\'s', async (t) => {
  const keys = new Keys('pm')
  let holder = ''
  let isLate = true
  // What the script does for a node without a session.
  const run: Partial<Store> = {
    run: async (_script, _keys, [owner, , expected]) => {
      if (holder !== '' && holder !== owner && holder !== expected) return holder
      holder = String(owner)
      if (!isLate) return 'ok'
      isLate = false
      throw new StoreAway('here', 'no answer in time')
    },
  }
  const lease = { token: 'token-before-', isDead: async () => false, missed: () => {} }
  const nodes = new StoredNodes({ store: run as Store, keys, lease, nameMs: 1 })
  const holdOf = (connection: string): Hold => ({ node: 'A', connection, session: '-', membership: undefined, claimedAs: undefined })
  const hold = holdOf('2')
  await t.rejects(nodes.claim(hold), { code: 'E_REGISTRY' })
  lease.token = 'token-of-now-'
  t.equal(await nodes.claim(hold), true)
  t.equal(await nodes.claim(holdOf('3')), false, 'nobody else\'s')
})

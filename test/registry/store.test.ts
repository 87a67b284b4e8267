import t from 'tap'
import type { Script } from '../../lib/registry/scripts/script.js'
import { Store, StoreAway, type StoreClient } from '../../lib/registry/store.js'

await t.test('calls that get no answer together connect anew together, once', async (t) => {
  const SCRIPT: Script = { lua: '', sha: '' }
  let [calls, reconnections] = [0, 0]
  const silent: Partial<StoreClient> = {
    run: async () => {
      calls++
      return await new Promise(() => {})
    },
    reconnect: () => { reconnections++ },
  }
  const store = new Store(silent as StoreClient, 'nowhere')
  const told: StoreAway[] = []
  store.on('away', (reason) => told.push(reason))
  const untilMs = performance.now()
  const results = await Promise.allSettled(Array.from({ length: 500 }, async () => await store.run(SCRIPT, [], [], { untilMs })))
  t.ok(results.every((result) => result.status === 'rejected' && result.reason instanceof StoreAway))
  t.strictSame([calls, reconnections, told.length], [500, 1, 1])
  await t.rejects(store.run(SCRIPT, [], []), { code: 'E_REGISTRY' })
  t.equal(calls, 500, 'and while it is away nobody asks')
})

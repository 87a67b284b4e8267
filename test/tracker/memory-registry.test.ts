import t from 'tap'
import { MemoryRegistry } from '../../lib/tracker/memory-registry.js'
import { record, registryConformance } from './registry-conformance.js'

await registryConformance(t, 'memory', (limits, now) => new MemoryRegistry(limits, now))

await t.test('the contract\'s own limit of files a node', async (t) => {
  const registry = new MemoryRegistry()
  await registry.join('NodeA')
  for (let i = 0; i < 10_000; i++) await registry.have('NodeA', record(`${i}`))
  await t.rejects(registry.have('NodeA', record('one more')), { code: 'E_LIMIT', message: /10000/ })
})

await t.test('where all owners are told their order changes now and then, and news of them at once', async (t) => {
  const registry = new MemoryRegistry()
  for (let i = 0; i < 20; i++) {
    await registry.join(`Node${i}`)
    await registry.have(`Node${i}`, record('file'))
  }
  const names = async (asker: string): Promise<string[]> => (await registry.owners({ filename: 'file', asker })).owners.map(({ name }) => name)
  const orders = new Set<string>()
  for (let i = 0; i < 160; i++) orders.add((await names('asker')).join())
  t.ok(orders.size >= 19, `${orders.size} orders in 160 answers`)

  t.equal((await names('Node3')).includes('Node3'), false)
  t.equal((await names('asker')).length, 20)
  await registry.withdraw('Node3', 'file')
  t.equal((await names('asker')).includes('Node3'), false)
  await registry.have('Node3', record('file', { outputPort: 7, complete: false }))
  t.match((await registry.owners({ filename: 'file', asker: 'asker' })).owners.at(-1), { name: 'Node3', outputPort: 7, complete: false })
  await registry.leave('Node4')
  t.equal((await names('asker')).length, 19)
})

import t from 'tap'
import { MemoryRegistry } from '../../lib/tracker/memory-registry.js'
import { record, registryConformance } from './registry-conformance.js'

await registryConformance(t, 'memory', (limits) => new MemoryRegistry(limits))

await t.test('the contract\'s own limit of files a node', async (t) => {
  const registry = new MemoryRegistry()
  await registry.join('NodeA')
  for (let i = 0; i < 10_000; i++) await registry.have('NodeA', record(`${i}`))
  await t.rejects(registry.have('NodeA', record('one more')), { code: 'E_LIMIT', message: /10000/ })
})

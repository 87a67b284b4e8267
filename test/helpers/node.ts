/** A node in the test's own process, for tests of others. */
import { Node, type NodeOptions } from '../../lib/index.js'
import type { Scope } from './command.js'

export async function nodeHere (t: Scope, options: NodeOptions): Promise<Node> {
  const node = new Node(options)
  node.on('error', () => {})
  t.teardown(async () => await node.close())
  await node.start()
  return node
}

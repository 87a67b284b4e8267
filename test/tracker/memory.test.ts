/** What nodes and their records cost a tracker, at a small scale. The large one is in the benchmark `tracker`. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { Peer, WAIT_MS } from '../net/peer.js'
import { digestOf } from './registry-conformance.js'

const NODES = 60
const FILES = 500
/** Of a content that nobody else has, the dearest kind. */
const MOST_RECORD_BYTES = 250
/** Without what the kernel keeps. 10,000 of them are to fit into 300 MiB. */
const MOST_NODE_BYTES = 12 * 1_024

await t.test('a million records fit into 250 MB, and 10,000 nodes into 120 MiB', { timeout: 60_000 }, async (t) => {
  const child = fork(new URL('./tracker-process.js', import.meta.url), { execArgv: ['--expose-gc'] })
  t.teardown(() => child.kill('SIGKILL'))
  const answer = async (): Promise<number> => {
    const [number] = await once(child, 'message', { signal: AbortSignal.timeout(WAIT_MS) }) as [number]
    return number
  }
  const usedBytes = async (): Promise<number> => {
    child.send('?')
    return await answer()
  }
  const port = await answer()
  // What the first of its kind costs is code, and counts for nobody.
  const nodes = [await Peer.connect(t, { port })]
  const have = (node: number, file: number): object => ({
    type: 'NodeToTracker', mode: 'have', name: `Node${node}`, filename: `measurement-${node}-${file}.parquet`, size: 5 + file, digest: digestOf(`${node}-${file}`), pieceLength: 1_048_576, inputPort: 8_081, outputPort: 9_091, origin: true,
  })
  for (let file = 0; file < FILES; file++) await nodes[0]?.ask(have(0, file))

  const before = await usedBytes()
  while (nodes.length <= NODES) {
    const node = await Peer.connect(t, { port })
    await node.ask({ type: 'NodeToTracker', mode: 'alive', name: `Node${nodes.length}` })
    nodes.push(node)
  }
  const joined = await usedBytes()
  t.ok((joined - before) / NODES < MOST_NODE_BYTES, `${Math.round((joined - before) / NODES)} bytes a node`)

  await Promise.all(nodes.slice(1).map(async (node, i) => {
    node.send(...Array.from({ length: FILES }, (_, file) => have(i + 1, file)))
    for (let file = 0; file < FILES; file++) if ((await node.message()).ok !== true) t.fail('not announced')
  }))
  const announced = await usedBytes()
  t.ok((announced - joined) / NODES / FILES < MOST_RECORD_BYTES, `${Math.round((announced - joined) / NODES / FILES)} bytes a record`)
})

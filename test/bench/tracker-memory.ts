/** What a tracker holds in memory for nodes that are there, and for what they have announced. */
import type { Socket } from 'node:net'
import type { Stage } from '../demo/stage.js'
import { formatBytes } from '../../lib/ui/format.js'
import { ask, connectTo, failOnClose, openAll } from './load/connections.js'
import { Markers } from './load/markers.js'
import { startTracker } from './nodes.js'
import { residentBytes } from './processes.js'

interface Crowd {
  what: string
  nodes: number
  /** That each node announces. */
  files: number
  /** Which content the file of a node is: with the same number it is the same one. */
  content: (node: number, file: number) => number
}

const CROWDS: Crowd[] = [
  { what: '1,000 nodes, each with 1,000 files of its own', nodes: 1_000, files: 1_000, content: (node, file) => node * 1_000 + file },
  { what: '1,000 nodes, each with the same 1,000 files', nodes: 1_000, files: 1_000, content: (_node, file) => file },
  { what: '10,000 nodes that have nothing', nodes: 10_000, files: 0, content: () => 0 },
]
/** Announced in one go. */
const AT_ONCE = 100
/** A node that says nothing for 60 s is dead to its tracker. */
const ALIVE_MS = 15_000

export interface TrackerMemory {
  what: string
  residentBytes: number
  /** Of these, for each record, or for each node where there are no records. */
  bytesEach: number
}

/** What each crowd costs a tracker of its own. Undefined where the system does not tell. */
export async function trackerMemory (stage: Stage, say: (line: string) => void): Promise<TrackerMemory[]> {
  const measured = []
  for (const crowd of CROWDS) {
    const { address, tracker } = await startTracker(stage, ['--max-connections', String(crowd.nodes)])
    const empty = residentBytes(tracker.pid)
    const sockets = await gather(crowd, Number(address.slice(address.lastIndexOf(':') + 1)))
    const full = residentBytes(tracker.pid)
    for (const socket of sockets) socket.removeAllListeners('close').destroy()
    await tracker.stop()
    if (empty === undefined || full === undefined) return []
    const each = (full - empty) / (crowd.nodes * Math.max(1, crowd.files))
    say(`tracker: ${crowd.what}: ${formatBytes(full)}`)
    measured.push({ what: crowd.what, residentBytes: full, bytesEach: each })
  }
  return measured
}

async function gather ({ nodes, files, content }: Crowd, port: number): Promise<Socket[]> {
  const sockets: Socket[] = []
  const beat = setInterval(() => { for (const [node, socket] of sockets.entries()) socket.write(line({ mode: 'alive', name: `Node${node}` })) }, ALIVE_MS)
  try {
    await openAll(nodes, async (node) => {
      const socket = await connectTo(port)
      await ask(socket, line({ mode: 'alive', name: `Node${node}` }), (answer) => answer.endsWith('\n'))
      failOnClose(socket)
      sockets[node] = socket.resume()
    })
    for (const [node, socket] of sockets.entries()) {
      for (let first = 0; first < files; first += AT_ONCE) {
        await announce(socket, Array.from({ length: AT_ONCE }, (_, i) => have(node, content(node, first + i))))
      }
    }
    return sockets
  } finally {
    clearInterval(beat)
  }
}

/** Sends these lines. @returns once as many have come back */
async function announce (socket: Socket, lines: readonly string[]): Promise<void> {
  const replies = new Markers('\n')
  await new Promise<void>((resolve) => {
    let left = lines.length
    const take = (chunk: Buffer): void => {
      left -= replies.count(chunk)
      if (left > 0) return
      socket.off('data', take)
      resolve()
    }
    socket.on('data', take)
    socket.write(lines.join(''))
  })
}

function have (node: number, content: number): string {
  return line({ mode: 'have', name: `Node${node}`, filename: `measurement-${content}.parquet`, size: 1_048_576, digest: `blake3:${content.toString(16).padStart(64, '0')}`, pieceLength: 1_048_576, inputPort: 8_081, outputPort: 9_091, origin: true })
}

function line (fields: object): string {
  return `${JSON.stringify({ type: 'NodeToTracker', ...fields })}\n`
}

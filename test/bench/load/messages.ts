/** `have` and `need` to piecemeal's tracker, pipelined. */
import type { Socket } from 'node:net'
import { ask, connectTo, failOnClose, openAll } from './connections.js'
import type { Driver, LoadOptions } from './load.js'
import { Markers } from './markers.js'

export interface MessageLoad extends LoadOptions {
  kind: 'messages'
  mode: 'have' | 'need'
  /** How many own the file that is needed, on connections of their own. */
  owners: number
}

/** A node announces these in turn. */
const FILES_A_NODE = 100
const SHARED = 'shared.bin'
const CONTENT = { size: 1_048_576, digest: `blake3:${'0123456789abcdef'.repeat(4)}`, pieceLength: 1_048_576, inputPort: 8_081, outputPort: 9_091 }
const isLine = (answer: string): boolean => answer.endsWith('\n')

export class Messages implements Driver {
  answers = 0
  readonly #load: MessageLoad
  #askers: Asker[] = []

  constructor (load: MessageLoad) {
    this.#load = load
  }

  async prepare (): Promise<void> {
    const { port, connections, mode, owners } = this.#load
    await openAll(owners, async (i) => await open(port, have(`Owner${i}`, SHARED)))
    this.#askers = await openAll(connections, async (i) => {
      const name = `Asker${i}`
      const request = mode === 'need' ? line({ mode, name, filename: SHARED }) : have(name, 'first.bin')
      const { socket, answer } = await open(port, request)
      const found = mode === 'need' ? (answer.owners as unknown[]).length : 0
      if (found !== owners) throw new Error(`${found} owners in the answer, not ${owners}`)
      return { socket, next: mode === 'need' ? (count) => request.repeat(count) : announcements(name) }
    })
  }

  begin (): void {
    for (const { socket, next } of this.#askers) {
      const lines = new Markers('\n')
      failOnClose(socket)
      socket.on('data', (chunk: Buffer) => {
        const count = lines.count(chunk)
        this.answers += count
        if (count > 0) socket.write(next(count))
      })
      socket.write(next(this.#load.inFlight))
    }
  }
}

interface Asker {
  socket: Socket
  /** So many more requests. */
  next: (count: number) => string
}

async function open (port: number, request: string): Promise<{ socket: Socket, answer: Record<string, unknown> }> {
  const socket = await connectTo(port)
  const answer = JSON.parse(await ask(socket, request, isLine)) as Record<string, unknown>
  if (answer.error !== undefined) throw new Error(JSON.stringify(answer.error))
  return { socket, answer }
}

function announcements (name: string): (count: number) => string {
  const lines = Array.from({ length: FILES_A_NODE }, (_, i) => have(name, `${name}-${i}.bin`))
  let at = 0
  return (count) => {
    let text = ''
    for (let i = 0; i < count; i++) text += lines[at++ % FILES_A_NODE]
    return text
  }
}

function have (name: string, filename: string): string {
  return line({ mode: 'have', name, filename, ...CONTENT })
}

function line (fields: object): string {
  return `${JSON.stringify({ type: 'NodeToTracker', ...fields })}\n`
}

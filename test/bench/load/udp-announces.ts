/** Announces of BitTorrent over UDP (BEP 15). */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { INFO_HASH, PEER_BYTES, peerId, peerPort, PEERS, PEERS_WANTED } from './announces.js'
import { openAll } from './connections.js'
import type { Driver, LoadOptions } from './load.js'

export interface UdpLoad extends LoadOptions {
  kind: 'udp'
}

const PROTOCOL_ID = 0x41727101980n
const CONNECT = 0
const ANNOUNCE = 1
const ANNOUNCE_BYTES = 98
const ANSWER_HEAD_BYTES = 20
const ANSWER_MS = 5_000
/** A datagram that is not answered for so long was lost. */
const LOST_MS = 250

export class UdpAnnounces implements Driver {
  answers = 0
  readonly #load: UdpLoad
  #peers: Array<{ socket: Socket, request: Buffer }> = []

  constructor (load: UdpLoad) {
    this.#load = load
  }

  async prepare (): Promise<void> {
    const { port, connections } = this.#load
    const all = await openAll(Math.max(PEERS, connections), async (peer) => await announce(port, peer))
    this.#peers = all.slice(0, connections)
    for (const peer of this.#peers) {
      const peers = ((await exchange(peer)).length - ANSWER_HEAD_BYTES) / PEER_BYTES
      if (peers !== PEERS_WANTED) throw new Error(`${peers} peers in the answer, not ${PEERS_WANTED}`)
    }
  }

  begin (): void {
    for (const { socket, request } of this.#peers) {
      let answered = 0
      let lastSeen = 0
      const send = (): void => { socket.send(request) }
      socket.on('message', (answer) => {
        if (answer.readUInt32BE(0) !== ANNOUNCE) throw new Error(`the tracker refused: ${answer.toString('latin1', 8)}`)
        answered++
        this.answers++
        send()
      })
      setInterval(() => {
        if (answered === lastSeen) send()
        lastSeen = answered
      }, LOST_MS)
      for (let i = 0; i < this.#load.inFlight; i++) send()
    }
  }
}

/** Says hello and announces once. */
async function announce (port: number, peer: number): Promise<{ socket: Socket, request: Buffer }> {
  const socket = createSocket('udp4')
  socket.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const hello = Buffer.alloc(16)
  hello.writeBigUInt64BE(PROTOCOL_ID)
  hello.writeUInt32BE(CONNECT, 8)
  const connectionId = (await exchange({ socket, request: hello })).subarray(8, 16)

  const request = Buffer.alloc(ANNOUNCE_BYTES)
  connectionId.copy(request)
  request.writeUInt32BE(ANNOUNCE, 8)
  request.write(INFO_HASH, 16, 'hex')
  request.write(peerId(peer), 36, 'latin1')
  // Something is left to fetch: a tracker tells those who have all only of those who have not.
  request.writeBigUInt64BE(1n, 64)
  request.writeUInt32BE(PEERS_WANTED, 92)
  request.writeUInt16BE(peerPort(peer), 96)
  await exchange({ socket, request })
  return { socket, request }
}

async function exchange ({ socket, request }: { socket: Socket, request: Buffer }): Promise<Buffer> {
  const answer = once(socket, 'message', { signal: AbortSignal.timeout(ANSWER_MS) })
  socket.send(request)
  const [message] = await answer as [Buffer]
  if (message.readUInt32BE(0) > ANNOUNCE) throw new Error(`the tracker refused: ${message.toString('latin1', 8)}`)
  return message
}

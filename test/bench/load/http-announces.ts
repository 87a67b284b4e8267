/** Announces of BitTorrent over HTTP: pipelined on connections that stay, or each on one of its own where the tracker closes them. */
import { connect, type Socket } from 'node:net'
import { INFO_HASH, PEER_BYTES, peerId, peerPort, PEERS, PEERS_WANTED } from './announces.js'
import { ask, connectTo, failOnClose, openAll } from './connections.js'
import type { Driver, LoadOptions } from './load.js'
import { Markers } from './markers.js'

export interface HttpLoad extends LoadOptions {
  kind: 'http'
  /** Whether connections stay; if not, `inFlight` has to be 1. */
  keepsAlive: boolean
}

export class HttpAnnounces implements Driver {
  answers = 0
  readonly #load: HttpLoad
  #sockets: Socket[] = []

  constructor (load: HttpLoad) {
    this.#load = load
  }

  async prepare (): Promise<void> {
    const { port, connections, keepsAlive } = this.#load
    await openAll(PEERS, async (peer) => await this.#announce(peer))
    const peers = await this.#announce(0)
    if (peers !== PEERS_WANTED) throw new Error(`${peers} peers in the answer, not ${PEERS_WANTED}`)
    if (keepsAlive) this.#sockets = await openAll(connections, async () => await connectTo(port))
  }

  begin (): void {
    const { connections, inFlight, keepsAlive } = this.#load
    if (!keepsAlive) return Array.from({ length: connections }, (_, i) => request(i)).forEach((text) => this.#announceForEver(text))
    this.#sockets.forEach((socket, i) => {
      const text = request(i)
      const heads = new Markers('HTTP/1.1 200')
      failOnClose(socket)
      socket.on('data', (chunk: Buffer) => {
        const count = heads.count(chunk)
        this.answers += count
        if (count > 0) socket.write(text.repeat(count))
      })
      socket.write(text.repeat(inFlight))
    })
  }

  /** @returns how many peers it was told of */
  async #announce (peer: number): Promise<number> {
    const socket = await connectTo(this.#load.port)
    const answer = await ask(socket, request(peer), (text) => bodyOf(text).length > 0 && bodyOf(text).length >= lengthOf(text))
    socket.destroy()
    const bytes = /5:peers(\d+):/.exec(bodyOf(answer))?.[1]
    if (bytes === undefined) throw new Error(`an announce was answered with ${JSON.stringify(answer)}`)
    return Number(bytes) / PEER_BYTES
  }

  #announceForEver (text: string): void {
    let hasAnswer = false
    const socket = connect({ port: this.#load.port, host: '127.0.0.1', noDelay: true }, () => socket.write(text))
    socket.on('data', () => { hasAnswer = true })
    // It may be reset, if the tracker does not read to the end.
    socket.on('error', () => {})
    socket.once('close', () => {
      if (hasAnswer) this.answers++
      this.#announceForEver(text)
    })
  }
}

function request (peer: number): string {
  const infoHash = INFO_HASH.replace(/../g, '%$&')
  const query = `info_hash=${infoHash}&peer_id=${peerId(peer % PEERS)}&port=${peerPort(peer % PEERS)}&uploaded=0&downloaded=0&left=1&compact=1&numwant=${PEERS_WANTED}`
  return `GET /announce?${query} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`
}

function bodyOf (answer: string): string {
  const end = answer.indexOf('\r\n\r\n')
  return end < 0 ? '' : answer.slice(end + 4)
}

function lengthOf (answer: string): number {
  return Number(/^content-length: *(\d+)/im.exec(answer)?.[1] ?? 0)
}

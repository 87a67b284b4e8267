/** The other side of a connection, in raw bytes, for tests of whatever listens or dials. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type ServerOpts, type Socket } from 'node:net'
import { Worker } from 'node:worker_threads'

/** What a test gives to its helpers: `t` of tap. */
export interface Scope {
  teardown: (clean: () => unknown) => void
}

/** Generous: the machine may be busy. */
export const WAIT_MS = 10_000
export const HOST = '127.0.0.1'
const NEWLINE = 0x0a

/** A client that says what it is told to, and keeps what it hears. */
export class Peer {
  readonly socket: Socket
  /** Joined only when it is looked at: a transfer is many chunks. */
  #heard: Buffer[] = []
  #isOver = false

  static async connect (t: Scope, { host = HOST, port }: { host?: string, port: number }): Promise<Peer> {
    const socket = connect({ host, port, allowHalfOpen: true, noDelay: true })
    t.teardown(() => socket.destroy())
    await once(socket, 'connect', { signal: AbortSignal.timeout(WAIT_MS) })
    return new Peer(socket)
  }

  constructor (socket: Socket) {
    this.socket = socket
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => { this.#heard.push(chunk) })
    socket.once('end', () => { this.#isOver = true })
    socket.once('close', () => { this.#isOver = true })
  }

  send (...messages: Array<string | Uint8Array | object>): void {
    for (const message of messages) {
      this.socket.write(typeof message === 'string' || message instanceof Uint8Array ? message : `${JSON.stringify(message)}\n`)
    }
  }

  /** The next line, without its newline. */
  async line (): Promise<string> {
    while (!this.#join().includes(NEWLINE)) {
      if (this.#isOver) throw new Error(`the connection ended after ${JSON.stringify(this.#join().toString())}`)
      await this.#news()
    }
    const heard = this.#join()
    const newline = heard.indexOf(NEWLINE)
    this.#heard = [heard.subarray(newline + 1)]
    return heard.subarray(0, newline).toString()
  }

  async message (): Promise<Record<string, unknown>> {
    return JSON.parse(await this.line()) as Record<string, unknown>
  }

  async ask (message: object): Promise<Record<string, unknown>> {
    this.send(message)
    return await this.message()
  }

  /** The next so many bytes. */
  async bytes (length: number): Promise<Buffer> {
    const heardBytes = (): number => this.#heard.reduce((sum, chunk) => sum + chunk.length, 0)
    while (heardBytes() < length) {
      if (this.#isOver) throw new Error(`the connection ended after ${heardBytes()} of ${length} bytes`)
      await this.#news()
    }
    const heard = this.#join()
    this.#heard = [heard.subarray(length)]
    return heard.subarray(0, length)
  }

  /** All that comes until the other side ends or loses the connection. */
  async rest (): Promise<Buffer> {
    while (!this.#isOver) await this.#news()
    return this.#join()
  }

  /** Every message up to the end. */
  async messages (): Promise<Array<Record<string, unknown>>> {
    return (await this.rest()).toString().split('\n').filter(Boolean).map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  #join (): Buffer {
    const heard = Buffer.concat(this.#heard)
    this.#heard = [heard]
    return heard
  }

  async #news (): Promise<void> {
    const events = ['data', 'end', 'close']
    // By hand: of a transfer this waits for every chunk.
    await new Promise<void>((resolve, reject) => {
      const settle = (finish: () => void) => (): void => {
        clearTimeout(timer)
        for (const event of events) this.socket.off(event, onNews)
        finish()
      }
      const timer = setTimeout(settle(() => reject(new Error('nothing came'))), WAIT_MS)
      const onNews = settle(resolve)
      for (const event of events) this.socket.once(event, onNews)
    })
  }
}

/** Unlike `once`, which fails at an error: a reset closes a socket as well as anything. */
export async function closed (socket: Socket): Promise<void> {
  socket.on('error', () => {})
  if (socket.closed) return
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the socket did not close')), WAIT_MS)
    socket.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

/** A server of the test's own on a free port of the loopback. */
export async function listen (t: Scope, onSocket: (socket: Socket) => void, options: ServerOpts = {}): Promise<{ host: string, port: number, server: Server }> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true, ...options }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onSocket(socket)
  })
  server.listen(0, HOST)
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { host: HOST, port: (server.address() as AddressInfo).port, server }
}

/** A server that hands out its connections as peers, in the order they come. */
export async function listenForPeers (t: Scope): Promise<{ host: string, port: number, next: () => Promise<Peer> }> {
  const arrived: Peer[] = []
  const { host, port, server } = await listen(t, (socket) => { arrived.push(new Peer(socket)) })
  const next = async (): Promise<Peer> => {
    for (;;) {
      const peer = arrived.shift()
      if (peer) return peer
      await once(server, 'connection', { signal: AbortSignal.timeout(WAIT_MS) })
    }
  }
  return { host, port, next }
}

/** A port of the loopback where nobody listens any more. */
export async function deadPort (): Promise<number> {
  const server = createServer()
  server.listen(0, HOST)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/**
 * A port of the loopback that does not answer at all, like a host behind a cut cable: it belongs
 * to a thread that never accepts, and its queue is full, so that the kernel drops what comes.
 */
export async function silentPort (t: Scope): Promise<number> {
  const worker = new Worker(`
    const { parentPort } = require('node:worker_threads')
    const server = require('node:net').createServer().listen({ host: '${HOST}', port: 0, backlog: 1 }, () => {
      parentPort.postMessage(server.address().port)
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
    })
  `, { eval: true, execArgv: [], env: {} })
  t.teardown(async () => await worker.terminate())
  const [port] = await once(worker, 'message', { signal: AbortSignal.timeout(WAIT_MS) }) as [number]
  // The first few still get into the queue; the one that hangs tells that it is full.
  for (;;) {
    const socket = connect({ host: HOST, port })
    socket.on('error', () => {})
    t.teardown(() => socket.destroy())
    const isIn = await once(socket, 'connect', { signal: AbortSignal.timeout(300) }).then(() => true, () => false)
    if (!isIn) return port
  }
}

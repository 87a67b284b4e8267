/** A node's end of its control socket: whoever may open it may command the node, as on standard input. */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { rm } from 'node:fs/promises'
import { once } from 'node:events'
import { pipeline, Writable } from 'node:stream'
import { PiecemealError, systemCode, toErrorData, toPiecemealError } from '../protocol/errors.js'
import { LineGuard, splitLines, type Line } from '../protocol/framing.js'
import { CONTROL_CONNECTIONS, DEADLINES, REQUEST_LINE_BYTES } from '../protocol/limits.js'
import { encodeLine } from '../protocol/line.js'
import { quote } from '../protocol/names.js'
import { CONTROL, parseHello, parseRequest } from './messages.js'
import { makeSocketFolder, protectSocket } from './sockets.js'

/** What Linux takes; a longer one is cut off without a word. */
const MOST_PATH_BYTES = 107

export interface ControlServerOptions {
  path: string
  /** Of the program. */
  version: string
  /** @param tell an event of the answer @returns the exit status */
  obey: (command: readonly string[], tell: (event: object) => void) => Promise<number>
  /** Runs `work` while nobody else looks whether the socket at that path is in use. */
  locked: <T>(path: string, work: () => Promise<T>) => Promise<T>
}

export class ControlServer {
  readonly #options: ControlServerOptions
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  #isClosed = false

  constructor (options: ControlServerOptions) {
    this.#options = options
    this.#server = createServer((socket) => this.#serve(socket))
    this.#server.maxConnections = CONTROL_CONNECTIONS
    this.#server.on('error', () => {})
  }

  /** One that a crash has left is taken over. @throws E_NAME_TAKEN if a node answers there; E_FORBIDDEN, E_IO. */
  async listen (): Promise<void> {
    const { path, locked } = this.#options
    if (Buffer.byteLength(path) > MOST_PATH_BYTES) throw new PiecemealError('E_USAGE', `the path of the control socket ${quote(path)} is longer than the ${MOST_PATH_BYTES} bytes that the system takes`)
    await makeSocketFolder(path)
    await locked(`${path}.lock`, async () => {
      if (await answers(path)) throw new PiecemealError('E_NAME_TAKEN', `a node answers at ${quote(path)} already`)
      await rm(path, { force: true })
      try {
        this.#server.listen(path)
        await once(this.#server, 'listening')
        await protectSocket(path)
      } catch (cause) {
        throw new PiecemealError('E_IO', `cannot listen on the control socket ${quote(path)}: ${systemCode(cause) ?? String(cause)}`, { cause })
      }
    })
  }

  /** Safe to call twice. */
  async close (): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const socket of this.#sockets) socket.destroySoon()
    if (!this.#server.listening) return
    // Node removes the file with it.
    await new Promise<void>((resolve) => { this.#server.close(() => resolve()) })
  }

  #serve (socket: Socket): void {
    const send = (message: object): void => { if (socket.writable) socket.write(encodeLine(message)) }
    let hasGreeted = false
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    const late = setTimeout(() => socket.destroy(), DEADLINES.firstLineMs)
    const guard = new LineGuard(REQUEST_LINE_BYTES)
    const refuse = (error: unknown): void => {
      send({ event: 'failed', ...toErrorData(error) })
      socket.end()
    }
    const take = (line: Line): void => {
      try {
        if (line.fault) throw line.fault
        if (hasGreeted) return this.#answer(line.value, send)
        clearTimeout(late)
        parseHello(line.value)
        hasGreeted = true
      } catch (error) {
        refuse(error)
      }
    }
    send({ piecemeal: this.#options.version, control: CONTROL })
    const sink = new Writable({
      objectMode: true,
      write (line: Line, _encoding, done) {
        take(line)
        done()
      },
      final (done) {
        if (guard.fault) refuse(guard.fault)
        done()
      },
    })
    pipeline(socket, guard, splitLines(), sink, () => clearTimeout(late))
  }

  #answer (value: Record<string, unknown>, send: (message: object) => void): void {
    const { id, command } = parseRequest(value)
    this.#options.obey(command, (event) => send({ id, ...event })).catch((error: unknown) => {
      send({ id, event: 'failed', ...toErrorData(error) })
      return toPiecemealError(error).exitStatus
    }).then((status) => send({ id, event: 'done', status }), () => {})
  }
}

async function answers (path: string): Promise<boolean> {
  const socket = connect(path)
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(DEADLINES.connectMs) })
    return true
  } catch (error) {
    return !['ENOENT', 'ECONNREFUSED', 'ENOTSOCK'].includes(systemCode(error) ?? '')
  } finally {
    socket.destroy()
  }
}

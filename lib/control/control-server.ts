/** A node's end of its control socket: whoever may open it may command the node, as on standard input. */
import { connect, createServer, type Server, type Socket } from 'node:net'
import { lstat, rm } from 'node:fs/promises'
import { once } from 'node:events'
import { pipeline, Writable } from 'node:stream'
import { PiecemealError, systemCode, toErrorData, toPiecemealError } from '../protocol/errors.js'
import { LineGuard, splitLines, type Line } from '../protocol/framing.js'
import { CONTROL_CONNECTIONS, DEADLINES, REQUEST_LINE_BYTES } from '../protocol/limits.js'
import { encodeLine } from '../protocol/line.js'
import { quote } from '../protocol/names.js'
import { CONTROL, parseHello, parseRequest } from './messages.js'
import { makeSocketFolder, protectSocket } from './sockets.js'

/** How often it looks whether its file is still there: a user's folder of sockets goes when he logs out. */
const LOOK_MS = 5_000
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
  /** @default 5 s */
  lookMs?: number
}

export class ControlServer {
  readonly #options: ControlServerOptions
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined
  /** Of its file: device and inode. */
  #file: string | undefined
  #timer: NodeJS.Timeout | undefined
  #opening: Promise<void> | undefined
  #isClosed = false

  constructor (options: ControlServerOptions) {
    this.#options = options
  }

  /** One that a crash has left is taken over; one that is removed meanwhile is made again. @throws E_NAME_TAKEN if a node answers there; E_FORBIDDEN, E_IO. */
  async listen (): Promise<void> {
    const { path } = this.#options
    if (Buffer.byteLength(path) > MOST_PATH_BYTES) throw new PiecemealError('E_USAGE', `the path of the control socket ${quote(path)} is longer than the ${MOST_PATH_BYTES} bytes that the system takes`)
    await this.#open()
    this.#lookLater()
  }

  async #open (): Promise<void> {
    const { path, locked } = this.#options
    await makeSocketFolder(path)
    await locked(`${path}.lock`, async () => {
      if (await answers(path)) throw new PiecemealError('E_NAME_TAKEN', `a node answers at ${quote(path)} already`)
      await rm(path, { force: true })
      // Node removes what is at the path of one that it closes: before another one is there.
      this.#server?.close()
      const server = this.#server = createServer((socket) => this.#serve(socket))
      server.maxConnections = CONTROL_CONNECTIONS
      try {
        server.listen(path)
        await once(server, 'listening')
        server.on('error', () => {})
        await protectSocket(path)
        this.#file = await fileAt(path)
      } catch (cause) {
        throw new PiecemealError('E_IO', `cannot listen on the control socket ${quote(path)}: ${systemCode(cause) ?? String(cause)}`, { cause })
      }
    })
  }

  #lookLater (): void {
    this.#timer = setTimeout(() => { void this.#look() }, this.#options.lookMs ?? LOOK_MS).unref()
  }

  async #look (): Promise<void> {
    // Where it can't be made, or another node answers, it may be later.
    if (await fileAt(this.#options.path) !== this.#file && !this.#isClosed) this.#opening = this.#open().catch(() => {})
    await this.#opening
    if (!this.#isClosed) this.#lookLater()
  }

  /** Safe to call twice. */
  async close (): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    clearTimeout(this.#timer)
    await this.#opening
    for (const socket of this.#sockets) socket.destroySoon()
    const server = this.#server
    if (server?.listening !== true) return
    // Node removes the file with it.
    await new Promise<void>((resolve) => { server.close(() => resolve()) })
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

async function fileAt (path: string): Promise<string | undefined> {
  return await lstat(path).then(({ dev, ino }) => `${dev}:${ino}`, () => undefined)
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

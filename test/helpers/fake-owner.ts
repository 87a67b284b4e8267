/**
 * An owner that speaks the wire protocol by hand, and as badly as a test wants it to: announces
 * itself at a tracker, answers `SizeInformation` on one port and `FileCommunication` on another.
 * Files are small: they are in memory.
 */
import { EventEmitter, once } from 'node:events'
import type { Socket } from 'node:net'
import { createInterface, type Interface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { contentOf } from '../../lib/content/digest.js'
import { dial } from '../../lib/net/dial.js'
import { Listener } from '../../lib/net/listener.js'
import { credentialsFor, type Purpose, type Secret } from '../../lib/secret/keys.js'
import type { Scope } from './command.js'

/** What it does to whoever asks. May be changed at any time; counts are of what is still to come. */
export interface Behaviour {
  /** Bytes of one write. @default 65536 */
  chunkBytes?: number
  /** Before each chunk: a slow owner. */
  chunkDelayMs?: number
  /** After so many bytes of a range it stops: closes its side, resets, or says no more until `resume()`. */
  stopAfter?: { bytes: number, how: 'end' | 'destroy' | 'stall', times?: number }
  /** The byte of the file that it never sends: a range says no more where it comes to it. */
  withheldAt?: number
  /** Instead it closes its side there. */
  withheldHow?: 'end'
  /** The byte of the file that is sent wrong. */
  corruptAt?: number
  /** More bytes than the range has. */
  extraBytes?: number
  /** So many ranges are refused with `E_BUSY` first. */
  busyTimes?: number
  /** Every range is refused with this. */
  refusal?: { code: string, message: string }
  /** Sent in the place of the header line, as it is. Nothing follows if `headerOnly`. */
  header?: string | Uint8Array
  headerOnly?: boolean
  /** The header line goes out byte by byte. */
  splitHeader?: boolean
  /** In the place of the piece list. */
  pieces?: Uint8Array
  /** Makes another answer of the honest one to `SizeInformation`; a string is sent as it is. */
  sizeAnswer?: (answer: Record<string, unknown>) => object | string
  /** Says nothing on the input port. */
  sizeStall?: boolean
}

export interface FakeFile {
  filename: string
  data: Buffer
  size: number
  digest: string
  pieceLength: number
  pieces: Buffer
}

export interface FakeOwnerOptions {
  name: string
  tracker: { host: string, port: number }
  behaviour?: Behaviour
  /** Of the network. */
  secret?: Secret | undefined
}

export interface RangeRequest {
  filename: string
  digest: string
  start: number
  end: number
}

export interface FakeOwnerEvents {
  /** A range was asked for. */
  request: [RangeRequest]
  /** `stopAfter` came true for a range. */
  stopped: [RangeRequest]
  /** Every byte of a range was handed to the system. */
  sent: [RangeRequest]
  /** `resume()` was called. */
  resumed: []
}

const CHUNK_BYTES = 65_536
/** As long as a test may take; well under what the protocol asks for. */
const BEAT_MS = 15_000

export class FakeOwner extends EventEmitter<FakeOwnerEvents> {
  readonly name: string
  readonly behaviour: Behaviour
  /** All ranges that were asked for so far. */
  readonly requests: RangeRequest[] = []
  readonly #files = new Map<string, FakeFile>()
  readonly #closing = new AbortController()
  readonly #listeners: Listener[] = []
  readonly #secret: Secret | undefined
  #tracker: TrackerLine | undefined
  inputPort = 0
  outputPort = 0

  static async start (t: Scope, { name, tracker, behaviour = {}, secret }: FakeOwnerOptions): Promise<FakeOwner> {
    const owner = new FakeOwner(name, behaviour, secret)
    t.teardown(() => owner.close())
    await owner.#start(tracker)
    return owner
  }

  private constructor (name: string, behaviour: Behaviour, secret: Secret | undefined) {
    super()
    // Every range that stalls waits for the same event.
    this.setMaxListeners(0)
    this.name = name
    // A copy, counts included: the next owner of a row begins anew.
    this.behaviour = { ...behaviour, ...(behaviour.stopAfter && { stopAfter: { ...behaviour.stopAfter } }) }
    this.#secret = secret
  }

  async #start (tracker: { host: string, port: number }): Promise<void> {
    this.inputPort = await this.#listen('control', (socket) => this.#serveSizes(socket))
    this.outputPort = await this.#listen('data', (socket) => { this.#serveRange(socket).catch(() => socket.destroy()) })
    this.#tracker = await TrackerLine.connect(this.name, tracker, this.#secret)
  }

  /** Announces a content under a name; `claims` are told to the tracker in the place of the truth. */
  async share (filename: string, data: Buffer, claims: object = {}): Promise<FakeFile> {
    const file = { filename, data, ...contentOf(data) }
    this.#files.set(filename, file)
    const { size, digest, pieceLength } = file
    const { inputPort, outputPort } = this
    await this.#trackerLine().request('have', { filename, size, digest, pieceLength, inputPort, outputPort, ...claims })
    return file
  }

  /** Tells the tracker that it no longer shares a file. */
  async withdraw (filename: string): Promise<void> {
    await this.#trackerLine().request('exit', { filename })
  }

  /** Lets go of the ranges that stall; those that come after it are not held up either, unless that is set anew. */
  resume (): void {
    delete this.behaviour.stopAfter
    delete this.behaviour.withheldAt
    this.emit('resumed')
  }

  /** As if killed: every connection is gone, the tracker's too. Safe to call twice. */
  close (): void {
    this.#closing.abort()
    this.#tracker?.close()
    for (const listener of this.#listeners) void listener.close()
  }

  #trackerLine (): TrackerLine {
    if (this.#tracker === undefined) throw new Error(`${this.name} has no tracker`)
    return this.#tracker
  }

  async #listen (purpose: Purpose, onConnection: (socket: Socket) => void): Promise<number> {
    // As many as come: it is not the listener that is tested here.
    const listener = new Listener({ onConnection, credentials: this.#secret && credentialsFor(purpose, this.#secret), maxUnknownPerAddress: Infinity })
    this.#listeners.push(listener)
    const { port } = await listener.listen({ host: '127.0.0.1', port: 0 })
    return port
  }

  #serveSizes (socket: Socket): void {
    const lines = linesOf(socket)
    lines.on('line', (line) => {
      const { sizeStall, sizeAnswer } = this.behaviour
      if (sizeStall) return
      const file = this.#files.get((JSON.parse(line) as { filename: string }).filename)
      const honest = file ? this.#sizeAnswer(file) : { type: 'SizeInformation', error: { code: 'E_NOT_SHARED', message: 'not shared' } }
      const answer = sizeAnswer ? sizeAnswer(honest) : honest
      socket.write(typeof answer === 'string' ? answer : `${JSON.stringify(answer)}\n`)
    })
    lines.once('close', () => socket.end())
  }

  #sizeAnswer ({ filename, digest, size, pieceLength, pieces }: FakeFile): Record<string, unknown> {
    const list = Buffer.from(this.behaviour.pieces ?? pieces)
    return { type: 'SizeInformation', filename, digest, size, pieceLength, pieces: list.toString('base64') }
  }

  async #serveRange (socket: Socket): Promise<void> {
    const [line] = await once(linesOf(socket), 'line') as [string]
    const { filename, digest, range: [start, end] } = JSON.parse(line) as { filename: string, digest: string, range: [number, number] }
    const request = { filename, digest, start, end }
    this.requests.push(request)
    this.emit('request', request)

    const refusal = this.#refusal(filename)
    if (refusal) {
      socket.end(`${JSON.stringify({ type: 'FileCommunication', error: refusal })}\n`)
      return
    }
    const { header, headerOnly, splitHeader } = this.behaviour
    const headerBytes = Buffer.from(header ?? `${JSON.stringify({ type: 'FileCommunication', filename, digest, range: [start, end] })}\n`)
    // Each write is handed to the system before the next: with Nagle's algorithm off they leave one by one.
    for (const piece of splitHeader ? Array.from(headerBytes, (byte) => Buffer.of(byte)) : [headerBytes]) await write(socket, piece)
    if (headerOnly) return
    await this.#sendData(socket, request)
  }

  #refusal (filename: string): { code: string, message: string } | undefined {
    const { refusal, busyTimes = 0 } = this.behaviour
    if (refusal) return refusal
    if (!this.#files.has(filename)) return { code: 'E_NOT_SHARED', message: 'not shared' }
    if (busyTimes === 0) return undefined
    this.behaviour.busyTimes = busyTimes - 1
    return { code: 'E_BUSY', message: 'no free upload slot' }
  }

  async #sendData (socket: Socket, request: RangeRequest): Promise<void> {
    const data = this.#dataOf(request)
    const { chunkBytes = CHUNK_BYTES, chunkDelayMs = 0 } = this.behaviour
    const stop = this.#takeStop(request)
    for (let at = 0; at < data.length;) {
      const end = Math.min(at + chunkBytes, data.length, stop && at < stop.bytes ? stop.bytes : Infinity)
      if (stop && at === stop.bytes && !await this.#stop(socket, request, stop.how)) return
      if (chunkDelayMs > 0) await pause(chunkDelayMs, undefined, { signal: this.#closing.signal })
      await write(socket, data.subarray(at, end))
      at = end
    }
    if (stop && data.length <= stop.bytes && !await this.#stop(socket, request, stop.how)) return
    this.emit('sent', request)
    socket.end()
  }

  #dataOf ({ filename, start, end }: RangeRequest): Buffer {
    const { corruptAt = -1, extraBytes = 0 } = this.behaviour
    const data = Buffer.from(this.#files.get(filename)?.data.subarray(start, end) ?? [])
    if (corruptAt >= start && corruptAt < end) data[corruptAt - start] = ~(data[corruptAt - start] ?? 0) & 0xff
    return extraBytes > 0 ? Buffer.concat([data, Buffer.alloc(extraBytes, 0x2b)]) : data
  }

  #takeStop ({ start, end }: RangeRequest): Behaviour['stopAfter'] {
    const { stopAfter: stop, withheldAt = -1, withheldHow = 'stall' } = this.behaviour
    if (withheldAt >= start && withheldAt < end) return { bytes: withheldAt - start, how: withheldHow }
    if (stop?.times === undefined) return stop
    if (stop.times === 0) return undefined
    stop.times--
    return stop
  }

  /** Whether there is more to send after all. */
  async #stop (socket: Socket, request: RangeRequest, how: 'end' | 'destroy' | 'stall'): Promise<boolean> {
    const resumed = how === 'stall' ? once(this, 'resumed', { signal: this.#closing.signal }) : undefined
    this.emit('stopped', request)
    if (how === 'end') socket.end()
    else if (how === 'destroy') socket.resetAndDestroy()
    else await resumed
    return how === 'stall'
  }
}

/** A connection to a tracker, which is a presence there. */
export class TrackerLine {
  readonly #name: string
  readonly #socket: Socket
  readonly #replies: Array<(reply: Reply) => void> = []
  readonly #beat: NodeJS.Timeout

  static async connect (name: string, { host, port }: { host: string, port: number }, secret?: Secret): Promise<TrackerLine> {
    const socket = await dial({ host, port, credentials: secret && { ...credentialsFor('control', secret), name } })
    const line = new TrackerLine(name, socket)
    await line.request('alive')
    return line
  }

  private constructor (name: string, socket: Socket) {
    this.#name = name
    this.#socket = socket
    socket.on('error', () => {})
    createInterface({ input: socket }).on('line', (line) => this.#replies.shift()?.(JSON.parse(line) as Reply))
    this.#beat = setInterval(() => { this.request('alive').catch(() => {}) }, BEAT_MS).unref()
    socket.once('close', () => {
      clearInterval(this.#beat)
      for (const reply of this.#replies.splice(0)) reply({ error: { code: 'E_NETWORK', message: 'the tracker closed the connection' } })
    })
  }

  /** @throws what the tracker refuses with. */
  async request (mode: string, fields: object = {}): Promise<Reply> {
    const reply = await new Promise<Reply>((resolve) => {
      this.#replies.push(resolve)
      this.#socket.write(`${JSON.stringify({ type: 'NodeToTracker', mode, name: this.#name, ...fields })}\n`)
    })
    if (reply.error) throw Object.assign(new Error(reply.error.message), { code: reply.error.code })
    return reply
  }

  close (): void {
    this.#socket.destroy()
  }
}

export interface Reply {
  error?: { code: string, message: string }
  [field: string]: unknown
}

async function write (socket: Socket, bytes: Uint8Array): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    socket.write(bytes, (error) => {
      if (error) reject(error)
      else resolve()
    })
  })
}

/** Readline passes the socket's errors on; a downloader that hangs up is none. */
function linesOf (socket: Socket): Interface {
  return createInterface({ input: socket }).on('error', () => {})
}

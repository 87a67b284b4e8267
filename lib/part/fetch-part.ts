/**
 * Fetches one part: dial the owner, or take a connection that was kept, ask for the range, write and check each piece as it passes.
 *
 * Runs in a worker thread that does nothing else meanwhile but, at most, fetch other small parts, so
 * its file calls are synchronous: what has come is hashed and written before more is taken in, and
 * no byte leaves the thread.
 *
 * Longer than 250 lines because a part is one state, which bytes, the clock and the end of a
 * connection all change.
 */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { threadId } from 'node:worker_threads'
import { RunLayout } from '../content/layout.js'
import { PieceChecker } from '../content/piece-checker.js'
import { connectFailure, withEachKey, type Greeting } from '../net/open-socket.js'
import { RateLimit } from '../threads/rate-limit.js'
import { formatAddress } from '../protocol/address.js'
import { protocolError } from '../protocol/check.js'
import type { ByteRange } from '../protocol/content.js'
import { PiecemealError, systemCode, toPiecemealError } from '../protocol/errors.js'
import { fileCommunication, parseFileCommunication } from '../protocol/file-communication.js'
import { REPLY_LINE_BYTES } from '../protocol/limits.js'
import { decodeLineBytes, encodeLine } from '../protocol/line.js'
import { quote } from '../protocol/names.js'
import { isAlert } from '../protocol/tls-record.js'
import { inSeconds } from '../protocol/units.js'
import { callFiles, letGo, takeInHand } from '../threads/file-calls.js'
import { PartControl } from '../threads/part-control.js'
import { keep, openConnection, takeKept, type OwnerConnection } from './kept-connections.js'
import { FileWriter, writerOf, type PartWriter } from './part-writer.js'
import type { PartTask, WholeFile } from './part-task.js'
import { Silence } from './silence.js'
import { SocketReader } from './socket-reader.js'
import { dropOldName, giveName } from '../disk/give-name.js'
import { takeUntold } from '../disk/untold-file.js'

const NEWLINE = 0x0a
/** How often a part looks at the clock and whether it is still wanted. */
const WATCH_MS = 100
/** Owners of an older version: they know no several ranges, and would send all that is between them as well. */
const rangeByRange = new Set<string>()
const MOST_OLD_OWNERS = 1_000

/**
 * @returns the file, if the part is all of it
 * @throws E_NETWORK, E_AUTH, E_TIMEOUT, E_PROTOCOL, E_DIGEST, E_DISK_FULL, E_IO, E_EXISTS, E_INTERRUPTED, or what the owner refused with.
 */
export async function fetchPart (task: PartTask): Promise<WholeFile | undefined> {
  const control = new PartControl(task.control)
  control.threadId = threadId
  takeInHand(control)
  try {
    const writer = callFiles(() => writerOf(task))
    try {
      return await withEachKey(task.credentials, async (greeting) => await new PartFetch(task, writer).run(greeting))
    } finally {
      callFiles(() => writer.close())
    }
  } finally {
    letGo(control)
  }
}

class PartFetch {
  readonly #task: PartTask
  readonly #where: string
  readonly #layout: RunLayout
  /** What the owner is asked for now, which is all of the part unless it knows no several ranges. */
  #asked: readonly ByteRange[] = []
  /** How much of the part is there when that is. */
  #askedEnd = 0
  readonly #writer: PartWriter
  readonly #control: PartControl
  readonly #checker: PieceChecker
  readonly #down: RateLimit
  /** What has come of the header line; undefined once it is whole. */
  #header: Buffer | undefined = Buffer.alloc(0)
  #written = 0
  #whole: WholeFile | undefined
  /** Whether the owner waits for another request when it has sent all of the range. */
  #isMore = false
  /** Whether it has, and nothing else. */
  #isKept = false
  #reader: SocketReader | undefined
  readonly #silence: Silence
  #settle: (error?: PiecemealError) => void = () => {}
  #isSettled = false
  #socket: Socket | undefined
  /** While the node's own limit keeps the socket from being read: that limit, and what ends it. */
  #pause: { bytesPerSecond: number | undefined, timer: NodeJS.Timeout } | undefined

  constructor (task: PartTask, writer: PartWriter) {
    this.#task = task
    this.#where = formatAddress(task.owner)
    this.#layout = new RunLayout(task.offsets, task.firstPiece)
    this.#writer = writer
    this.#control = new PartControl(task.control)
    this.#down = new RateLimit(task.down)
    this.#silence = new Silence({ deadlines: task.deadlines, lookMs: WATCH_MS })
    this.#checker = new PieceChecker(task, task.pieces && Buffer.from(task.pieces.buffer, task.pieces.byteOffset, task.pieces.byteLength), task.firstPiece, this.#layout)
  }

  async run (greeting: Greeting | undefined): Promise<WholeFile | undefined> {
    const { ranges } = this.#task
    if (ranges.length > 1 && !rangeByRange.has(this.#where)) {
      try {
        return await this.#ask(greeting, ranges)
      } catch (error) {
        if (this.#written > 0 || !rangeByRange.has(this.#where)) throw error
      }
    }
    for (const range of ranges) {
      if (this.#control.isCancelled) throw cancelled()
      if (this.#checker.piece < this.#control.stopPiece) await this.#ask(greeting, [range])
    }
    return this.#whole
  }

  async #ask (greeting: Greeting | undefined, ranges: readonly ByteRange[]): Promise<WholeFile | undefined> {
    const { owner } = this.#task
    this.#asked = ranges
    this.#askedEnd = this.#written + ranges.reduce((bytes, { start, end }) => bytes + end - start, 0)
    this.#header = Buffer.alloc(0)
    this.#isKept = false
    this.#silence.enter('connecting')
    const kept = takeKept(owner, greeting)
    if (kept) {
      try {
        return await this.#runOn(kept)
      } catch (error) {
        if (!this.#isUnanswered(error)) throw error
        this.#silence.enter('connecting')
      }
    }
    return await this.#runOn(openConnection(owner, greeting, new SocketReader(greeting !== undefined)))
  }

  async #runOn (connection: OwnerConnection): Promise<WholeFile | undefined> {
    const { socket, ready, reader } = connection
    this.#reader = reader
    this.#socket = socket
    this.#isSettled = false
    reader.taker = {
      portion: (bytes) => this.#down.portion(bytes),
      isWaitingForMore: (gathered) => this.#header === undefined && gathered < this.#askedEnd - this.#written,
      onBytes: (bytes) => this.#receive(bytes),
      readsOn: (bytes) => !this.#isSettled && this.#isWithinRate(bytes),
    }
    const listeners = {
      error: (cause: Error) => this.#settle(this.#silence.phase === 'connecting'
        ? connectFailure(this.#where, cause)
        : this.#brokenOff(new PiecemealError('E_NETWORK', `${this.#where}: ${systemCode(cause) ?? cause.message}`, { cause }))),
      end: () => this.#settle(this.#brokenOff(this.#endedEarly)),
      close: () => this.#settle(this.#brokenOff(new PiecemealError('E_NETWORK', `the connection to ${this.#where} was lost`))),
    }
    const startMs = performance.now()
    const watch = setInterval(() => this.#look(), WATCH_MS)
    try {
      await new Promise<void>((resolve, reject) => {
        this.#settle = (error) => {
          if (error) reader.flush()
          if (this.#isSettled) return
          this.#isSettled = true
          this.#isKept &&= error === undefined
          if (!this.#isKept) socket.destroy()
          if (error) reject(error)
          else resolve()
        }
        for (const [event, listener] of Object.entries(listeners)) socket.on(event, listener)
        if (ready) {
          socket.once('connect', () => { this.#control.roundTripMs = Math.round(performance.now() - startMs) })
          socket.on(ready, () => this.#send(socket))
        } else {
          this.#send(socket.resume())
        }
      })
    } finally {
      clearInterval(watch)
      clearTimeout(this.#pause?.timer)
      // What a task leaves open nobody else closes.
      if (!this.#isKept && !socket.closed) await once(socket, 'close')
      for (const [event, listener] of Object.entries(listeners)) socket.off(event, listener)
      reader.taker = undefined
      if (this.#isKept) keep(connection)
    }
    return this.#whole
  }

  /** From the first byte to the last; and the ranges, where they are more than one. */
  get #request (): { range: ByteRange, ranges?: ByteRange[] } {
    const range = { start: this.#asked[0]?.start ?? 0, end: this.#asked.at(-1)?.end ?? 0 }
    return this.#asked.length > 1 ? { range, ranges: [...this.#asked] } : { range }
  }

  /** Whether a connection that was kept had been closed before it could be asked anything. */
  #isUnanswered (error: unknown): boolean {
    return this.#silence.phase === 'waiting' && this.#header?.length === 0 && error instanceof PiecemealError && error.code === 'E_NETWORK'
  }

  /** A forwarder whose owner is away accepts the connection and closes it without a word: that is no breach of the contract. */
  get #endedEarly (): PiecemealError {
    return this.#silence.phase === 'receiving' || this.#header === undefined || this.#header.length > 0
      ? protocolError(`${this.#where} ended the stream before the range was complete`)
      : new PiecemealError('E_NETWORK', `${this.#where} ended the connection without an answer`)
  }

  #send (socket: Socket): void {
    this.#silence.enter('waiting')
    const { filename, digest, of, name, isPatient: patient } = this.#task
    socket.write(encodeLine(fileCommunication({ filename, digest, ...this.#request, ...(of && { of }), name, patient, more: true })))
  }

  #receive (chunk: Buffer): void {
    if (this.#isSettled) return
    try {
      const data = this.#header === undefined ? chunk : this.#takeHeader(this.#header, chunk)
      if (data.length > 0) this.#takeData(data)
    } catch (error) {
      this.#settle(toPiecemealError(error))
    }
  }

  /** What follows the header line in this chunk, if the line ends in it. */
  #takeHeader (header: Buffer, chunk: Buffer): Buffer {
    const newline = chunk.indexOf(NEWLINE)
    const end = newline < 0 ? chunk.length : newline
    const line = Buffer.concat([header, chunk.subarray(0, end)])
    if (line.length > REPLY_LINE_BYTES) throw protocolError(`${this.#where} sent a header line of more than ${REPLY_LINE_BYTES} bytes`)
    if (newline < 0) {
      this.#header = line
      return chunk.subarray(end)
    }
    this.#header = undefined
    if (isAlert(line.toString())) throw new PiecemealError('E_AUTH', `${this.#where} wants a secret`)
    const { filename, digest, of, range, ranges, more = false } = parseFileCommunication(decodeLineBytes(line))
    const asked = this.#request
    const isAsAsked = filename === this.#task.filename && digest === this.#task.digest && of === this.#task.of && isDeepStrictEqual(range, asked.range)
    if (isAsAsked && asked.ranges && ranges === undefined) {
      if (rangeByRange.size === MOST_OLD_OWNERS) rangeByRange.clear()
      rangeByRange.add(this.#where)
    }
    if (!isAsAsked || !isDeepStrictEqual(ranges, asked.ranges)) throw protocolError(`${this.#where} sent another range than it was asked for`)
    this.#isMore = more
    this.#silence.enter('receiving')
    return chunk.subarray(newline + 1)
  }

  #takeData (chunk: Buffer): void {
    this.#silence.enter('receiving')
    const missing = this.#askedEnd - this.#written
    const data = chunk.subarray(0, this.#claim(chunk.length))
    if (data.length === 0) return this.#settle()
    this.#isKept = this.#isMore && chunk.length === missing && data.length === missing
    callFiles(() => this.#writer.write(data, this.#written))
    this.#written += data.length
    this.#control.receivedBytes = this.#written
    for (let at = 0; at < data.length;) {
      const bytes = data.subarray(at, at + this.#checker.leftInPiece)
      const verdict = this.#checker.take(bytes)
      at += bytes.length
      if (verdict === 'more') continue
      if (verdict === 'bad') {
        throw new PiecemealError('E_DIGEST', `${this.#where} sent wrong bytes for piece ${this.#checker.piece} of ${quote(this.#task.filename)}`)
      }
      callFiles(() => this.#completeFile())
      // A whole file counts once the thread's answer has come: if the thread dies before, it is fetched again.
      if (this.#whole === undefined) this.#control.verifiedPiece = this.#checker.piece
      if (this.#checker.piece >= this.#control.stopPiece) return this.#settle()
    }
    if (this.#written === this.#askedEnd) this.#settle()
  }

  /** @returns how many of so many bytes are to be written: others may write what comes after the piece where it is to stop */
  #claim (bytes: number): number {
    const start = this.#layout.offsetOf(this.#task.firstPiece)
    const end = start + Math.min(this.#written + bytes, this.#askedEnd)
    const stopPiece = this.#control.claim(this.#layout.pieceAt(end - 1) + 1)
    return Math.max(0, Math.min(end, this.#layout.offsetOf(stopPiece)) - start - this.#written)
  }

  /** The only piece of a content is its file: it is finished here, where it is open and may be waited for. */
  #completeFile (): void {
    const { path, target, filename, naming, isExecutable, untold = [] } = this.#task
    const { digest: pieces } = this.#checker
    const writer = this.#writer
    if (target === undefined || pieces === undefined || !(writer instanceof FileWriter)) return
    writer.sync()
    const file = writer.identity
    this.#control.setFile(file)
    const named = takeUntold(target, file.size, untold, naming)
    if (named === undefined) giveName({ from: path, to: target, filename, naming, isExecutable })
    dropOldName(path)
    this.#whole = { pieces, identity: named ?? writer.identity }
  }

  /** An owner gives a stream up that takes nothing. If this thread had stood still, that is not the owner's fault. */
  #brokenOff (error: PiecemealError): PiecemealError {
    this.#silence.look()
    const { longStillMs } = this.#silence
    if (longStillMs === undefined) return error
    return new PiecemealError('E_INTERRUPTED', `${error.message}; this machine had stood still for ${inSeconds(longStillMs)}`, { cause: error })
  }

  /** Over the rate, the socket is not read for a while; TCP then holds the owner back. */
  #isWithinRate (bytes: number): boolean {
    const pauseMs = this.#down.take(bytes)
    if (pauseMs === 0) return true
    this.#pause = { bytesPerSecond: this.#down.bytesPerSecond, timer: setTimeout(() => this.#readOn(), pauseMs) }
    return false
  }

  #readOn (): void {
    clearTimeout(this.#pause?.timer)
    this.#pause = undefined
    this.#silence.restart()
    this.#socket?.resume()
  }

  #look (): void {
    this.#control.beat()
    this.#silence.look()
    this.#reader?.flush()
    if (this.#control.isCancelled) return this.#settle(cancelled())
    if (this.#checker.piece >= this.#control.stopPiece) return this.#settle()
    if (this.#pause) {
      if (this.#pause.bytesPerSecond !== this.#down.bytesPerSecond) this.#readOn()
      return
    }
    const { brokenDeadlineMs: ms } = this.#silence
    if (ms !== undefined) this.#settle(new PiecemealError('E_TIMEOUT', `${this.#where} sent nothing for ${inSeconds(ms)}`))
  }
}

function cancelled (): PiecemealError {
  return new PiecemealError('E_INTERRUPTED', 'the part was cancelled')
}

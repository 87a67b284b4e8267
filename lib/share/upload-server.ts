/**
 * The output port: one request line, one header line, the bytes of the range, closed; or, where the
 * peer asks for it, kept for its next request. Lives in a thread of its own, so that neither the
 * control port nor a download slows it, nor it them.
 */
import type { Socket } from 'node:net'
import { plainAddress, type Address } from '../protocol/address.js'
import { LineReader } from '../net/line-reader.js'
import { endGently } from '../net/linger.js'
import { Listener, type ListenAddress } from '../net/listener.js'
import { RateLimit } from '../threads/rate-limit.js'
import { protocolError } from '../protocol/check.js'
import { blameFor } from '../protocol/blame.js'
import { PiecemealError, toErrorData } from '../protocol/errors.js'
import { fileCommunication, fileRefusal, parseFileRequest, type FileCommunication } from '../protocol/file-communication.js'
import { DEADLINES, REQUESTS_UNDER_WAY, type Deadlines } from '../protocol/limits.js'
import { decodeLineBytes, encodeLine } from '../protocol/line.js'
import { quote } from '../protocol/names.js'
import type { Credentials } from '../secret/keys.js'
import type { PartialShares } from './partial-share.js'
import { sendRange } from './send-range.js'
import type { Share, ShareIndex } from './share-index.js'
import type { ServedFolders } from './served-folders.js'
import { sourceOfFile, sourceOfParts, type Source } from './source.js'
import { Trust } from './trust.js'
import { UploadSlots, type RunningUpload, type Upload, type UploadSlotsOptions } from './upload-slots.js'

export interface UploadServerOptions extends UploadSlotsOptions {
  shares: ShareIndex
  folders?: ServedFolders | undefined
  partials: PartialShares
  /** The file is not what was announced any more. */
  onChanged: (share: Share) => void
  /** Something about the file is not as it was; its bytes may be. */
  onSuspect: (share: Share) => void
  /** The disk does not give a piece of a file. Resolves when all that may be asked know of it. */
  onUnreadable: (share: Share, piece: number, error: PiecemealError) => Promise<void>
  /** A tracker wants to hear this back by our own connection. */
  onProbe?: (probe: string) => void
  /** A failure that no peer is told about. */
  onError: (error: Error) => void
  /** Who may ask; anybody if left out. */
  credentials?: Credentials | undefined
  /** @default 4096 */
  maxConnections?: number | undefined
  /** @default none */
  up?: RateLimit
  /** @default those of the contract */
  deadlines?: Deadlines
}

/** What a peer has: its first request is awaited, one is looked at, its bytes go, or the next one is awaited. */
interface Connection {
  socket: Socket
  lines: LineReader
  state: 'new' | 'asked' | 'sending' | 'kept'
}

/** How often a user is told what keeps this node from serving. */
const SHORT_PAUSE_MS = 10_000

export class UploadServer {
  readonly #options: UploadServerOptions
  readonly #listener: Listener
  readonly #up: RateLimit
  readonly #deadlines: Deadlines
  readonly #slots: UploadSlots
  readonly #trust = new WeakMap<Share, Trust>()
  #isDraining = false
  #shortMs = -Infinity

  constructor (options: UploadServerOptions) {
    this.#options = options
    this.#slots = new UploadSlots(options)
    this.#up = options.up ?? new RateLimit()
    this.#deadlines = options.deadlines ?? DEADLINES
    this.#listener = new Listener({
      onConnection: (socket) => { this.#serve(socket).catch(options.onError) },
      onAcceptError: options.onError,
      turnAway: (socket) => {
        socket.write(encodeLine(fileRefusal({ code: 'E_BUSY', message: 'too many connections; try again or elsewhere' })))
        endGently(socket, this.#deadlines.lingerMs)
      },
      ...(options.maxConnections !== undefined && { maxConnections: options.maxConnections }),
      credentials: options.credentials,
      deadlines: this.#deadlines,
    })
  }

  /** Those that run now. */
  get uploads (): Upload[] {
    return this.#slots.uploads
  }

  get sentBytes (): number {
    return this.#slots.sentBytes
  }

  /** The pieces of a complete file that were given away lately, one bit a piece. */
  sentLately (digest: string): Buffer | undefined {
    return this.#slots.sentLately(digest)
  }

  /** @throws E_PORT. */
  async listen (address: ListenAddress): Promise<Address> {
    return await this.#listener.listen(address)
  }

  /** Takes no further request and resolves when the running ones have ended. */
  async drain (): Promise<void> {
    this.#isDraining = true
    this.#listener.closeResting()
    await this.#listener.stopListening()
    await this.#slots.idle()
  }

  /** Cuts off whatever runs. Safe to call twice. */
  async close (): Promise<void> {
    await this.#listener.close()
  }

  async #serve (socket: Socket): Promise<void> {
    const { dataStallMs, firstLineMs, moreMs, lingerMs } = this.#deadlines
    const connection: Connection = { socket, lines: new LineReader(socket, { maxLines: REQUESTS_UNDER_WAY }), state: 'new' }
    socket.setTimeout(dataStallMs, () => socket.destroy())
    try {
      do await this.#answer(connection, connection.state === 'new' ? firstLineMs : moreMs)
      while (connection.state === 'kept')
    } catch (error) {
      if (!(error instanceof PiecemealError)) this.#options.onError(error as Error)
      else if (error.code === 'E_AUTH') this.#listener.tellTls(socket)
      // Fewer bytes than the header said is how a peer learns that something failed. One that has all it asked for, and asks no more, is told nothing.
      const isTold = connection.state !== 'sending' && !(connection.state === 'kept' && isSilence(error))
      if (isTold && !socket.destroyed) socket.write(encodeLine(fileRefusal(toErrorData(error))))
    }
    connection.lines.close()
    // The last bytes may take as long as any others.
    endGently(socket, connection.state === 'sending' ? dataStallMs : lingerMs)
  }

  /** Waits for a request and sends what it asks for; the connection is kept then if its state says so. */
  async #answer (connection: Connection, waitMs: number): Promise<void> {
    const { socket, lines } = connection
    if (connection.state === 'kept' && !lines.hasNext) this.#listener.rest(socket)
    const line = await lines.next(waitMs)
    connection.state = 'asked'
    const request = parseFileRequest(decodeLineBytes(line))
    this.#listener.admit(socket)
    // Whatever comes after the only one is no request.
    if (!request.more) lines.close()
    if (request.probe !== undefined) this.#options.onProbe?.(request.probe)
    if (this.#isDraining) throw new PiecemealError('E_NOT_SHARED', `${quote(request.filename)} is not shared here any more`)
    await this.#upload(connection, request)
  }

  async #upload (connection: Connection, request: FileCommunication): Promise<void> {
    const { filename, range, ranges = [range], name, patient = false, more = false } = request
    const source = this.#sourceOf(request)
    if (range.end > source.size) throw protocolError(`the range ends beyond the ${source.size} bytes of ${quote(filename)}`)
    const { socket } = connection
    const peer = plainAddress(socket.remoteAddress ?? '')
    try {
      await this.#slots.use({ source, peer, range, ranges, socket, downloader: `${peer} ${name ?? ''}`, isPatient: patient }, async (upload) => {
        const isKept = more && this.#slots.isFree
        await this.#send(connection, source, { ...request, more: isKept }, upload)
        if (isKept) connection.state = 'kept'
      })
    } catch (error) {
      if (!(error instanceof PiecemealError)) throw error
      const isOurs = blameFor(error.code) === 'ours'
      // Those that wait for their next request are the first to make room.
      if (isOurs || error.code === 'E_BUSY') this.#listener.closeResting()
      throw isOurs ? this.#isShort(error) : error
    }
  }

  /** This node is out of something, or can't open a file, which is likely to pass: the peer is told to come later, the user why, now and then. */
  #isShort (error: PiecemealError): PiecemealError {
    const nowMs = performance.now()
    if (nowMs - this.#shortMs >= SHORT_PAUSE_MS) {
      this.#shortMs = nowMs
      this.#options.onError(error)
    }
    return new PiecemealError('E_BUSY', 'too much is going on here; try again or elsewhere', { cause: error })
  }

  /** A file that is shared before one that is still being downloaded. @throws E_NOT_SHARED. */
  #sourceOf ({ filename, digest, of }: FileCommunication): Source {
    const { shares, folders, partials, onChanged, onSuspect, onUnreadable } = this.#options
    const folder = folders?.get(filename, digest)
    if (folders && folder) return of ? folder.manifest : folder.files(folders.tell)
    if (of) throw new PiecemealError('E_NOT_SHARED', `no folder ${quote(filename)} is shared here with that digest`)
    const partial = shares.has(filename) ? undefined : partials.get(filename, digest)
    if (partial) return sourceOfParts(partial, this.#deadlines.messageMs)
    const share = shares.get(filename, digest)
    const trust = this.#trust.get(share) ?? new Trust(share)
    this.#trust.set(share, trust)
    return sourceOfFile({ share, trust, onChanged, onSuspect, onUnreadable })
  }

  async #send (connection: Connection, { extents }: Source, { filename, digest, range, ranges, of, more }: FileCommunication, upload: RunningUpload): Promise<void> {
    const { socket } = connection
    const begin = (): void => {
      if (connection.state !== 'asked') return
      connection.state = 'sending'
      // The header leaves with the first bytes, if these are at hand.
      socket.cork()
      process.nextTick(() => socket.uncork())
      socket.write(encodeLine(fileCommunication({ filename, digest, range, ranges, of, more })))
    }
    // Node's own socket timeout gives a write that is partly through a second period.
    const stall = setTimeout(() => socket.destroy(), this.#deadlines.dataStallMs)
    try {
      for await (const extent of extents(ranges ?? [range])) {
        begin()
        await sendRange(socket, extent, this.#up, (bytes) => {
          upload.sent += bytes
          stall.refresh()
        })
      }
      // An empty range may be in no file at all.
      begin()
    } finally {
      clearTimeout(stall)
    }
  }
}

/** Whether a peer did no more than say nothing, or leave. */
function isSilence (error: unknown): boolean {
  return error instanceof PiecemealError && (error.code === 'E_TIMEOUT' || error.code === 'E_NETWORK')
}

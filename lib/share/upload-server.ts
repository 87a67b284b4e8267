/**
 * The output port: one request line, one header line, the bytes of the range, closed. Lives in a
 * thread of its own, so that neither the control port nor a download slows it, nor it them.
 */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { plainAddress, type Address } from '../protocol/address.js'
import { Listener } from '../net/listener.js'
import { readLine } from '../net/read-line.js'
import { protocolError } from '../protocol/check.js'
import type { ByteRange } from '../protocol/content.js'
import { PiecemealError, toErrorData } from '../protocol/errors.js'
import { fileCommunication, fileRefusal, parseFileCommunication } from '../protocol/file-communication.js'
import { DATA_STALL_MS, UPLOAD_STREAMS } from '../protocol/limits.js'
import { decodeLineBytes, encodeLine } from '../protocol/line.js'
import { quote } from '../protocol/names.js'
import type { Credentials } from '../secret/keys.js'
import { assertUnchanged, openShare } from './open-share.js'
import { sendRange } from './send-range.js'
import type { ServedFile, ShareIndex } from './share-index.js'

/** A range that is being sent. `sent` in bytes, `peer` an IP address. */
export interface Upload {
  filename: string
  peer: string
  range: ByteRange
  sent: number
  seconds: number
}

export interface UploadServerOptions {
  folder: string
  shares: ShareIndex<ServedFile>
  /** The file is not what was announced any more. */
  onChanged: (file: ServedFile) => void
  /** A failure that no peer is told about. */
  onError: (error: Error) => void
  /** Who may ask; anybody if left out. */
  credentials?: Credentials | undefined
  /** @default 64 */
  maxStreams?: number
}

type RunningUpload = Omit<Upload, 'seconds'> & { startedMs: number }

export class UploadServer {
  readonly #options: UploadServerOptions
  readonly #listener: Listener
  readonly #uploads = new Set<RunningUpload>()
  #onIdle: (() => void) | undefined
  #isDraining = false

  constructor (options: UploadServerOptions) {
    this.#options = options
    this.#listener = new Listener({
      onConnection: (socket) => { this.#serve(socket).catch(options.onError) },
      onAcceptError: options.onError,
      credentials: options.credentials,
    })
  }

  /** Those that run now. */
  get uploads (): Upload[] {
    return [...this.#uploads].map(({ startedMs, ...upload }) => ({ ...upload, seconds: (performance.now() - startedMs) / 1_000 }))
  }

  /** @throws E_PORT. */
  async listen (address: Address): Promise<Address> {
    return await this.#listener.listen(address)
  }

  /** Takes no further request and resolves when the running ones have ended. */
  async drain (): Promise<void> {
    this.#isDraining = true
    await this.#listener.stopListening()
    if (this.#uploads.size > 0) await new Promise<void>((resolve) => { this.#onIdle = resolve })
  }

  /** Cuts off whatever runs. Safe to call twice. */
  async close (): Promise<void> {
    await this.#listener.close()
  }

  async #serve (socket: Socket): Promise<void> {
    socket.setTimeout(DATA_STALL_MS, () => socket.destroy())
    try {
      const request = parseFileCommunication(decodeLineBytes(await readLine(socket)))
      this.#listener.vouchFor(socket)
      if (this.#isDraining) throw new PiecemealError('E_NOT_SHARED', `${quote(request.filename)} is not shared here any more`)
      const share = this.#options.shares.get(request.filename, request.digest)
      if (request.range.end > share.size) throw protocolError(`the range ends beyond the ${share.size} bytes of ${quote(share.filename)}`)
      await this.#upload(socket, share, request.range)
    } catch (error) {
      if (!(error instanceof PiecemealError)) this.#options.onError(error as Error)
      else if (error.code === 'E_AUTH') this.#listener.tellTls(socket)
      if (!socket.destroyed && socket.bytesWritten === 0) socket.write(encodeLine(fileRefusal(toErrorData(error))))
    }
    await endGently(socket)
  }

  async #upload (socket: Socket, share: ServedFile, range: ByteRange): Promise<void> {
    if (this.#uploads.size >= (this.#options.maxStreams ?? UPLOAD_STREAMS)) {
      throw new PiecemealError('E_BUSY', `all ${this.#uploads.size} upload slots are taken; try again or elsewhere`)
    }
    const upload = { filename: share.filename, peer: plainAddress(socket.remoteAddress ?? ''), range, sent: 0, startedMs: performance.now() }
    this.#uploads.add(upload)
    try {
      await this.#send(socket, share, upload)
    } catch (error) {
      if (error instanceof PiecemealError && error.code === 'E_CHANGED') this.#options.onChanged(share)
      // Fewer bytes than the header said is how the peer learns of it.
      if (socket.bytesWritten > 0) socket.destroy()
      throw error
    } finally {
      this.#uploads.delete(upload)
      if (this.#uploads.size === 0) this.#onIdle?.()
    }
  }

  async #send (socket: Socket, share: ServedFile, upload: RunningUpload): Promise<void> {
    const handle = await openShare(this.#options.folder, share)
    // Node's own socket timeout gives a write that is partly through a second period.
    const stall = setTimeout(() => socket.destroy(), DATA_STALL_MS)
    try {
      socket.write(encodeLine(fileCommunication({ filename: share.filename, digest: share.digest, range: upload.range })))
      await sendRange(socket, handle, upload.range, (bytes) => {
        upload.sent += bytes
        stall.refresh()
      })
      await assertUnchanged(handle, share)
    } finally {
      clearTimeout(stall)
      await handle.close()
    }
  }
}

/** Closing at once would reset the connection while its last bytes are on their way; a peer that drips on is cut all the same. */
async function endGently (socket: Socket): Promise<void> {
  if (socket.destroyed) return
  socket.end()
  const cut = setTimeout(() => socket.destroy(), DATA_STALL_MS)
  // A reset by the peer is an end like any other.
  await once(socket, 'close').catch(() => {})
  clearTimeout(cut)
}

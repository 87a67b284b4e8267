/** The input port: what a shared file's size and pieces are. */
import type { Address } from '../protocol/address.js'
import { isSameFile } from '../disk/own-file.js'
import { isGone } from '../disk/where-it-lies.js'
import { PieceSet } from '../content/piece-set.js'
import { pieceCount } from '../protocol/content.js'
import { LineServer } from '../net/line-server.js'
import type { ListenAddress } from '../net/listener.js'
import { PiecemealError } from '../protocol/errors.js'
import { DEADLINES, type Deadlines } from '../protocol/limits.js'
import type { Credentials } from '../secret/keys.js'
import { parseSizeQuestion, sizeAnswer, sizeRefusal } from '../protocol/size-information.js'
import { piecesHere, type FolderShare } from './folder-share.js'
import type { FolderShares } from './folder-shares.js'
import { changed, identifyShare } from './open-share.js'
import type { PartialShare, PartialShares } from './partial-share.js'
import type { Share, ShareIndex } from './share-index.js'

export interface MetadataServerOptions {
  shares: ShareIndex
  folders?: FolderShares
  partials: PartialShares
  /** The pieces of a complete file that were given away lately, if that is known. */
  sentLately?: (digest: string) => Promise<Buffer | undefined>
  /** The file is not what was announced any more. */
  onChanged: (share: Share) => void
  /** Something about the file is not as it was; its bytes may be. */
  onSuspect: (share: Share) => void
  /** A folder is not where it was. */
  onFolderGone?: (share: FolderShare) => void
  /** A tracker wants to hear this back by our own connection. */
  onProbe?: (probe: string) => void
  /** A failure that no peer is told about. */
  onError: (error: Error) => void
  /** @default 4096 */
  maxConnections?: number | undefined
  /** Who may ask; anybody if left out. */
  credentials?: Credentials | undefined
  /** @default those of the contract */
  deadlines?: Deadlines
}

export class MetadataServer {
  readonly #options: MetadataServerOptions
  readonly #server: LineServer

  constructor (options: MetadataServerOptions) {
    this.#options = options
    this.#server = new LineServer({
      converse: (_socket, admit) => ({
        answer: async (message) => {
          const answer = await this.#answer(message)
          admit()
          return answer
        },
      }),
      refuse: sizeRefusal,
      onError: options.onError,
      credentials: options.credentials,
      maxConnections: options.maxConnections,
      evictsIdle: true,
      deadlines: options.deadlines ?? DEADLINES,
    })
  }

  /** @throws E_PORT. */
  async listen (address: ListenAddress): Promise<Address> {
    return await this.#server.listen(address)
  }

  /** Safe to call twice. */
  async close (): Promise<void> {
    await this.#server.close()
  }

  async #answer (message: Record<string, unknown>): Promise<object> {
    const { filename, digest, pieces: wantsPieces = true, sent: wantsSent = false, probe } = parseSizeQuestion(message)
    if (probe !== undefined) this.#options.onProbe?.(probe)
    const folder = this.#options.folders?.asked(filename, digest, performance.now())
    if (folder) return await this.#answerFor(folder, wantsPieces, wantsSent)
    const partial = this.#options.shares.has(filename) ? undefined : this.#options.partials.get(filename, digest)
    if (partial) return partialAnswer(partial, wantsPieces)
    const share = this.#options.shares.get(filename, digest)
    await this.#lookAt(share)
    const { size, pieceLength, pieces, lacks } = share
    if (lacks) return sizeAnswer({ filename, digest: share.digest, size, pieceLength, ...(wantsPieces && { pieces }), have: allBut(lacks, pieceCount(share)), final: true })
    const sent = wantsSent ? await this.#options.sentLately?.(share.digest) : undefined
    return sizeAnswer({ filename, digest: share.digest, size, pieceLength, ...(wantsPieces && { pieces }), ...(sent && { sent }) })
  }

  /** Of the files of a folder nothing is looked at: there may be a million. */
  async #answerFor (folder: FolderShare, wantsPieces: boolean, wantsSent: boolean): Promise<object> {
    const isArriving = folder.identities === undefined
    if (!isArriving && await isGone(folder.path)) {
      this.#options.onFolderGone?.(folder)
      throw changed(folder)
    }
    const { filename, digest, size, pieceLength, kind, pieces, lacks } = folder
    const answer = { filename, digest, size, pieceLength, kind, ...(wantsPieces && { pieces }) }
    if (lacks) return sizeAnswer({ ...answer, have: piecesHere(folder).toBytes(), ...(!isArriving && { final: true }) })
    const sent = wantsSent ? await this.#options.sentLately?.(digest) : undefined
    return sizeAnswer({ ...answer, ...(sent && { sent }) })
  }

  /** What was announced is known whatever the file is now; but nobody is to begin with one that is gone. */
  async #lookAt (share: Share): Promise<void> {
    const { onChanged, onSuspect } = this.#options
    try {
      if (!isSameFile(await identifyShare(share), share.identity)) onSuspect(share)
    } catch (error) {
      if (error instanceof PiecemealError && error.code === 'E_CHANGED') onChanged(share)
      throw error
    }
  }
}

function allBut (lacks: ReadonlySet<number>, count: number): Buffer {
  const have = new PieceSet(count)
  have.addRange(0, count)
  for (const piece of lacks) have.delete(piece)
  return have.toBytes()
}

function partialAnswer ({ content, pieces, have }: PartialShare, wantsPieces: boolean): object {
  return sizeAnswer({ ...content, ...(wantsPieces && pieces && { pieces }), have: have.toBytes() })
}

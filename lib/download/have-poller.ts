/** Asks partial owners which pieces they have by now, and complete ones which they gave away lately, each over one connection that is kept for the next time. */
import { setMaxListeners } from 'node:events'
import { PieceSet } from '../content/piece-set.js'
import type { Wanted } from '../content/wanted.js'
import { LineClient } from '../net/line-client.js'
import { formatAddress, type Address } from '../protocol/address.js'
import { protocolError } from '../protocol/check.js'
import type { Content } from '../protocol/content.js'
import { parseSizeAnswer, sizeQuestion, type SizeAnswer } from '../protocol/size-information.js'
import type { Deadlines } from '../protocol/limits.js'
import type { ClientCredentials } from '../secret/keys.js'
import type { DownloadContext } from './context.js'

export interface Have {
  pieces: PieceSet
  /** Whether no more will come. */
  isFinal: boolean
}

export class HavePoller {
  readonly #content: Content & { filename: string }
  readonly #wanted: Wanted
  readonly #credentials: ClientCredentials | undefined
  readonly #deadlines: Deadlines
  readonly #closing = new AbortController()
  /** By where they are. */
  readonly #clients = new Map<string, LineClient>()

  constructor (content: Content & { filename: string }, wanted: Wanted, { credentials, deadlines }: Pick<DownloadContext, 'credentials' | 'deadlines'>) {
    this.#content = content
    this.#wanted = wanted
    this.#credentials = credentials?.control
    this.#deadlines = deadlines
    setMaxListeners(0, this.#closing.signal)
  }

  /**
   * What an owner has. One question at a time for each owner.
   *
   * @param address an owner's input port
   * @throws E_NETWORK, E_AUTH, E_TIMEOUT, what the owner refuses with; E_PROTOCOL if it answers for another content; E_INTERRUPTED once closed.
   */
  async ask (address: Address): Promise<Have> {
    return this.#read(await this.#question(address))
  }

  /** What a complete owner gave away lately, if it says so; and what it has, if that is not all. @throws as `ask`. */
  async askSent (address: Address): Promise<{ have?: Have, sent?: PieceSet }> {
    const answer = await this.#question(address, { sent: true })
    if (answer.have) return { have: this.#read(answer) }
    return answer.sent ? { sent: this.#wantedOf(answer.sent) } : {}
  }

  #read ({ have, final = false }: SizeAnswer): Have {
    // Whoever has some of a folder's pieces has all of its manifest.
    if (have && this.#wanted.of === undefined) return { pieces: this.#wantedOf(have), isFinal: final }
    const { pieceCount } = this.#wanted.layout
    const pieces = new PieceSet(pieceCount)
    pieces.addRange(0, pieceCount)
    return { pieces, isFinal: false }
  }

  #wantedOf (bits: Buffer): PieceSet {
    return this.#wanted.wantedOf(PieceSet.fromBytes(bits, this.#wanted.ownersPieces))
  }

  async #question (address: Address, fields: object = {}): Promise<SizeAnswer> {
    const client = await this.#connect(address)
    const { filename, digest } = this.#content
    const answer = parseSizeAnswer(await client.request({ ...sizeQuestion(filename, digest), pieces: false, ...fields }))
    if (answer.digest !== digest || answer.size !== this.#content.size) throw protocolError(`${formatAddress(address)} answered for another content`)
    return answer
  }

  /** Safe to call twice. */
  close (): void {
    // With a reason that is at hand: the default one is an exception, whose stack costs more than all else at the end of a small download.
    this.#closing.abort('closed')
    for (const client of this.#clients.values()) client.close()
  }

  async #connect ({ host, port }: Address): Promise<LineClient> {
    const key = formatAddress({ host, port })
    const known = this.#clients.get(key)
    if (known && !known.closedBecause) return known
    const client = await LineClient.connect({ host, port, signal: this.#closing.signal, credentials: this.#credentials, ...this.#deadlines })
    this.#clients.set(key, client)
    if (this.#closing.signal.aborted) client.close()
    return client
  }
}

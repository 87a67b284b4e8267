/** Asks partial owners which pieces they have by now, and complete ones which they gave away lately, each over one connection that is kept for the next time. */
import { setMaxListeners } from 'node:events'
import { PieceSet } from '../content/piece-set.js'
import { LineClient } from '../net/line-client.js'
import { formatAddress, type Address } from '../protocol/address.js'
import { protocolError } from '../protocol/check.js'
import { pieceCount, type Content } from '../protocol/content.js'
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
  readonly #credentials: ClientCredentials | undefined
  readonly #deadlines: Deadlines
  readonly #closing = new AbortController()
  /** By where they are. */
  readonly #clients = new Map<string, LineClient>()

  constructor (content: Content & { filename: string }, { credentials, deadlines }: Pick<DownloadContext, 'credentials' | 'deadlines'>) {
    this.#content = content
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
    return answer.sent ? { sent: PieceSet.fromBytes(answer.sent, pieceCount(this.#content)) } : {}
  }

  #read ({ have, final = false }: SizeAnswer): Have {
    const count = pieceCount(this.#content)
    if (have) return { pieces: PieceSet.fromBytes(have, count), isFinal: final }
    const pieces = new PieceSet(count)
    pieces.addRange(0, count)
    return { pieces, isFinal: false }
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

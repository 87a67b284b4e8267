/** Files and folders of this machine for whoever has the ticket: a tracker and a node of their own, for as long as they are wanted. */
import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import type { SharingEvent } from '../node/events.js'
import { Node } from '../node/node.js'
import type { NodeOptions } from '../node/options.js'
import { PiecemealError } from '../protocol/errors.js'
import { TICKET_SECRET_BYTES } from '../protocol/limits.js'
import { deriveKeys } from '../secret/keys.js'
import { formatTicket, ticketDigest } from '../secret/ticket.js'
import { Tracker } from '../tracker/tracker.js'
import { Audience } from './audience.js'
import { addressesHere, everywhere } from './interfaces.js'
import { hostNodeName, userCache } from './names.js'

export type Ports = readonly [tracker: number, input: number, output: number]

export interface ShareOptions extends Pick<NodeOptions, 'up' | 'digestsIn'> {
  /** The name that it is shared under, with one path. @default the last component */
  as?: string | undefined
  /** Of a folder: whether the times of its files are part of it. */
  times?: boolean | undefined
  /** Of a folder: whether what can't be shared is left out, instead of being an error. */
  skipSpecial?: boolean | undefined
  /** Of a folder: it may have lost more than half of what it had. */
  allowShrink?: boolean | undefined
  /** The node's. @default the host's */
  name?: string | undefined
  /** What it listens on. @default all addresses of this machine */
  host?: string | undefined
  /** @default any that are free, or those of `advertise` */
  ports?: Ports | undefined
  /** Where others reach this machine, if that is another place: then the ticket holds nothing else. */
  advertise?: { host: string, ports?: Ports } | undefined
  /** Ends it, also before it is ready. */
  signal?: AbortSignal | undefined
  /** What runs is there to be listened to, before it does anything. */
  onOpen?: (parts: { node: Node, tracker: Tracker, audience: Audience }) => void
}

export class Sharing {
  /** A secret: who has it can fetch what is shared. */
  readonly ticket: string
  /** The addresses in it. */
  readonly hosts: readonly string[]
  readonly items: readonly SharingEvent[]
  readonly node: Node
  readonly tracker: Tracker
  readonly #audience: Audience
  readonly #onClosed: () => void
  #closed: Promise<void> | undefined

  /** @internal */
  constructor (parts: { ticket: string, hosts: readonly string[], items: readonly SharingEvent[], node: Node, tracker: Tracker, audience: Audience, onClosed: () => void }) {
    this.#onClosed = parts.onClosed
    this.ticket = parts.ticket
    this.hosts = parts.hosts
    this.items = parts.items
    this.node = parts.node
    this.tracker = parts.tracker
    this.#audience = parts.audience
  }

  /** Resolves when for each item somebody has got all of it. */
  get served (): Promise<void> {
    return this.#audience.served
  }

  /** Uploads that run may end within 5 s. Safe to call twice. */
  async close (): Promise<void> {
    this.#closed ??= closeBoth(this.node, this.tracker).finally(this.#onClosed)
    await this.#closed
  }
}

/**
 * Shares files where they lie, and makes a ticket by which others get them with `get`.
 *
 * @throws E_IO, E_FORBIDDEN, E_CHANGED, E_NAME for what can't be shared; E_PORT; E_NETWORK where this machine has no address; the signal's reason.
 */
export async function share (paths: string | readonly string[], options: ShareOptions = {}): Promise<Sharing> {
  const { as, name = hostNodeName(), host = everywhere(), advertise, times, skipSpecial, allowShrink, signal, up, digestsIn = userCache() } = options
  const [trackerPort = 0, inputPort = 0, outputPort = 0] = options.ports ?? advertise?.ports ?? []
  const all = typeof paths === 'string' ? [paths] : paths
  if (as !== undefined && all.length !== 1) throw new PiecemealError('E_USAGE', 'a name to share under goes with one path')
  const secretBytes = randomBytes(TICKET_SECRET_BYTES)
  const secret = { current: deriveKeys(secretBytes) }
  const tracker = new Tracker({ host, port: trackerPort, secret, believes: name })
  const audience = new Audience(tracker, name)
  const { port } = await tracker.start()
  const node = new Node({
    name,
    tracker: { host: '127.0.0.1', port },
    secret,
    host,
    inputPort,
    outputPort,
    up,
    digestsIn,
    isGuest: true,
    folder: process.cwd(),
    ...(advertise && { advertise: { host: advertise.host, ...(advertise.ports && { inputPort: advertise.ports[1], outputPort: advertise.ports[2] }) } }),
  })
  const stop = (): void => { void closeBoth(node, tracker).catch(() => {}) }
  const forget = (): void => signal?.removeEventListener('abort', stop)
  signal?.addEventListener('abort', stop, { once: true })
  try {
    signal?.throwIfAborted()
    options.onOpen?.({ node, tracker, audience })
    await node.start()
    const items = await Promise.all(all.map(async (path) => await node.upload(resolve(path), { as, times, skipSpecial, allowShrink })))
    const hosts = advertise ? [advertise.host] : (await addressesHere()).map(({ address }) => address)
    if (hosts.length === 0) throw new PiecemealError('E_NETWORK', 'this machine has no address that others could reach: advertise one')
    audience.waitsFor(items)
    const digest = ticketDigest(items.map(({ file, digest }) => ({ filename: file, digest })))
    const ticket = formatTicket({ hosts, port: advertise?.ports?.[0] ?? port, secret: secretBytes, digest })
    return new Sharing({ ticket, hosts, items, node, tracker, audience, onClosed: forget })
  } catch (error) {
    forget()
    await closeBoth(node, tracker)
    throw signal?.aborted ? signal.reason : error
  }
}

async function closeBoth (node: Node, tracker: Tracker): Promise<void> {
  await node.leave()
  await tracker.close()
}

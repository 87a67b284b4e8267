/** One connection to the tracker: bound to the name its first message carries, and gone with all it owns when it ends. */
import type { Socket } from 'node:net'
import { isLoopback, plainAddress } from '../protocol/address.js'
import { digestPrefix } from '../protocol/content.js'
import { PiecemealError, toPiecemealError } from '../protocol/errors.js'
import { FILES_PER_REPLY, REPLY_LINE_BYTES } from '../protocol/limits.js'
import { quote } from '../protocol/names.js'
import { parseNodeToTracker, type Alive, type Exit, type Have, type List, type Need, type NodeToTracker, type Report } from '../protocol/node-to-tracker.js'
import { KiB } from '../protocol/units.js'
import { foundLine, trackerReply, type Acknowledged, type ListedFile } from '../protocol/tracker-to-node.js'
import type { ClientCredentials, Purpose } from '../secret/keys.js'
import { Advertised, type Announced } from './advertised.js'
import { Reachability, type Place, type Tries } from './reachability.js'
import type { ListedContent, Registry } from './registry.js'

/** What stands around the files of a list. */
const REPLY_FRAME_BYTES = 1 * KiB

export interface NodeConnectionOptions {
  /** How often the node is asked to say `alive`. */
  heartbeatMs: number
  /** What goes out to nodes. */
  tries: Pick<Tries, 'run' | 'reaches'>
  /** For nodes' ports. */
  credentials?: Record<Purpose, ClientCredentials> | undefined
  /** Whether an `advertise` of the node is taken. */
  takesAdvertised: boolean
  /** The name of a node that is believed where it says that it is, without a proof. */
  believes?: string | undefined
  /** Where askers are told to find a node that comes from this host. */
  outwardHost: (host: string) => string
  /** Trouble that no peer waits to be told of. */
  onError: (error: Error) => void
  /** What goes on at the node; none where nobody wants to know. */
  onReport?: ((node: string, report: Report) => void) | undefined
  /** A request was answered, or refused with a code. @param mode `other` for what is no message */
  onAnswered: (mode: string, ms: number, code?: string) => void
  onJoin: (node: string) => void
  /** @param saidSo whether it took its leave, or its connection was lost */
  onLeave: (node: string, saidSo: boolean) => void
  onAnnounced: (announced: { name: string, filename: string, digest: string, complete: boolean }) => void
}

export class NodeConnection {
  readonly #registry: Registry
  readonly #socket: Socket
  readonly #host: string
  /** Where this node reaches the tracker's machine; undefined if it is on that machine itself. */
  readonly #here: string | undefined
  readonly #options: NodeConnectionOptions
  readonly #advertised: Advertised
  readonly #reachability: Reachability
  /** Where its ports are, and what they can be asked for. */
  #announced: Announced | undefined
  /** The name that its handshake or its first message gave it, for good. */
  #name: string | undefined
  /** The same while it is joined: an `exit` ends that, another message begins it anew. */
  #node: string | undefined
  /** What its process is known by. */
  #session: string | undefined
  #isClosed = false
  #isReplaced = false

  /** @param name who the peer is, where its handshake told that */
  constructor (socket: Socket, name: string | undefined, registry: Registry, options: NodeConnectionOptions) {
    this.#registry = registry
    this.#socket = socket
    this.#name = name
    this.#host = plainAddress(socket.remoteAddress ?? '')
    const here = plainAddress(socket.localAddress ?? '')
    this.#here = isFromThisMachine(socket) ? undefined : here
    this.#options = options
    const { tries, credentials } = options
    this.#reachability = new Reachability(async (place) => await tries.reaches(place))
    this.#advertised = new Advertised({
      host: this.#host,
      isLocal: this.#here === undefined,
      tries,
      credentials,
      isBelieved: () => this.#node !== undefined && this.#node === options.believes,
      onProven: (place) => { this.#move(place).catch(options.onError) },
    })
  }

  /** @throws E_PROTOCOL, E_NAME, E_NAME_TAKEN and what the registry refuses with. */
  async answer (value: Record<string, unknown>): Promise<object | Buffer> {
    const startedMs = performance.now()
    let mode = 'other'
    try {
      const message = parseNodeToTracker(value)
      mode = message.mode
      const answer = await this.#answer(message)
      this.#options.onAnswered(mode, performance.now() - startedMs)
      return answer
    } catch (error) {
      this.#options.onAnswered(mode, performance.now() - startedMs, toPiecemealError(error).code)
      throw error
    }
  }

  /** The file, where a message is of one and no other is changed: a registry far away is asked for many of those at once. Not before it is known who says it. */
  about ({ mode, name, filename }: Record<string, unknown>): string | undefined {
    if (typeof filename !== 'string' || (mode !== 'have' && mode !== 'need')) return undefined
    return name === this.#node ? filename : undefined
  }

  async #answer (message: NodeToTracker): Promise<object | Buffer> {
    // It was sent before the node knew that a newer connection has its name.
    if (this.#isReplaced) throw new PiecemealError('E_NETWORK', `another connection is ${quote(message.name)}'s now`, { endsConnection: true })
    try {
      await this.#bind(message)
      return await this.#obey(message)
    } catch (error) {
      // What a registry says of a node that left meanwhile is news to nobody.
      if (this.#isClosed) throw new PiecemealError('E_NETWORK', `${quote(message.name)} went away`, { cause: error })
      throw error
    }
  }

  async close (): Promise<void> {
    this.#isClosed = true
    await this.#leave()
  }

  /** Another connection of the same node has its name: the registry knows nothing of this one any more. */
  #endReplaced (): void {
    const node = this.#node
    this.#node = undefined
    this.#isReplaced = this.#isClosed = true
    this.#socket.destroy()
    if (node !== undefined) this.#options.onLeave(node, false)
  }

  async #leave (saidSo = false): Promise<void> {
    const node = this.#node
    if (node === undefined) return
    this.#node = undefined
    await this.#registry.leave(node)
    this.#options.onLeave(node, saidSo)
  }

  async #bind ({ name, session }: NodeToTracker): Promise<void> {
    if (this.#node === name) return
    if (this.#name !== undefined && this.#name !== name) throw new PiecemealError('E_NAME', `this connection is ${quote(this.#name)}'s, not ${quote(name)}'s`)
    this.#session ??= session
    await this.#registry.join(name, { session: this.#session, onReplaced: () => this.#endReplaced() })
    if (this.#isReplaced) throw new PiecemealError('E_NETWORK', `another connection is ${quote(name)}'s now`)
    // The connection may have ended while the registry was asked.
    if (this.#isClosed) return await this.#registry.leave(name)
    this.#name = this.#node = name
    this.#options.onJoin(name)
  }

  async #obey (message: NodeToTracker): Promise<object | Buffer> {
    switch (message.mode) {
      case 'have': return await this.#have(message)
      case 'need': return await this.#need(message)
      case 'exit': return await this.#exit(message)
      case 'list': return await this.#list(message)
      case 'alive': return this.#alive(message)
    }
  }

  #alive ({ name, probe, advertise, report }: Alive): object {
    if (report !== undefined) this.#options.onReport?.(name, report)
    if (probe !== undefined) this.#advertised.hear(probe)
    if (advertise !== undefined && this.#options.takesAdvertised) this.#advertised.offer(advertise)
    this.#look()
    return trackerReply('alive', this.#acknowledged)
  }

  /** Once the node is listed: first the place that it advertises is to be proven, then the place where it is listed is tried. */
  #look (): void {
    const announced = this.#announced
    if (announced === undefined) return
    this.#advertised.consider(announced)
    if (!this.#advertised.isUnderWay) this.#reachability.consider(this.#advertised.placeOf(announced) ?? { ...announced, host: this.#options.outwardHost(this.#host) })
  }

  async #move (place: Place): Promise<void> {
    this.#reachability.isAt(place)
    if (this.#node !== undefined) await this.#registry.move(this.#node, place)
  }

  /** In whole seconds, as the wire has them. */
  get #acknowledged (): Acknowledged {
    const reachable = this.#advertised.isUnderWay ? undefined : this.#reachability.reachable
    return { ok: true, interval: Math.max(1, Math.round(this.#options.heartbeatMs / 1_000)), ...(reachable !== undefined && { reachable }), ...(this.#options.onReport && { reports: true }), ...this.#told }
  }

  /** What nodes are told of the registry: with several trackers a node may have a better one. */
  get #told (): { degraded?: true } {
    return this.#registry.isDegraded ? { degraded: true } : {}
  }

  async #have ({ name, filename, size, digest, pieceLength, kind, files, filesSize, inputPort, outputPort, httpPort, complete = true, executable, origin, replaces, advertise }: Have): Promise<object> {
    if (advertise !== undefined && this.#options.takesAdvertised) this.#advertised.offer(advertise)
    const place = this.#advertised.placeOf({ inputPort, outputPort }) ?? { host: this.#host, inputPort, outputPort }
    await this.#registry.have(name, { filename, size, digest, pieceLength, kind, files, filesSize, ...place, httpPort, complete, executable, origin, replaces })
    this.#announced = { inputPort, outputPort, filename, digest }
    this.#options.onAnnounced({ name, filename, digest, complete })
    this.#look()
    return trackerReply('have', this.#acknowledged)
  }

  async #need ({ name, filename, digest, own = false }: Need): Promise<Buffer> {
    const prefix = digest === undefined ? undefined : digestPrefix(digest)
    return foundLine(await this.#registry.owners({ filename, asker: own ? '' : name, digestPrefix: prefix }), this.#here)
  }

  /** Without a file name the node leaves: it owns nothing any more, and its name is free. */
  async #exit ({ name, filename }: Exit): Promise<object> {
    if (filename !== undefined) await this.#registry.withdraw(name, filename)
    else await this.#leave(true)
    return trackerReply('exit', { ok: true })
  }

  async #list ({ prefix = '' }: List): Promise<object> {
    const { files, truncated } = await this.#registry.list(prefix, FILES_PER_REPLY)
    const fitting = asManyAsFit(files.map(({ since, ...file }: ListedContent) => file))
    return trackerReply('list', { files: fitting, ...((truncated || fitting.length < files.length) && { truncated: true }), ...this.#told })
  }
}

/** Long names that replace much make a longer line than a reply may be. */
function asManyAsFit (files: ListedFile[]): ListedFile[] {
  let leftBytes = REPLY_LINE_BYTES - REPLY_FRAME_BYTES
  const end = files.findIndex((file) => (leftBytes -= Buffer.byteLength(JSON.stringify(file)) + 1) < 0)
  return end < 0 ? files : files.slice(0, end)
}

export function isFromThisMachine ({ remoteAddress = '', localAddress }: Socket): boolean {
  return isLoopback(remoteAddress) || remoteAddress === localAddress
}

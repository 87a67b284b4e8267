/** One download in one call: by a ticket, or by a name at a tracker. */
import type { ProgressEvent, SavedEvent } from '../node/events.js'
import { Node } from '../node/node.js'
import type { NodeOptions } from '../node/options.js'
import { DEFAULT_TRACKER } from '../protocol/address.js'
import { looksLikeTicket, parseTicket } from '../secret/ticket.js'
import { everywhere } from './interfaces.js'
import { goingTo, itemsOf, networkOf } from './follow-ticket.js'
import { guestPlace } from './guest-place.js'
import { userCache, withFreeName } from './names.js'

export interface GetOptions extends Pick<NodeOptions, 'tracker' | 'secret' | 'insecure' | 'host' | 'advertise' | 'up' | 'down' | 'giveUpMs' | 'digestsIn'> {
  /** A folder that is there, or a path that ends in `/`: into it; otherwise the new path. @default the working directory */
  to?: string | undefined
  /** Which content, where there are several of that name: its digest, or the first 8 or more hex digits. */
  digest?: string | undefined
  /** Of a folder: what is wanted, as picomatch has patterns. @default all */
  only?: readonly string[] | undefined
  /** Of a folder: whether what nobody has any more, or this disk can't hold, is left out; `without` says how much that is. @default false */
  skipMissing?: boolean | undefined
  /** Whether what lies there is replaced, if it is as it came and the content is a version after it. @default false */
  update?: boolean | undefined
  /** Whether more than half of that may go. @default false */
  allowShrink?: boolean | undefined
  /** The name of the node that fetches. @default the host's */
  name?: string | undefined
  /** To end it: what was fetched is kept, and the same call goes on from there. */
  signal?: AbortSignal | undefined
  /** A node that runs, which then fetches it; the options beside those of the download are its own. */
  node?: Node | undefined
}

/** The file, or of a ticket for several the first; `all` has each. */
export interface Got extends SavedEvent {
  all: SavedEvent[]
}

/**
 * A download that runs: `await` it for its end, or iterate it for how far it is, or both. Who reads
 * slowly gets the newest state; who stops reading, or never begins, stops nothing.
 */
export class Getting implements PromiseLike<Got>, AsyncIterable<ProgressEvent> {
  readonly #done: Promise<Got>
  #isOver = false
  #latest: ProgressEvent | undefined
  #count = 0
  #waiting: Array<() => void> = []

  /** @internal */
  constructor (run: (onProgress: (event: ProgressEvent) => void) => Promise<Got>) {
    this.#done = run((event) => {
      this.#latest = event
      this.#count++
      this.#wake()
    }).finally(() => {
      this.#isOver = true
      this.#wake()
    })
    // Whoever reads progress alone sees the failure there.
    this.#done.catch(() => {})
  }

  async then<A = Got, B = never> (onDone?: ((got: Got) => A | PromiseLike<A>) | null, onFailed?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<A | B> {
    return await this.#done.then(onDone, onFailed)
  }

  /** The newest state, each time there is another; ends with the download. @throws what the download fails with. */
  async * [Symbol.asyncIterator] (): AsyncGenerator<ProgressEvent, void, undefined> {
    for (let seen = 0; ; seen = this.#count) {
      while (!this.#isOver && this.#count === seen) await new Promise<void>((resolve) => { this.#waiting.push(resolve) })
      if (this.#count > seen && this.#latest !== undefined) yield this.#latest
      if (this.#isOver) break
    }
    await this.#done
  }

  #wake (): void {
    for (const go of this.#waiting.splice(0)) go()
  }
}

/**
 * Fetches what a ticket is about, or a file of a tracker by its name, from all of its owners at once.
 *
 * @throws (when awaited) any code that a download may end with; the signal's reason once that is aborted.
 */
export function get (what: string, options: GetOptions = {}): Getting {
  return new Getting(async (onProgress) => await run(what, options, onProgress))
}

async function run (what: string, { signal, node, ...options }: GetOptions, onProgress: (event: ProgressEvent) => void): Promise<Got> {
  signal?.throwIfAborted()
  if (node !== undefined) return await fetchAll(node, [{ name: what, digest: options.digest }], { signal, to: options.to, only: options.only, skipMissing: options.skipMissing, update: options.update, allowShrink: options.allowShrink, onProgress })
  const { to, digest, only, skipMissing, update, allowShrink, name, ...own } = options
  const ticket = looksLikeTicket(what) ? parseTicket(what) : undefined
  const { trackers, ...network } = ticket === undefined ? { trackers: own.tracker ?? DEFAULT_TRACKER, secret: own.secret, insecure: own.insecure } : await networkOf(ticket)
  const folder = await guestPlace(to, false)
  const host = own.host ?? (network.secret === undefined && network.insecure !== true ? '127.0.0.1' : everywhere())
  const guest = await withFreeName(name, async (name) => {
    const one = new Node({ digestsIn: userCache(), ...own, ...network, tracker: trackers, host, name, isGuest: true, folder })
    await one.start()
    return one
  })
  try {
    signal?.throwIfAborted()
    const wanted = ticket === undefined ? [{ name: what, digest }] : await itemsOf(ticket, guest)
    return await fetchAll(guest, wanted, { signal, to: goingTo(to, wanted), only, skipMissing, update, allowShrink, onProgress })
  } finally {
    await guest.leave()
  }
}

interface Course extends Pick<GetOptions, 'signal' | 'to' | 'only' | 'skipMissing' | 'update' | 'allowShrink'> {
  onProgress: (event: ProgressEvent) => void
}

async function fetchAll (node: Node, wanted: ReadonlyArray<{ name: string, digest?: string | undefined }>, { onProgress, ...course }: Course): Promise<Got> {
  const names = new Set(wanted.map(({ name }) => name))
  const tell = (event: ProgressEvent): void => { if (event.task === 'download' && names.has(event.file)) onProgress(event) }
  node.on('progress', tell)
  try {
    const all = await Promise.all(wanted.map(async ({ name, digest }) => await node.download(name, { digest, ...course })))
    const [first] = all
    if (first === undefined) throw new Error('nothing was wanted')
    return { ...first, all }
  } catch (error) {
    throw course.signal?.aborted ? course.signal.reason : error
  } finally {
    node.off('progress', tell)
  }
}

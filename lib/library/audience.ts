/** Who comes for what is shared, as the tracker of a share sees it; and when all of it was fetched by somebody. */
import { EventEmitter } from 'node:events'
import type { SharingEvent } from '../node/events.js'
import type { Tracker } from '../tracker/tracker.js'

export interface AudienceEvents {
  connected: [{ name: string }]
  /** One has got all of a file. */
  got: [{ name: string, filename: string }]
  /** `saidSo`: it took its leave; otherwise its connection ended. `files`: how many it has got. */
  left: [{ name: string, saidSo: boolean, files: number }]
}

export class Audience extends EventEmitter<AudienceEvents> {
  /** Digests that somebody has to have got yet; undefined before it is known what there is. */
  #wanted: Set<string> | undefined
  /** Name → what it has got, by digest. */
  readonly #got = new Map<string, Set<string>>()
  #resolve: () => void = () => {}
  /** Somebody has got each item. */
  readonly served = new Promise<void>((resolve) => { this.#resolve = resolve })

  /** @param self the name of the node that shares */
  constructor (tracker: Tracker, self: string) {
    super()
    tracker.on('joined', ({ name }) => {
      if (name === self) return
      this.#got.set(name, new Set())
      this.emit('connected', { name })
    })
    tracker.on('announced', ({ name, filename, digest, complete }) => {
      const got = this.#got.get(name)
      if (!complete || got === undefined || got.has(digest)) return
      got.add(digest)
      this.emit('got', { name, filename })
      this.#wanted?.delete(digest)
      if (this.#wanted?.size === 0) this.#resolve()
    })
    tracker.on('left', ({ name, saidSo }) => {
      const got = this.#got.get(name)
      if (got === undefined) return
      this.#got.delete(name)
      this.emit('left', { name, saidSo, files: got.size })
    })
  }

  /** Nobody can have got it before: the ticket is made only now. */
  waitsFor (items: readonly SharingEvent[]): void {
    this.#wanted = new Set(items.map(({ digest }) => digest))
  }
}

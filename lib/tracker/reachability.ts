/** Whether others can connect to a node where they are told that it is: the tracker tries, and the node tells its user. */
import { setMaxListeners } from 'node:events'
import { networkInterfaces } from 'node:os'
import pLimit from 'p-limit'
import { dial } from '../net/dial.js'
import { isLoopback } from '../protocol/address.js'
import { REACH_PAUSE_MS, REACH_TRIES_AT_ONCE, REACH_TRY_MS } from '../protocol/limits.js'

/** Where a node's ports are. */
export interface Place {
  host: string
  inputPort: number
  outputPort: number
}

/** All that a tracker dials, so many at once, whoever has asked for it. */
export class Tries {
  readonly #limit = pLimit(REACH_TRIES_AT_ONCE)
  readonly #closing = new AbortController()

  constructor () {
    setMaxListeners(0, this.#closing.signal)
  }

  async run<T> (attempt: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return await this.#limit(async () => await attempt(this.#closing.signal))
  }

  /** Tries that run fail, and so do all later ones. */
  close (): void {
    this.#closing.abort()
  }

  /** Whether both ports take a connection. That is all that is asked, with a secret too; a downloader sees what answers there. */
  async reaches ({ host, inputPort, outputPort }: Place): Promise<boolean> {
    const connects = async (port: number): Promise<boolean> => await this.run(async (signal) => {
      const socket = await dial({ host, port, signal, connectMs: REACH_TRY_MS })
      socket.destroy()
      return true
    }).catch(() => false)
    return (await Promise.all([connects(inputPort), connects(outputPort)])).every(Boolean)
  }
}

/** What is known of one connection's node. */
export class Reachability {
  readonly #reaches: (place: Place) => Promise<boolean>
  readonly #now: () => number
  #place: Place | undefined
  #reachable: boolean | undefined
  #triedMs = -Infinity

  constructor (reaches: (place: Place) => Promise<boolean>, now: () => number = () => performance.now()) {
    this.#reaches = reaches
    this.#now = now
  }

  /** As far as it was tried. */
  get reachable (): boolean | undefined {
    return this.#reachable
  }

  /** It has shown that it is there. */
  isAt (place: Place): void {
    this.#place = place
    this.#reachable = true
  }

  /** Tries in the background, not too often, where that may be news. */
  consider (place: Place): void {
    const isKnown = this.#place !== undefined && isSamePlace(place, this.#place)
    if ((isKnown && this.#reachable === true) || this.#now() - this.#triedMs < REACH_PAUSE_MS) return
    this.#triedMs = this.#now()
    this.#place = place
    void this.#reaches(place).then((reachable) => {
      if (this.#place === place) this.#reachable = reachable
    })
  }
}

export function isSamePlace (a: Place, b: Place): boolean {
  return a.host === b.host && a.inputPort === b.inputPort && a.outputPort === b.outputPort
}

/** The address at which askers from other machines are told to find a node of this machine. To try the loopback would not tell whether they can. */
export function outwardHost (host: string, hears: 'loopback' | 'everywhere'): string {
  if (hears === 'loopback' || !isLoopback(host)) return host
  const outward = Object.values(networkInterfaces()).flat().find((address) => address?.internal === false && !address.address.startsWith('fe80:'))
  return outward?.address ?? host
}

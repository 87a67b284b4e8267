/** A node that is there, and what it has. */
import type { Edition } from './edition.js'
import { Holder, type Claim } from './holders.js'
import { isSamePlace, type Place } from './reachability.js'
import type { Membership, OwnerRecord } from './registry.js'

/** What a node says of many of its files alike. */
type Kind = Pick<OwnerRecord, 'complete' | 'executable' | 'origin' | 'httpPort'>

export class Member {
  readonly name: string
  readonly membership: Membership | undefined
  /** When its name went from one connection to the next, lately. */
  readonly changedMs: number[]
  /** File name → what it has under it. */
  readonly shares = new Map<string, Edition>()
  /** The last of each kind that goes for any file: it is at one place, so there are hardly ever more. */
  readonly #usual = new Map<string, Holder>()

  constructor (name: string, membership: Membership | undefined, changedMs: number[]) {
    this.name = name
    this.membership = membership
    this.changedMs = changedMs
  }

  /** Itself, for its part in a content. */
  holder ({ host, inputPort, outputPort }: Place, { complete, executable = false, origin = false, httpPort }: Kind, claim?: Claim): Holder {
    const make = (): Holder => new Holder({ name: this.name, host, inputPort, outputPort, complete, ...(executable && { executable }), ...(httpPort !== undefined && { httpPort }) }, origin, claim)
    if (claim !== undefined) return make()
    const kind = `${complete} ${executable} ${origin} ${httpPort}`
    let usual = this.#usual.get(kind)
    if (usual === undefined || !isSamePlace(usual.owner, { host, inputPort, outputPort })) {
      usual = make()
      this.#usual.set(kind, usual)
    }
    return usual
  }
}

/** One owner as the schedule sees it: what the tracker told of it, how it stands, and what it is known to have. */
import { Knowledge } from './knowledge.js'
import { Standing } from './standing.js'

/** An owner as the tracker tells of it; `key` is where its data comes from. */
export interface ScheduledOwner {
  key: string
  /** Whether it has every piece; one that has not serves nothing until it is known which it has. */
  complete: boolean
}

export class Owner implements ScheduledOwner {
  readonly key: string
  /** As the tracker says, unless the owner itself has said otherwise. */
  complete: boolean
  /** Parts of it that run. */
  streams = 0
  /** How fast its last part came, once that is known. */
  bytesPerMs: number | undefined
  /** The shortest that was seen, once one was. */
  roundTripMs: number | undefined
  /** Written by `Owners` alone. */
  readonly standing: Standing
  /** Written by `Bitfields` alone. */
  readonly knowledge: Knowledge

  constructor ({ key, complete }: ScheduledOwner, nowMs: number) {
    this.key = key
    this.complete = complete
    this.standing = new Standing(nowMs)
    this.knowledge = new Knowledge(nowMs)
  }
}

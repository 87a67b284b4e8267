/** What a download asks while it runs: the tracker for owners, and owners what they have; the schedule is told what they say. */
import { formatAddress, type Address } from '../protocol/address.js'
import { PiecemealError, toPiecemealError } from '../protocol/errors.js'
import type { Found, Owner } from '../protocol/tracker-to-node.js'
import type { Wanted } from '../content/wanted.js'
import type { Order } from '../schedule/orders.js'
import type { Schedule } from '../schedule/schedule.js'
import type { DownloadContext } from './context.js'
import { HavePoller, type Have } from './have-poller.js'
import type { RoundTrip } from './piece-list.js'
import type { Reason } from './standstill.js'

export interface QuestionsOptions {
  found: Found
  wanted: Wanted
  schedule: Schedule
  /** The schedule was told something. */
  onTold: () => void
  /** The tracker told of an owner that was not known before. */
  onNewOwner: () => void
}

export class Questions {
  readonly #options: QuestionsOptions
  readonly #findOwners: DownloadContext['findOwners']
  readonly #haves: HavePoller
  readonly #owners = new Map<string, Owner>()
  /** Whether it did not answer when it was asked last. */
  #isTrackerAway = false

  constructor (options: QuestionsOptions, context: Pick<DownloadContext, 'findOwners' | 'credentials' | 'deadlines'>) {
    this.#options = options
    this.#findOwners = context.findOwners
    this.#haves = new HavePoller(options.found, options.wanted, context)
  }

  /** The owner that the schedule knows by this key. */
  owner (key: string): Owner {
    const owner = this.#owners.get(key)
    if (owner === undefined) throw new Error(`${key} is no owner`)
    return owner
  }

  setOwners (owners: readonly Owner[]): void {
    const isNew = owners.some((owner) => !this.#owners.has(keyOf(owner)))
    for (const owner of owners) this.#owners.set(keyOf(owner), owner)
    this.#options.schedule.setOwners(owners.map((owner) => ({ key: keyOf(owner), complete: owner.complete })), performance.now())
    if (isNew) this.#options.onNewOwner()
  }

  ban (owner: Owner, message: string): void {
    this.#options.schedule.ban({ key: keyOf(owner), complete: owner.complete }, { code: 'E_DIGEST', message })
  }

  setRoundTrip ({ owner, ms }: RoundTrip): void {
    this.#options.schedule.setRoundTrip(keyOf(owner), ms)
  }

  askTracker (): void {
    const { found: { filename, digest }, schedule, onTold } = this.#options
    this.#findOwners(filename, digest).then(({ owners }) => {
      this.#isTrackerAway = false
      this.setOwners(owners)
    }, (error: unknown) => {
      const isNobodyLeft = error instanceof PiecemealError && error.code === 'E_NO_OWNER'
      this.#isTrackerAway = !isNobodyLeft
      // "Nobody" is an answer. A tracker that is away, or that fails, says nothing about the owners: it is asked again.
      if (isNobodyLeft) this.setOwners([])
      else schedule.trackerFailed()
    }).finally(onTold)
  }

  askOwner ({ order, owner: key }: Order & { order: 'ask have' | 'ask sent' }): void {
    const { schedule, onTold } = this.#options
    const told = order === 'ask have'
      ? this.#haves.ask(this.#inputOf(key)).then((have) => this.#setHave(key, have))
      : this.#haves.askSent(this.#inputOf(key)).then(({ have, sent }) => {
        if (have) this.#setHave(key, have)
        else schedule.setSent(key, sent, performance.now())
      })
    told.catch((error: unknown) => schedule.askFailed(key, toPiecemealError(error), performance.now())).finally(onTold)
  }

  /** What is waited for: the owners that have what is missing, or the tracker that may know of some. */
  get waitedFor (): Reason {
    const { hopes } = this.#options.schedule
    if (hopes.length === 0 && this.#isTrackerAway) return { for: 'tracker', owners: [] }
    return { for: 'owner', owners: hopes.map((key) => this.owner(key).name) }
  }

  /** A question for each of these owners: whether it answers at all. */
  get whetherBack (): Array<() => Promise<void>> {
    const { schedule } = this.#options
    return schedule.hopes.map((key) => async () => {
      await this.#haves.ask(this.#inputOf(key))
      schedule.isBack(key, performance.now())
    })
  }

  close (): void {
    this.#haves.close()
  }

  #setHave (key: string, { pieces, isFinal }: Have): void {
    this.#options.schedule.setHave(key, pieces, performance.now(), isFinal)
  }

  #inputOf (key: string): Address {
    const { host, inputPort } = this.owner(key)
    return { host, port: inputPort }
  }
}

/** An owner is where its data comes from. */
function keyOf ({ host, outputPort }: Owner): string {
  return formatAddress({ host, port: outputPort })
}

/** Removes what dead trackers have left, or counts everything anew: one tracker at a time, a walk over all names. */
import { eachInFlight } from '../net/in-flight.js'
import type { Keys } from './keys.js'
import type { Lease } from './lease.js'
import { SWEEP_LOCK_MS, WRITES_IN_FLIGHT } from './limits.js'
import { unlistIfGone } from './listing.js'
import { free } from './scripts/free.js'
import { names } from './scripts/names.js'
import { sweep } from './scripts/sweep.js'
import type { Store } from './store.js'

/** Parts of the names that are walked at once: where there are few names the walk would be nothing but round trips. */
const PARTS_AT_ONCE = 8

export interface Swept {
  files: number
  /** Records that were removed. */
  records: number
  /** Contents whose owners were counted wrongly. */
  wrong: number
}

export class Sweeper {
  readonly #store: Store
  readonly #keys: Keys
  readonly #lease: Pick<Lease, 'token' | 'roster' | 'renew'>
  #sweeping: Promise<void> | undefined
  #isClosed = false

  constructor (store: Store, keys: Keys, lease: Pick<Lease, 'token' | 'roster' | 'renew'>) {
    this.#store = store
    this.#keys = keys
    this.#lease = lease
  }

  /** Unless somebody does it already. What fails is done by whoever comes next: the dead stay in the list until it was done. */
  sweepDead (): void {
    this.#sweeping ??= this.#sweepAlone().catch(() => {}).finally(() => { this.#sweeping = undefined })
  }

  async close (): Promise<void> {
    this.#isClosed = true
    await this.#sweeping
  }

  async #sweepAlone (): Promise<void> {
    const lock = lockOf(this.#lease.token)
    if (await this.#store.call(['SET', this.#keys.sweep, lock, 'NX', 'PX', SWEEP_LOCK_MS]) !== 'OK') return await this.#breakLockOfDead()
    try {
      const dead = this.#lease.roster.unswept
      // Who lives is read after it was seen who is dead.
      await this.#lease.renew()
      await this.walk(async () => { await this.#store.call(['SET', this.#keys.sweep, lock, 'XX', 'PX', SWEEP_LOCK_MS]) })
      if (dead.length > 0 && !this.#isClosed) await this.#store.call(['ZREM', this.#keys.trackers, ...dead])
    } finally {
      await this.#store.run(free, [this.#keys.sweep], [lock]).catch(() => {})
    }
  }

  /** Whoever died while it swept keeps nobody from it: the next try has the lock. */
  async #breakLockOfDead (): Promise<void> {
    const holder = String(await this.#store.call(['GET', this.#keys.sweep]) ?? '').trimEnd()
    if (holder !== '' && !this.#lease.roster.lives(holder)) await this.#store.run(free, [this.#keys.sweep], [lockOf(holder)])
  }

  /** @param onPart called now and then */
  async walk (onPart: () => Promise<void> = async () => {}): Promise<Swept> {
    const swept = { files: 0, records: 0, wrong: 0 }
    await eachInFlight(this.#keys.names, PARTS_AT_ONCE, async (part) => {
      for await (const page of this.#pagesOf(part)) {
        await eachInFlight(page, Math.ceil(WRITES_IN_FLIGHT / PARTS_AT_ONCE), async (filename) => {
          const { records, wrong } = await this.#sweepFile(filename)
          swept.files++
          swept.records += records
          swept.wrong += wrong
        })
      }
      await onPart()
    })
    return swept
  }

  async * #pagesOf (part: string): AsyncGenerator<string[]> {
    let after = ''
    while (!this.#isClosed) {
      const page = await this.#store.run(names, [part], ['', after, WRITES_IN_FLIGHT])
      if (page === '') return
      const filenames = page.split('\n')
      yield filenames
      after = filenames.at(-1) ?? ''
    }
  }

  async #sweepFile (filename: string): Promise<Pick<Swept, 'records' | 'wrong'>> {
    const { file, base } = this.#keys.of(filename)
    const { living, newest } = this.#lease.roster
    const [left, records, wrong] = (await this.#store.run(sweep, [file], [base, newest, ...living])).split(' ')
    if (left === 'gone') await unlistIfGone(this.#store, this.#keys, filename)
    return { records: Number(records), wrong: Number(wrong) }
  }
}

function lockOf (token: string): string {
  return `${token} `
}

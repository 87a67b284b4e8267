/** What is written in Redis for somebody who waits for it, but no longer than Redis is there: what was not written is written once it is back. */
import { setTimeout as sleep } from 'node:timers/promises'
import { STORE_MS } from './limits.js'
import { StoreAway } from './store.js'

export class Writes {
  readonly #onMissed: (what: string) => void
  readonly #underWay = new Set<Promise<void>>()

  constructor (onMissed: (what: string) => void) {
    this.#onMissed = onMissed
  }

  /** @returns whether it was done @throws whatever else than that Redis is away */
  async unlessAway (what: string, work: () => Promise<void>): Promise<boolean> {
    const working = work()
    this.#underWay.add(working)
    try {
      await working
      return true
    } catch (error) {
      if (!(error instanceof StoreAway)) throw error
      this.#onMissed(`it may lack ${what}`)
      return false
    } finally {
      this.#underWay.delete(working)
    }
  }

  /** The same, waited for no longer than a request waits: the rest of it is done in the background. */
  async soonUnlessAway (what: string, work: () => Promise<void>): Promise<void> {
    const isDone = new AbortController()
    await Promise.race([
      this.unlessAway(what, work).finally(() => isDone.abort()),
      sleep(STORE_MS, undefined, { signal: isDone.signal, ref: false }).catch(() => {}),
    ])
  }

  async settled (): Promise<void> {
    await Promise.allSettled([...this.#underWay])
  }
}

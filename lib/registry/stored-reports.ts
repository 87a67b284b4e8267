/** What goes on at the nodes of each tracker, told to the others: whoever looks at one page sees the downloads of all. */
import { REPORT_MS, REPORT_KEPT_MS } from '../protocol/limits.js'
import { parseNodeToTracker, type Alive } from '../protocol/node-to-tracker.js'
import type { NodeReport, SharedReports } from '../tracker/registry.js'
import type { Keys } from './keys.js'
import type { Lease } from './lease.js'
import { REPORTS_BYTES } from './limits.js'
import { soon, throwUnlessAway, type Store } from './store.js'

export class StoredReports implements SharedReports {
  readonly #store: Store
  readonly #keys: Keys
  readonly #lease: Pick<Lease, 'token' | 'roster'>
  /** Whether something of this tracker's may be there. */
  #isThere = false
  #read: { others: Promise<NodeReport[]>, ms: number } | undefined

  constructor (store: Store, keys: Keys, lease: Pick<Lease, 'token' | 'roster'>) {
    this.#store = store
    this.#keys = keys
    this.#lease = lease
  }

  async tell (own: Iterable<NodeReport>): Promise<void> {
    const text = textOf(own)
    const key = this.#keys.reports(this.#lease.token)
    if (text === '[]' && !this.#isThere) return
    this.#isThere = text !== '[]'
    await this.#store.call(this.#isThere ? ['SET', key, text, 'PX', REPORT_KEPT_MS] : ['DEL', key], soon()).catch(throwUnlessAway)
  }

  /** As they are told, so often and no oftener they are read, whoever asks. */
  async others (): Promise<NodeReport[]> {
    if (this.#read === undefined || performance.now() - this.#read.ms >= REPORT_MS / 2) this.#read = { others: this.#ask(), ms: performance.now() }
    return await this.#read.others
  }

  async #ask (): Promise<NodeReport[]> {
    const { roster, token: own } = this.#lease
    const options = soon()
    const texts = await Promise.all(roster.living.filter((token) => token !== own).map(async (token) => {
      return await this.#store.call(['GET', this.#keys.reports(token)], options).catch(throwUnlessAway)
    }))
    return texts.flatMap(reportsIn)
  }
}

/** As many as there is room for. */
function textOf (own: Iterable<NodeReport>): string {
  const rows: string[] = []
  let leftBytes = REPORTS_BYTES - '[]'.length
  for (const { name, report } of own) {
    const row = JSON.stringify([name, report])
    leftBytes -= Buffer.byteLength(row) + 1
    if (leftBytes < 0) break
    rows.push(row)
  }
  return `[${rows.join()}]`
}

/** Each is checked as if its node had sent it here; what is nonsense is nothing. */
function reportsIn (text: unknown): NodeReport[] {
  if (typeof text !== 'string' || text.length > REPORTS_BYTES) return []
  try {
    return (JSON.parse(text) as Array<[unknown, unknown]>).flatMap(([name, report]) => {
      const { name: node, report: checked } = parseNodeToTracker({ type: 'NodeToTracker', mode: 'alive', name, report }) as Alive
      return checked === undefined ? [] : [{ name: node, report: checked }]
    })
  } catch {
    return []
  }
}

// What is known of the network: tables of rows by their keys, as the tracker tells them.
const TABLES = ['figures', 'files', 'nodes', 'transfers', 'traffic']

export class Model {
  constructor (tables = {}) {
    for (const name of TABLES) this[name] = tables[name] ?? new Map()
    this.versions = {}
  }

  get isKnown () {
    return this.figures.size > 0
  }

  /** The first message of a stream begins anew. */
  apply (message, { isFirst = false } = {}) {
    for (const name of TABLES) {
      const { put = [], gone = [] } = message[name] ?? {}
      const table = this[name]
      if (isFirst) table.clear()
      for (const key of gone) table.delete(key)
      for (const row of put) table.set(row[0], row)
      if (isFirst || put.length > 0 || gone.length > 0) this.versions[name] = (this.versions[name] ?? 0) + 1
    }
  }

  /** For another thread. */
  get tables () {
    return Object.fromEntries(TABLES.map((name) => [name, this[name]]))
  }
}

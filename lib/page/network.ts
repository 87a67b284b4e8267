/** What a page and a script are told of a network, as its tracker knows it. */
import { FILES_ON_PAGE, NODES_ON_PAGE, OWNERS_PER_REPLY, TRANSFERS_ON_PAGE } from '../protocol/limits.js'
import { MiB } from '../protocol/units.js'
import type { ListedContent, NodeReport, Owner } from '../tracker/registry.js'
import { ConflictError, PiecemealError, type ErrorCode } from '../protocol/errors.js'
import type { Tracker } from '../tracker/tracker.js'

export interface NodeFigures {
  name: string
  host: string
  /** When it came, in seconds of the Unix clock. */
  since: number
  /** How many it shares. */
  files: number
}

/** A download that runs. Rates are bytes a second. */
export interface TransferFigures {
  node: string
  filename: string
  /** Its first 16 hex digits. */
  digest: string
  bytes: number
  size: number
  rate: number
  owners: Array<{ name: string, rate: number }>
}

export interface Figures {
  /** Of all trackers. */
  nodes: number
  files: number
  /** Of the files that a page shows. */
  bytes: number
  /** Of all downloads together. */
  rate: number
  trackers: number
  /** Owner records, and what they take in the registry that trackers share, where they do. */
  records: number
  memoryBytes?: number
  /** Where nodes connect to this tracker. */
  port: number
  /** The registry that trackers share is away. */
  isDegraded: boolean
  /** There are more files than a page shows. */
  isTruncated: boolean
}

export interface FileFigures {
  filename: string
  versions: ListedContent[]
  /** Of the version that was asked for, or of the only one that counts: at most 50. */
  digest?: string
  size?: number
  owners: Owner[]
  transfers: TransferFigures[]
}

const NOT_ONE: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['E_NO_OWNER', 'E_CONFLICT'])

export class NetworkView {
  readonly #tracker: Tracker

  constructor (tracker: Tracker) {
    this.#tracker = tracker
  }

  async files (prefix = '', most = FILES_ON_PAGE): Promise<{ files: ListedContent[], truncated: boolean }> {
    return await this.#tracker.registry.list(prefix, most)
  }

  /** One name, whatever contents it has. @throws E_NO_OWNER. */
  async file (filename: string, digest?: string): Promise<FileFigures> {
    const { registry } = this.#tracker
    const { files } = await registry.list(filename, FILES_ON_PAGE)
    const versions = files.filter((file) => file.filename === filename)
    const transfers = (await this.transfers()).filter((transfer) => transfer.filename === filename)
    try {
      const found = await registry.owners({ filename, asker: '', digestPrefix: digest })
      return { filename, versions, digest: found.digest, size: found.size, owners: found.owners.slice(0, OWNERS_PER_REPLY), transfers }
    } catch (error) {
      if (versions.length === 0 || !(error instanceof ConflictError || (error instanceof PiecemealError && NOT_ONE.has(error.code)))) throw error
      return { filename, versions, owners: [], transfers }
    }
  }

  nodes (): NodeFigures[] {
    const { roster, registry } = this.#tracker
    const nodes = []
    for (const { name, host, since } of roster) {
      if (nodes.length === NODES_ON_PAGE) break
      nodes.push({ name, host, since, files: registry.sharesOf(name) })
    }
    return nodes
  }

  /** The fastest, if there are very many. */
  async transfers (): Promise<TransferFigures[]> {
    const all = []
    for (const { name: node, report } of await this.#reports()) {
      for (const [filename, digest, bytes, size, rate, owners] of report.down) {
        all.push({ node, filename, digest, bytes, size, rate, owners: owners.map(([name, rate]) => ({ name, rate })) })
      }
    }
    return all.length <= TRANSFERS_ON_PAGE ? all : all.sort((a, b) => b.rate - a.rate).slice(0, TRANSFERS_ON_PAGE)
  }

  /** Of all downloads together. */
  async rate (): Promise<number> {
    let sum = 0
    for (const { report } of await this.#reports()) for (const [, , , , rate] of report.down) sum += rate
    return sum
  }

  async figures ({ files, truncated }: { files: readonly ListedContent[], truncated: boolean }): Promise<Figures> {
    const { files: count, records, nodes = this.#tracker.roster.size, trackers = 1, memoryBytes, isDegraded = false } = await this.#tracker.registry.sizes()
    return {
      nodes,
      files: count,
      bytes: files.reduce((sum, { size, filesSize = size }) => sum + filesSize, 0),
      rate: await this.rate(),
      trackers,
      records,
      // To the nearest: a page is told of each change.
      ...(memoryBytes !== undefined && { memoryBytes: Math.round(memoryBytes / MiB) * MiB }),
      port: this.#tracker.port,
      isDegraded,
      isTruncated: truncated,
    }
  }

  /** Of all trackers' nodes. One that has just come from another tracker is told of once. */
  async #reports (): Promise<Iterable<NodeReport>> {
    const { roster, registry } = this.#tracker
    const others = await registry.reports?.others()
    return new Map([...others ?? [], ...roster.reports()].map((one) => [one.name, one])).values()
  }
}

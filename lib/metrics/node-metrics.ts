/** What a node counts. */
import { EXIT_STATUS } from '../protocol/errors.js'
import { Counter, Gauge, Histogram, type Measure } from './measures.js'

const CODES = Object.keys(EXIT_STATUS)
const STATUSES = ['2xx', '3xx', '4xx', '5xx']
/** From a second to a day. */
const DOWNLOAD_SECONDS = [1, 2.5, 5, 10, 30, 60, 150, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400]

/** How much there is, as whoever holds it says. */
export interface NodeLevels {
  shares: () => number
  /** Downloads that get on, and those that wait for something. */
  downloads: () => { running: number, waiting: number }
  /** Sent by uploads that have ended, and by those that run. */
  upload: () => Promise<{ bytes: number, slots: number }>
  diskFreeBytes: () => Promise<number | undefined>
  /** That fetch or digest. */
  threadsBusy: () => Promise<number>
}

export class NodeMetrics {
  readonly #downloadBytes = new Counter({ name: 'piecemeal_node_download_bytes_total', help: 'File data that came from owners' })
  readonly #downloadSeconds = new Histogram({ name: 'piecemeal_node_download_seconds', help: 'Downloads that are done, from their command to the file', bounds: DOWNLOAD_SECONDS })
  readonly #partsFailed = new Counter({ name: 'piecemeal_node_parts_failed_total', help: 'Parts that did not come to their end', labels: { code: CODES } })
  readonly #piecesBad = new Counter({ name: 'piecemeal_node_pieces_bad_total', help: 'Pieces that came and do not match their digest' })
  readonly #gatewayRequests = new Counter({ name: 'piecemeal_node_gateway_requests_total', help: 'Answers of the gateway', labels: { status: STATUSES } })
  readonly #gatewayAborted = new Counter({ name: 'piecemeal_node_gateway_aborted_total', help: 'Answers of the gateway that broke after they had begun', labels: { code: CODES } })
  readonly #levels: NodeLevels
  /** What the gateway keeps, where there is one. */
  cacheBytes = (): number => 0

  constructor (levels: NodeLevels) {
    this.#levels = levels
  }

  get measures (): Measure[] {
    const { shares, downloads, upload, diskFreeBytes, threadsBusy } = this.#levels
    return [
      new Gauge({ name: 'piecemeal_node_shares', help: 'Files that this node offers', read: shares }),
      new Gauge({ name: 'piecemeal_node_downloads', help: 'Downloads', label: 'state', read: () => ({ ...downloads() }) }),
      this.#downloadBytes,
      { name: 'piecemeal_node_upload_bytes_total', help: 'File data that went out to others', type: 'counter', samples: async () => [{ labels: {}, value: (await upload()).bytes }] },
      this.#downloadSeconds,
      this.#partsFailed,
      this.#piecesBad,
      new Gauge({ name: 'piecemeal_node_upload_slots_used', help: 'Uploads that run', read: async () => (await upload()).slots }),
      new Gauge({ name: 'piecemeal_node_disk_free_bytes', help: 'Free on the disk of the node\'s folder', read: diskFreeBytes }),
      new Gauge({ name: 'piecemeal_node_threads_busy', help: 'Threads that fetch parts', read: threadsBusy }),
      this.#gatewayRequests,
      this.#gatewayAborted,
      new Gauge({ name: 'piecemeal_node_cache_bytes', help: 'What the gateway keeps of files that are not shared here', read: () => this.cacheBytes() }),
    ]
  }

  saved (seconds: number): void {
    this.#downloadSeconds.observe(seconds)
  }

  /** A part has brought so many bytes, and failed with a code if it did not come to its end. */
  partEnded (bytes: number, failure: string | undefined): void {
    this.#downloadBytes.add(bytes)
    if (failure === undefined) return
    this.#partsFailed.add(1, failure)
    // It ends at its first bad piece.
    if (failure === 'E_DIGEST') this.#piecesBad.add(1)
  }

  /** The gateway has answered with this status. */
  gatewayAnswered (status: number): void {
    this.#gatewayRequests.add(1, `${Math.floor(status / 100)}xx`)
  }

  /** An answer of the gateway broke after it had begun. */
  gatewayAborted (code: string): void {
    this.#gatewayAborted.add(1, code)
  }
}

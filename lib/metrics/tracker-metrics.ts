/** What a tracker counts. */
import { EXIT_STATUS } from '../protocol/errors.js'
import { Counter, Gauge, Histogram, type Measure } from './measures.js'

const CODES = Object.keys(EXIT_STATUS)
/** `other`: what is no message of the contract. */
const MODES = ['have', 'need', 'exit', 'list', 'alive', 'other']
/** From a tenth of a millisecond to a second. */
const REQUEST_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1]

/** How much there is, as whoever holds it says. */
export interface TrackerSizes {
  files: number
  /** Owner records. */
  records: number
  /** That are connected to any of the trackers that share it. */
  nodes?: number | undefined
  /** Whether answers are of this tracker's own nodes alone, for the store that several share is away. */
  isDegraded?: boolean | undefined
  /** Of that store. */
  memoryBytes?: number | undefined
  /** That share it. */
  trackers?: number | undefined
}

export interface TrackerLevels {
  nodes: () => number
  connections: () => { joined: number, strangers: number }
  sizes: () => Promise<TrackerSizes>
}

export class TrackerMetrics {
  readonly #requests = new Counter({ name: 'piecemeal_tracker_requests_total', help: 'Requests of nodes', labels: { mode: MODES, outcome: ['ok', 'refused', 'failed'] } })
  readonly #refused = new Counter({ name: 'piecemeal_tracker_refused_total', help: 'Refusals by code: of requests, and of peers that were not let in', labels: { code: CODES } })
  readonly #seconds = new Histogram({ name: 'piecemeal_tracker_request_seconds', help: 'From a request to its answer', bounds: REQUEST_SECONDS })
  readonly #levels: TrackerLevels

  constructor (levels: TrackerLevels) {
    this.#levels = levels
  }

  get measures (): Measure[] {
    const { nodes, connections, sizes } = this.#levels
    const size = (name: string, help: string, of: (sizes: TrackerSizes) => number | undefined): Gauge => new Gauge({ name, help, read: async () => of(await sizes()) })
    return [
      new Gauge({ name: 'piecemeal_tracker_nodes', help: 'Nodes that are connected to this tracker', read: nodes }),
      size('piecemeal_tracker_files', 'Contents that the registry knows by a name', ({ files }) => files),
      size('piecemeal_tracker_owner_records', 'Files of nodes that the registry knows', ({ records }) => records),
      this.#requests,
      this.#seconds,
      new Gauge({ name: 'piecemeal_tracker_connections', help: 'Connections to the port of this tracker', label: 'state', read: () => ({ ...connections() }) }),
      this.#refused,
      size('piecemeal_tracker_registry_degraded', '1 while the registry that trackers share is away', ({ isDegraded }) => isDegraded === true ? 1 : 0),
      size('piecemeal_tracker_registry_memory_bytes', 'Memory of the registry that trackers share; of one in this process 0', ({ memoryBytes }) => memoryBytes ?? 0),
      size('piecemeal_tracker_registry_nodes', 'Nodes that are connected to any of the trackers that share the registry', ({ nodes: ofAll }) => ofAll ?? nodes()),
      size('piecemeal_tracker_trackers', 'Trackers that share the registry', ({ trackers }) => trackers ?? 1),
    ]
  }

  /** @param code why it was refused, if it was */
  answered (mode: string, ms: number, code?: string): void {
    this.#requests.add(1, mode, code === undefined ? 'ok' : code === 'E_INTERNAL' ? 'failed' : 'refused')
    this.#seconds.observe(ms / 1_000)
    if (code !== undefined) this.refused(code)
  }

  refused (code: string): void {
    this.#refused.add(1, code)
  }
}

/** A tracker with its page in this process, and nodes that are a connection each. */
import { Peer, type Scope } from '../net/peer.js'
import { MiB } from '../../lib/protocol/units.js'
import { pieceLengthFor } from '../../lib/protocol/content.js'
import type { Report } from '../../lib/protocol/node-to-tracker.js'
import type { Secret } from '../../lib/secret/keys.js'
import type { Registry } from '../../lib/tracker/registry.js'
import { Tracker } from '../../lib/tracker/tracker.js'
import { openTrackerSite } from '../../lib/page/tracker-site.js'
import type { WebServer, WebPort } from '../../lib/web/web-server.js'

export interface Stage {
  tracker: Tracker
  web: WebServer
  /** Without a slash at its end. */
  url: string
  node: (name: string) => Promise<StageNode>
}

export class StageNode {
  readonly #peer: Peer
  readonly #name: string

  constructor (peer: Peer, name: string) {
    this.#peer = peer
    this.#name = name
  }

  async have (filename: string, fields: { size?: number, digest?: string, [field: string]: unknown } = {}): Promise<void> {
    const size = fields.size ?? MiB
    await this.#ask({ mode: 'have', filename, size, digest: digestOf(filename), pieceLength: pieceLengthFor(size), inputPort: 8082, outputPort: 9092, ...fields })
  }

  async report (report: Report): Promise<void> {
    await this.#ask({ mode: 'alive', report })
  }

  async leave (): Promise<void> {
    await this.#ask({ mode: 'exit' })
  }

  async #ask (message: object): Promise<void> {
    const { error } = await this.#peer.ask({ type: 'NodeToTracker', name: this.#name, ...message })
    if (error !== undefined) throw new Error(JSON.stringify(error))
  }
}

/** The nodes speak without TLS, so the secret is the page's alone. */
export async function stage (t: Scope, { secret, registry, ...port }: Partial<WebPort> & { secret?: Secret, registry?: Registry } = {}): Promise<Stage> {
  const tracker = new Tracker({ port: 0, takesReports: true, ...(registry && { registry }) })
  const errors: Error[] = []
  const web = await openTrackerSite(tracker, { port: 0, secret, ...port, onError: (error) => errors.push(error) })
  t.teardown(async () => {
    await web.close()
    await tracker.close()
    if (errors.length > 0) throw new AggregateError(errors, errors.map(({ message }) => message).join('\n'))
  })
  const { port: trackerPort } = await tracker.start()
  const { url } = await web.listen()
  return { tracker, web, url: url.replace(/\/$/, ''), node: async (name) => new StageNode(await Peer.connect(t, { port: trackerPort }), name) }
}

export function digestOf (text: string): string {
  return `blake3:${Buffer.from(text).toString('hex').padEnd(64, '0').slice(0, 64)}`
}

/** What a node answers over HTTP: what it is and does, and files for whoever speaks HTTP only. */
import { Gateway } from '../gateway/gateway.js'
import type { Node } from '../node/node.js'
import { isLoopback, type Address } from '../protocol/address.js'
import { PiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import { addMetrics } from '../web/metrics-route.js'
import { WebServer, type WebServerOptions } from '../web/web-server.js'

export interface NodeSite {
  /** Where it listens. @throws as `WebServer`. */
  listen: () => Promise<string>
  /** Cuts off whatever runs. */
  close: () => Promise<void>
}

export interface NodeSiteOptions extends Omit<WebServerOptions, 'readiness'> {
  tracker: Address | readonly Address[]
  /** Whether files may be put here, with the token. @default false */
  isWritable?: boolean | undefined
  /** Bytes of one such file. @default half of the free room */
  mostWritten?: number | undefined
}

/** To listen before the node starts, which tells its tracker of the gateway. @throws as `WebServer`. */
export async function openNodeSite (node: Node, { tracker, isWritable = false, mostWritten, ...options }: NodeSiteOptions): Promise<NodeSite> {
  const web = await WebServer.open({ ...options, readiness: async () => await node.readiness() })
  addMetrics(web, node.metrics.measures, 'node')
  web.routes.get('/api/v1/status', async () => ({ name: node.name, ...await node.status() }))
  const { library, readFolders, streams, metrics, up } = node
  metrics.cacheBytes = () => library.cacheBytes
  const gateway = new Gateway({
    library,
    folders: readFolders,
    streams,
    up,
    origin: options.origin,
    ...(isWritable && {
      writing: {
        hasToken: (request) => web.gatekeeper.hasToken(request),
        isTaken: async (filename) => await node.hasName(filename),
        mostBytes: async () => mostWritten ?? Math.floor((await node.freeBytes() ?? Infinity) / 2),
        receive: async (filename, bytes, most) => await node.receive(filename, bytes, most),
      },
    }),
    onAnswered: (status) => metrics.gatewayAnswered(status),
    onAborted: ({ code, message }, filename) => {
      metrics.gatewayAborted(code)
      options.onError(new PiecemealError(code, `an answer with ${quote(filename)} broke: ${message}`))
    },
  })
  gateway.addTo(web.routes)
  return {
    listen: async () => {
      const { url, address: { host, port } } = await web.listen()
      // Whom nobody but this machine reaches is told to a tracker of this machine alone.
      if (!isLoopback(host) || [tracker].flat().every(({ host }) => isLoopback(host))) node.httpPort = port
      return url
    },
    close: async () => {
      await web.close()
      await gateway.close()
    },
  }
}

/** What a node answers over HTTP. */
import type { Node } from '../node/node.js'
import { addMetrics } from '../web/metrics-route.js'
import { WebServer, type WebServerOptions } from '../web/web-server.js'

/** @throws as `WebServer`. */
export async function openNodeSite (node: Node, options: Omit<WebServerOptions, 'readiness'>): Promise<WebServer> {
  const web = await WebServer.open({ ...options, readiness: async () => await node.readiness() })
  addMetrics(web, node.metrics.measures, 'node')
  web.routes.get('/api/v1/status', async () => ({ name: node.name, ...await node.status() }))
  return web
}

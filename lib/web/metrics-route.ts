/** `/metrics`, for the metrics' token as well. */
import { Gauge, type Measure } from '../metrics/measures.js'
import { exposition } from '../metrics/exposition.js'
import type { WebServer } from './web-server.js'

export function addMetrics (web: WebServer, measures: readonly Measure[], who: 'tracker' | 'node'): void {
  const expiry = new Gauge({
    name: `piecemeal_${who}_http_certificate_expiry_timestamp_seconds`,
    help: 'When the certificate of the HTTP port ends; without one there is none',
    read: () => web.certificateExpiry,
  })
  const { contentType, text } = exposition([...measures, expiry])
  web.routes.get('/metrics', { config: { access: 'metrics' } }, async (_request, reply) => await reply.type(contentType).send(await text()))
}

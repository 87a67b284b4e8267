/** What a tracker answers over HTTP: its page, the same as JSON, what happens as it happens, and its metrics. */
import type { FastifyRequest } from 'fastify'
import { FILES_ON_PAGE, FILES_PER_REPLY } from '../protocol/limits.js'
import { isDigestQuestion, digestPrefix } from '../protocol/content.js'
import { assertFileName } from '../protocol/names.js'
import type { Tracker } from '../tracker/tracker.js'
import { Refusal } from '../web/refusal.js'
import { addMetrics } from '../web/metrics-route.js'
import { WebServer, type WebServerOptions } from '../web/web-server.js'
import { Feed } from './feed.js'
import { gatewayLink } from './links.js'
import { NetworkView } from './network.js'
import { addPage } from './page.js'
import { readState } from './page-state.js'
import { Traffic } from './traffic.js'

export type TrackerSiteOptions = Omit<WebServerOptions, 'readiness'>

interface Question {
  prefix?: string
  offset?: string
  limit?: string
  digest?: string
}

/** @throws as `WebServer`. */
export async function openTrackerSite (tracker: Tracker, options: TrackerSiteOptions): Promise<WebServer> {
  const readiness = async (): Promise<string | undefined> => (await tracker.registry.sizes()).isDegraded === true ? 'registry' : undefined
  const web = await WebServer.open({ ...options, readiness })
  const view = new NetworkView(tracker)
  const traffic = new Traffic(view, options.onError)
  const feed = new Feed({ read: async () => await readState(view, traffic), onError: options.onError })
  const { routes } = web
  routes.addHook('onClose', async () => {
    feed.close()
    traffic.close()
  })
  addMetrics(web, tracker.metrics.measures, 'tracker')
  addPage(routes, web.gatekeeper.asksForToken)
  routes.get<{ Querystring: Question }>('/api/v1/files', async ({ query: { prefix = '', offset, limit } }) => {
    const [first, most] = [numberOf('offset', offset, 0, FILES_ON_PAGE), numberOf('limit', limit, FILES_PER_REPLY, FILES_PER_REPLY)]
    const { files, truncated } = await view.files(prefix, Math.min(FILES_ON_PAGE, first + most))
    return { files: files.slice(first, first + most), ...(truncated && first + most < FILES_ON_PAGE && { next: first + most }), ...(truncated && { truncated }) }
  })
  routes.get<{ Params: { name: string }, Querystring: Question }>('/api/v1/files/:name', async (request) => {
    const { params: { name }, query: { digest } } = request
    assertFileName(name)
    if (digest !== undefined && !isDigestQuestion(digest)) throw new Refusal(400, 'E_USAGE', '"digest" is a digest, or its first 8 or more hex digits')
    const file = await view.file(name, digest === undefined ? undefined : digestPrefix(digest))
    const isFolder = file.versions.some(({ digest, kind }) => digest === file.digest && kind === 'folder')
    const asked = file.digest === undefined ? undefined : { filename: name, digest: file.digest, isFolder, peer: peerOf(request) }
    return { ...file, owners: file.owners.map((owner) => ({ ...owner, url: asked && gatewayLink(owner, asked, { ...options, isTls: web.isTls }) })) }
  })
  routes.get('/api/v1/nodes', async () => ({ nodes: view.nodes() }))
  routes.get('/api/v1/transfers', async () => ({ transfers: await view.transfers() }))
  routes.get('/api/v1/snapshot', async (_request, reply) => await reply.type('application/json; charset=utf-8').send(await feed.snapshot()))
  routes.get('/api/v1/events', { exposeHeadRoute: false }, async (_request, reply) => {
    feed.assertRoom()
    reply.hijack()
    for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) reply.raw.setHeader(name, value)
    await feed.tell(reply.raw)
  })
  return web
}

function numberOf (name: string, text: string | undefined, otherwise: number, most: number): number {
  if (text === undefined) return otherwise
  const number = /^\d{1,9}$/.test(text) ? Number(text) : NaN
  if (number >= 0 && number <= most) return number
  throw new Refusal(400, 'E_USAGE', `"${name}" is a number up to ${most}`)
}

function peerOf ({ raw: { socket: { remoteAddress = '' } } }: FastifyRequest): string {
  return remoteAddress
}

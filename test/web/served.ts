/** An HTTP port with a few answers, and raw requests to it. */
import { Peer, type Scope } from '../net/peer.js'
import { deriveKeys, type Secret } from '../../lib/secret/keys.js'
import { httpToken } from '../../lib/secret/http-token.js'
import { WebServer, type WebServerOptions } from '../../lib/web/web-server.js'

export const SECRET: Secret = { current: deriveKeys(Buffer.from('the secret of this network')), old: deriveKeys(Buffer.from('the one before')) }
export const TOKEN = httpToken(SECRET)
export const OLD_TOKEN = Buffer.from(deriveKeys(Buffer.from('the one before')).http).toString('base64url')
export const METRICS_TOKEN = httpToken(SECRET, 'metrics')
export const DIGEST = `blake3:${'0123456789abcdef'.repeat(4)}`

export interface Served {
  web: WebServer
  port: number
  url: string
  /** The answer to raw bytes, until the other side ends or there is a whole answer without a body that matters. */
  raw: (bytes: string) => Promise<string>
  ask: (path: string, headers?: Record<string, string>, init?: RequestInit) => Promise<Response>
}

export async function served (t: Scope, options: Partial<WebServerOptions> = {}): Promise<Served> {
  const web = await WebServer.open({ port: 0, readiness: () => undefined, onError: (error) => { throw error }, ...options })
  t.teardown(async () => await web.close())
  web.routes.get('/', async () => 'page')
  web.routes.get('/metrics', { config: { access: 'metrics' } }, async () => 'metrics')
  web.routes.post('/change', async () => 'changed')
  web.routes.get<{ Params: { name: string }, Querystring: { digest?: string } }>('/files/:name', {
    config: {
      passFor: ({ params, query }) => {
        const [{ name: filename }, { digest }] = [params as { name: string }, query as { digest?: string }]
        return digest === undefined ? undefined : { filename, digest }
      },
    },
  }, async ({ params: { name } }) => name)
  const { url, address: { port } } = await web.listen()
  return {
    web,
    port,
    url: url.replace(/\/$/, ''),
    raw: async (bytes) => {
      const peer = await Peer.connect(t, { port })
      peer.send(bytes)
      return (await peer.rest()).toString()
    },
    ask: async (path, headers = {}, init = {}) => await fetch(`http://127.0.0.1:${port}${path}`, { redirect: 'manual', ...init, headers }),
  }
}

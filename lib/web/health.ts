/** What systemd, Kubernetes and load balancers ask: whether this process is beyond help, and whether it can serve now. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'

/** One word for what is wrong; undefined if nothing is. */
export type Readiness = () => Promise<string | undefined> | string | undefined

/** An answer that does not come in this time is one. */
const READY_MS = 900

export function addHealth (routes: FastifyInstance, readiness: Readiness): void {
  const open = { config: { access: 'all' as const } }
  // That it answers is all there is to say: what is outside of this process makes nobody restart it.
  routes.get('/healthz', open, async (_request, reply) => await reply.type('text/plain').send('ok\n'))
  routes.get('/readyz', open, async (_request, reply) => {
    const why = await soon(readiness)
    return await reply.code(why === undefined ? 200 : 503).type('text/plain').send(`${why ?? 'ok'}\n`)
  })
}

async function soon (readiness: Readiness): Promise<string | undefined> {
  const late = new AbortController()
  try {
    return await Promise.race([readiness(), sleep(READY_MS, 'slow', { signal: late.signal })])
  } catch {
    return 'failed'
  } finally {
    late.abort()
  }
}

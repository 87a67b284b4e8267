/** From a token to a session, and back; and what the form for it looks like. */
import type { FastifyInstance } from 'fastify'
import { wants } from './answer.js'
import { assetsIn, serveAssets } from './assets.js'
import type { Gatekeeper } from './gatekeeper.js'
import { wayBack } from './login-page.js'

const OPEN = { config: { access: 'open' as const } }

export function addLogin (routes: FastifyInstance, gatekeeper: Gatekeeper): void {
  routes.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    done(null, Object.fromEntries(new URLSearchParams(String(body))))
  })
  serveAssets(routes, assetsIn(new URL('../../../lib/web/assets/', import.meta.url), ['look.css', 'again.js', 'icon.svg']))
  routes.post('/login', OPEN, async (request, reply) => {
    const { token = '' } = request.body as { token?: unknown } | undefined ?? {}
    gatekeeper.logIn(String(token).trim(), request, reply)
    return await (wants(request, 'application/json') ? reply.send({ ok: true }) : reply.redirect(wayBack(request), 303))
  })
  routes.post('/logout', async (request, reply) => {
    gatekeeper.logOut(request, reply)
    return await (wants(request, 'application/json') ? reply.send({ ok: true }) : reply.redirect('/', 303))
  })
}

/** The form for the token. A browser that follows a link from elsewhere brings no session along: so the page goes to itself once, which does. */
import type { FastifyReply, FastifyRequest } from 'fastify'

export const PAGE_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
/** With `no-referrer` a browser would hide the origin of the page's own forms from us. */
export const PAGE_HEADERS = { 'Content-Security-Policy': PAGE_POLICY, 'Referrer-Policy': 'same-origin' }

export function loginPage (request: FastifyRequest, reply: FastifyReply, message: string): void {
  const isWrong = request.method === 'POST'
  void reply.type('text/html; charset=utf-8').headers(PAGE_HEADERS).send(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>piecemeal: log in</title>
<link rel="icon" href="/assets/icon.svg">
<link rel="stylesheet" href="/assets/look.css">
${isWrong ? '' : '<script src="/assets/again.js"></script>\n'}<main class="login">
  <h1>piecemeal</h1>
  <p>This network has a secret. Who may look shows its token, which <code>piecemeal token</code> prints on any machine that has the secret.</p>
  <form method="post" action="/login">
    <input type="hidden" name="to" value="${escapeHtml(wayBack(request))}">
    <label for="token">Token</label>
    <input id="token" name="token" type="password" autocomplete="current-password" required autofocus${isWrong ? ' aria-describedby="wrong"' : ''}>
    <button>Log in</button>
    ${isWrong ? `<p id="wrong" class="failed" role="alert">${escapeHtml(message)}</p>` : ''}
  </form>
</main>
`)
}

/** Where a login leads: what was asked for, and never another site. */
export function wayBack (request: FastifyRequest): string {
  const { to } = request.body as { to?: unknown } | undefined ?? {}
  const asked = request.method === 'GET' ? request.url : typeof to === 'string' ? to : '/'
  const base = 'http://here.invalid'
  if (!asked.startsWith('/') || !URL.canParse(asked, base)) return '/'
  const { origin, pathname, searchParams } = new URL(asked, base)
  // It is out of date, or the form would not have been shown.
  searchParams.delete('pass')
  const question = searchParams.size > 0 ? `?${searchParams}` : ''
  return origin === base && !pathname.startsWith('//') ? `${pathname}${question}` : '/'
}

export function escapeHtml (text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

/** Who may ask what of an HTTP port, and how those fare who may not. */
import t from 'tap'
import { makePass } from '../../lib/web/passes.js'
import { DIGEST, METRICS_TOKEN, OLD_TOKEN, SECRET, served, TOKEN } from './served.js'

const basic = (password: string, user = 'x'): Record<string, string> => ({ Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` })
const bearer = (token: string): Record<string, string> => ({ Authorization: `Bearer ${token}` })
const HTML = { Accept: 'text/html,application/xhtml+xml' }

await t.test('with a secret everything but health asks for the token', async (t) => {
  const { ask, raw } = await served(t, { secret: SECRET, readiness: () => 'disk' })
  const table: Array<[what: string, path: string, headers: Record<string, string>, status: number]> = [
    ['nothing', '/', {}, 401],
    ['what there isn\'t', '/nothing', {}, 401],
    ['what there isn\'t, with the token', '/nothing', bearer(TOKEN), 404],
    ['bearer', '/', bearer(TOKEN), 200],
    ['Bearer in another case', '/', { Authorization: `bEARER ${TOKEN}` }, 200],
    ['basic', '/', basic(TOKEN), 200],
    ['basic without a user', '/', basic(TOKEN, ''), 200],
    ['of the secret before', '/', bearer(OLD_TOKEN), 200],
    ['metrics, with the token', '/metrics', bearer(TOKEN), 200],
    ['metrics, with theirs', '/metrics', bearer(METRICS_TOKEN), 200],
    ['all else with the metrics\' token', '/', bearer(METRICS_TOKEN), 401],
    ['the secret itself', '/', bearer('the secret of this network'), 401],
    ['a cookie of nobody', '/', { Cookie: 'pm-0=x' }, 401],
    ['alive', '/healthz', {}, 200],
    ['ready', '/readyz', {}, 503],
    ['alive, whoever is meant', '/healthz', { Host: 'evil.com' }, 200],
    ['what the login looks like', '/assets/look.css', {}, 200],
  ]
  for (const [what, path, headers, status] of table) t.equal((await ask(path, headers)).status, status, what)
  t.equal(await (await ask('/readyz')).text(), 'disk\n')
  t.match(await raw('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'), /www-authenticate: Basic/, 'programs are told how')
  t.notMatch((await ask('/', HTML)).headers.get('www-authenticate'), /Basic/, 'a browser opens no window of its own')
})

await t.test('without one nobody is asked', async (t) => {
  const { ask } = await served(t)
  t.equal((await ask('/')).status, 200)
  t.equal((await ask('/', bearer('whatever'))).status, 200)
  t.equal((await ask('/change', { Origin: 'null' }, { method: 'POST' })).status, 403)
  t.equal((await ask('/change', {}, { method: 'POST' })).status, 403, 'a change wants an origin')
})

await t.test('a form makes a session of the token, and a logout ends it', async (t) => {
  const { ask, port, url } = await served(t, { secret: SECRET })
  const logIn = async (body: Record<string, string>, headers: Record<string, string> = {}): Promise<Response> => await ask('/login', headers, { method: 'POST', body: new URLSearchParams(body) })
  const form = await ask('/files/a?digest=1&pass=2', HTML)
  t.equal(form.status, 401)
  const text = await form.text()
  t.match(text, 'name="token"')
  t.match(text, 'value="/files/a?digest&#61;1"'.replace('&#61;', '='), 'it leads back, without what is out of date')
  t.match(form.headers.get('content-security-policy'), /default-src 'none'/)

  t.equal((await logIn({ token: 'wrong' }, HTML)).status, 401)
  const entered = await logIn({ token: TOKEN, to: '/files/a' })
  t.equal(entered.status, 303)
  t.equal(entered.headers.get('location'), '/files/a')
  const set = entered.headers.get('set-cookie') ?? ''
  t.match(set, new RegExp(`^pm-${port}=[\\w-]{43}; HttpOnly; SameSite=Strict; Path=/$`))
  const session = { Cookie: `other=1; ${set.split(';')[0] ?? ''}` }
  t.equal((await ask('/', session)).status, 200)
  t.equal((await ask('/change', session, { method: 'POST' })).status, 403, 'a cookie alone changes nothing')
  t.equal((await ask('/change', { ...session, Origin: url }, { method: 'POST' })).status, 200)
  t.equal((await ask('/change', bearer(TOKEN), { method: 'POST' })).status, 200)
  for (const to of ['//evil.com/', 'https://evil.com/', '/\\evil.com', 'javascript:alert(1)', '']) t.match((await logIn({ token: TOKEN, to })).headers.get('location'), /^\/(?![/\\])/, to)

  t.equal((await ask('/logout', { ...session, Origin: url }, { method: 'POST' })).status, 303)
  t.equal((await ask('/', session)).status, 401)
})

await t.test('after five wrong tokens further ones are not heard; the right one always is', async (t) => {
  const { ask } = await served(t, { secret: SECRET, proxies: ['127.0.0.0/8'] })
  const from = (address: string): Record<string, string> => ({ 'X-Forwarded-For': `1.2.3.4, ${address}` })
  for (let i = 0; i < 5; i++) t.equal((await ask('/', { ...bearer('wrong'), ...from('10.0.0.1') })).status, 401)
  const refused = await ask('/', { ...bearer('wrong'), ...from('10.0.0.1') })
  t.equal(refused.status, 429)
  t.match(refused.headers.get('retry-after'), /^\d+$/)
  t.equal((await ask('/', { ...bearer(TOKEN), ...from('10.0.0.1') })).status, 200)
  t.equal((await ask('/', { ...bearer('wrong'), ...from('10.0.0.2') })).status, 401, 'another address')
  t.equal((await ask('/', from('10.0.0.1'))).status, 401, 'none at all is no try')
})

await t.test('a pass opens one file, with one digest, to be read', async (t) => {
  const { ask } = await served(t, { secret: SECRET })
  const digest = encodeURIComponent(DIGEST)
  const pass = makePass(TOKEN, { filename: 'a b', digest: DIGEST })
  t.equal((await ask(`/files/a%20b?digest=${digest}&pass=${pass}`)).status, 200)
  const late = makePass(TOKEN, { filename: 'a b', digest: DIGEST }, Date.now() - 13 * 3_600_000)
  const foreign = makePass(METRICS_TOKEN, { filename: 'a b', digest: DIGEST })
  for (const path of [`/files/a?digest=${digest}&pass=${pass}`, `/files/a%20b?pass=${pass}`, `/files/a%20b?digest=${digest}0&pass=${pass}`, `/?pass=${pass}`,
    `/files/a%20b?digest=${digest}&pass=${late}`, `/files/a%20b?digest=${digest}&pass=${foreign}`, `/files/a%20b?digest=${digest}&pass=x&pass=${pass}`]) t.equal((await ask(path)).status, 401, path)
})

import t from 'tap'
import { networkOf, Proxies } from '../../lib/web/peer.js'
import { Site } from '../../lib/web/site.js'

const GET = { method: 'GET', path: '/files/a' }

await t.test('which requests are meant for us, and come from a page of ours', async (t) => {
  const site = new Site({ isTls: false, origin: 'https://pm.lab', hostName: 'Box' })
  const table: Array<[headers: Record<string, string>, status?: number, request?: object]> = [
    [{ host: '127.0.0.1:80' }], [{ host: '[::1]:80' }], [{ host: '10.1.2.3' }], [{ host: 'localhost:8080' }], [{ host: 'LOCALHOST' }], [{ host: 'box:1' }], [{ host: 'pm.lab' }], [{ host: 'pm.lab:8443' }],
    [{}, 421], [{ host: '' }, 421], [{ host: 'evil.com' }, 421], [{ host: 'localhost.evil.com' }, 421], [{ host: '127.0.0.1.evil.com' }, 421], [{ host: 'evil.com@localhost' }, 421], [{ host: '[::1' }, 421],
    [{ host: 'localhost:80:80' }, 421], [{ host: '127.0.0.1, evil.com' }, 421],
    [{ host: 'localhost:8080', origin: 'http://localhost:8080' }], [{ host: '127.0.0.1:8080', origin: 'https://pm.lab' }],
    [{ host: 'localhost:8080', origin: 'https://localhost:8080' }, 403], [{ host: 'localhost:8080', origin: 'http://localhost' }, 403], [{ host: 'localhost', origin: 'null' }, 403],
    [{ host: 'localhost', origin: 'http://evil.com' }, 403], [{ host: 'localhost', origin: 'https://pm.lab.evil.com' }, 403],
    [{ host: 'localhost', 'sec-fetch-site': 'same-origin' }], [{ host: 'localhost', 'sec-fetch-site': 'none' }],
    [{ host: 'localhost', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, 403], [{ host: 'localhost', 'sec-fetch-site': 'same-site' }, 403],
    [{ host: 'localhost', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }, 403],
    [{ host: 'localhost', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }, undefined, { path: '/' }],
    [{ host: 'localhost', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-user': '?1' }],
    [{ host: 'localhost', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-user': '?1' }, 403, { method: 'POST' }],
    [{ host: 'localhost', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-user': '?1', 'sec-fetch-dest': 'iframe' }, 403],
  ]
  for (const [headers, status, request] of table) {
    const assert = (): void => site.assertOurs({ ...GET, ...request, headers })
    const name = JSON.stringify({ ...headers, ...request })
    if (status === undefined) t.doesNotThrow(assert, name)
    else t.throws(assert, Object.assign(new Error(), { status }), name)
  }
  t.throws(() => site.assertOurs({ ...GET, headers: { host: 'localhost', origin: 'https://x' } }), { message: /"https:\/\/x".*http:\/\/localhost or https:\/\/pm\.lab/ }, 'it says what it compared')
})

await t.test('who asks, through proxies of ours', async (t) => {
  const proxies = new Proxies(['10.0.0.1', 'fd00::/8'])
  const table: Array<[peer: string, forwarded: string | undefined, client: string]> = [
    ['10.0.0.2', '1.1.1.1', '10.0.0.2'],
    ['10.0.0.1', undefined, '10.0.0.1'],
    ['10.0.0.1', '6.6.6.6, 1.1.1.1', '1.1.1.1'],
    ['::ffff:10.0.0.1', '6.6.6.6, 1.1.1.1, fd00::5', '1.1.1.1'],
    ['10.0.0.1', '1.1.1.1, nonsense', '10.0.0.1'],
    ['10.0.0.1', '10.0.0.1', '10.0.0.1'],
  ]
  for (const [peer, forwarded, client] of table) t.equal(proxies.clientOf(peer, forwarded), client, `${peer} ${forwarded}`)
  for (const wrong of ['', 'localhost', '10.0.0.0/99', '1.2.3.4/x']) t.throws(() => new Proxies([wrong]), { code: 'E_USAGE' }, wrong)
})

await t.test('an IPv6 stranger has a network', async (t) => {
  t.equal(networkOf('10.0.0.1'), '10.0.0.1')
  t.equal(networkOf('2001:db8:0:1:2:3:4:5'), networkOf('2001:DB8:0:1::9'))
  t.equal(networkOf('2001:db8::1'), '2001:db8:0:0::/64')
  t.not(networkOf('2001:db8:0:1::1'), networkOf('2001:db8:0:2::1'))
  t.equal(networkOf('fe80::1%eth0'), 'fe80:0:0:0::/64')
})

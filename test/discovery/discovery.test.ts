import t from 'tap'
import type { Packet } from 'dns-packet'
import { chooseTrackers, claimantsOf, whyNotFound, type Mine } from '../../lib/discovery/choose.js'
import { asksForUs, candidatesIn, recordsOf, SERVICE, type Candidate } from '../../lib/discovery/records.js'

const [NET, OTHER, ID] = ['00112233445566aa', '00112233445566bb', 'aabbccddeeff0011']

await t.test('what one says the other reads', async (t) => {
  const answers = recordsOf({ instance: 'x', net: NET, id: ID, port: 5 }, ['10.0.0.1', 'fd00::1'])
  t.strictSame(candidatesIn({ answers }, '10.0.0.1'), [{ net: NET, id: ID, hosts: ['10.0.0.1', 'fd00::1'], port: 5 }])
  t.strictSame(candidatesIn({ answers: recordsOf({ instance: 'x', net: NET, port: 5 }, []) }, '::ffff:10.0.0.9'), [{ net: NET, hosts: ['10.0.0.9'], port: 5 }])
  t.ok(asksForUs({ questions: [{ name: SERVICE, type: 'PTR' }] }))
  t.notOk(asksForUs({ questions: [{ name: '_http._tcp.local', type: 'PTR' }] }))
})

await t.test('nonsense is nobody', async (t) => {
  const good = recordsOf({ instance: 'x', net: NET, id: ID, port: 5 }, ['10.0.0.1'])
  const table: Array<[string, Packet]> = [
    ['nothing', {}],
    ['no text', { answers: good.filter(({ type }) => type !== 'TXT') }],
    ['another version', { answers: good.map((answer) => answer.type === 'TXT' ? { ...answer, data: ['v=2', `net=${NET}`, `id=${ID}`] } : answer) }],
    ['neither open nor a secret', { answers: good.map((answer) => answer.type === 'TXT' ? { ...answer, data: ['v=1', `net=${NET}`] } : answer) }],
    ['no port', { answers: good.map((answer) => answer.type === 'SRV' ? { ...answer, data: { ...answer.data, port: 0 } } : answer) }],
    ['a false net', { answers: recordsOf({ instance: 'x', net: 'zz', id: ID, port: 5 }, ['10.0.0.1']) }],
  ]
  for (const [what, packet] of table) t.strictSame(candidatesIn(packet, '10.0.0.1'), [], what)
  t.strictSame(candidatesIn({ answers: recordsOf({ instance: 'x', net: NET, port: 5 }, ['127.0.0.1', '169.254.1.1', 'fe80::1', '224.0.0.1']) }, '10.0.0.2')[0]?.hosts, ['10.0.0.2'], 'addresses that are nobody\'s are left out')
})

await t.test('taken is who has my secret, or the only open one if that was said to be all right', async (t) => {
  const mine: Candidate = { net: NET, id: ID, hosts: ['10.0.0.1'], port: 5 }
  const open: Candidate = { net: OTHER, hosts: ['10.0.0.2'], port: 6 }
  const chooseTracker = (all: Candidate[], who: Mine) => chooseTrackers(claimantsOf(all, who))
  t.strictSame(chooseTracker([open, mine], { id: ID, insecure: true }), [{ host: '10.0.0.1', port: 5 }])
  t.strictSame(chooseTracker([mine], { id: 'ffffffffffffffff', oldId: ID, insecure: false }), [{ host: '10.0.0.1', port: 5 }])
  t.strictSame(chooseTracker([open], { id: ID, insecure: true }), [])
  t.strictSame(chooseTracker([open, mine], { insecure: false }), [])
  t.strictSame(chooseTracker([open, mine], { insecure: true }), [{ host: '10.0.0.2', port: 6 }])
  t.strictSame(chooseTracker([mine, { ...mine, hosts: ['10.0.0.3'] }], { id: ID, insecure: false }).length, 2, 'two of one list are one network')
  t.throws(() => chooseTracker([mine, { ...mine, net: OTHER }], { id: ID, insecure: false }), { code: 'E_USAGE', message: /2 networks/ })
  t.match(whyNotFound([], { insecure: false }), /^no tracker found here in 2 s \(multicast/)
  t.match(whyNotFound([mine, open], { insecure: false }), /10\.0\.0\.1:5 \(with a secret: --secret-file F\), 10\.0\.0\.2:6 \(without a secret: --insecure takes it\)/)
  t.match(whyNotFound([mine], { id: 'ffffffffffffffff', insecure: false }), /with another secret: its id is aabbccddeeff0011/)
})

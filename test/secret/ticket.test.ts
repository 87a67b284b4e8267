import { createHash } from 'node:crypto'
import t from 'tap'
import { addressesIn, formatTicket, looksLikeTicket, parseTicket, ticketDigest, type Ticket } from '../../lib/secret/ticket.js'

const SECRET = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')
const DIGEST = Buffer.from('f0f1f2f3f4f5f6f7', 'hex')
const TICKET: Ticket = { hosts: ['192.168.1.10'], port: 40_123, secret: SECRET, digest: DIGEST }

function plain ({ hosts, port, secret, digest }: Ticket): unknown[] {
  return [hosts, port, Buffer.from(secret).toString('hex'), Buffer.from(digest).toString('hex')]
}

await t.test('one IPv4 address takes 56 letters, in groups of five, and is one word', async (t) => {
  const text = formatTicket(TICKET)
  t.match(text, /^pm1(?:-[0-9a-hjkmnp-tv-z]{5}){11}-[0-9a-hjkmnp-tv-z]$/)
  t.equal(text.replaceAll('-', '').length, 3 + 56)
  t.strictSame(plain(parseTicket(text)), plain(TICKET))
  t.strictSame(addressesIn(parseTicket(text)), [{ host: '192.168.1.10', port: 40_123 }])
})

await t.test('every kind of address comes back, up to eight', async (t) => {
  for (const hosts of [['::1'], ['2001:db8::7', '10.0.0.1'], ['files.lab', '1::'], ['fd00:1:2:3:4:5:6:7'], Array.from({ length: 8 }, (_, i) => `10.0.0.${i}`)]) {
    t.strictSame(plain(parseTicket(formatTicket({ ...TICKET, hosts }))), plain({ ...TICKET, hosts }), hosts.join(' '))
  }
  t.throws(() => formatTicket({ ...TICKET, hosts: Array.from({ length: 9 }, () => '10.0.0.1') }))
  t.throws(() => formatTicket({ ...TICKET, hosts: ['a b'] }), { code: 'E_USAGE' })
})

await t.test('case and hyphens do not count, nor do letters that look alike', async (t) => {
  const text = formatTicket(TICKET)
  for (const typed of [text.toUpperCase(), text.replaceAll('-', ''), text.replaceAll('0', 'o').replaceAll('1', 'l'), text.replaceAll('1', 'I').replaceAll('0', 'O'), text.split('').join('-')]) {
    t.strictSame(plain(parseTicket(typed)), plain(TICKET), typed)
  }
})

await t.test('each letter changed, and any two swapped, is told at once', async (t) => {
  const letters = formatTicket(TICKET).replaceAll('-', '')
  for (let at = 3; at < letters.length; at++) {
    for (const other of '0z7u') {
      const typed = letters.slice(0, at) + other + letters.slice(at + 1)
      if (typed !== letters) t.throws(() => parseTicket(typed), { code: 'E_USAGE' })
    }
    const [a = '', b = ''] = letters.slice(at, at + 2)
    if (b !== '' && a !== b) t.throws(() => parseTicket(letters.slice(0, at) + b + a + letters.slice(at + 2)), { code: 'E_USAGE' })
    t.throws(() => parseTicket(letters.slice(0, at)), { code: 'E_USAGE' })
  }
  for (const typed of ['', 'pm1', 'pm2', `${letters}0`, `${letters}00000000`, letters.slice(2)]) t.throws(() => parseTicket(typed), { code: 'E_USAGE' }, typed)
})

await t.test('one whose first letters are wrong is no name, either', async (t) => {
  const rest = formatTicket(TICKET).slice('pm1-'.length)
  for (const word of [`mp1-${rest}`, `qm1-${rest}`, `1-${rest}`, rest, `PN1-${rest.toUpperCase()}`]) {
    t.ok(looksLikeTicket(word), word)
    t.throws(() => parseTicket(word), { code: 'E_USAGE' })
  }
  for (const name of ['3f2b8c1e-6f1d-4a57-9d3e-0123456789ab', 'a'.repeat(64), 'holidays-2026-01-02-the-photos-of-all-of-us-together', `${rest}.iso`]) t.notOk(looksLikeTicket(name), name)
})

await t.test('what fills the last letter is 0', async (t) => {
  const text = formatTicket({ ...TICKET, hosts: ['a'] }).replaceAll('-', '')
  const last = text.charAt(text.length - 1)
  const others = [...'0123456789abcdefghjkmnpqrstvwxyz'].filter((letter) => letter !== last)
  for (const other of others) t.throws(() => parseTicket(text.slice(0, -1) + other), { code: 'E_USAGE' })
})

await t.test('a message about one never has its text, which is nearly a secret', async (t) => {
  const text = formatTicket(TICKET)
  try {
    parseTicket(`${text.slice(0, -1)}x`)
    t.fail('it was taken')
  } catch (error) {
    t.notMatch(String(error), text.slice(4, 12))
  }
})

await t.test('a long word that begins so is a ticket or a slip, and never a name', async (t) => {
  const text = formatTicket(TICKET)
  for (const word of [text, text.toUpperCase(), `${text}x`, `p-m${'a'.repeat(40)}`, `pm9${'a'.repeat(40)}`]) t.ok(looksLikeTicket(word), word)
  for (const word of ['pm1', 'pm.iso', `${text}.iso`, 'a'.repeat(50), `pm1_${'a'.repeat(50)}`, 'p'.repeat(39)]) t.notOk(looksLikeTicket(word), word)
})

await t.test('one item is known by its own digest, several by all of theirs, in whatever order', async (t) => {
  const digestOf = (text: string): string => `blake3:${createHash('sha256').update(text).digest('hex')}`
  const [a, b, c] = ['a', 'b', 'ä'].map((filename) => ({ filename, digest: digestOf(filename) })) as [{ filename: string, digest: string }, { filename: string, digest: string }, { filename: string, digest: string }]
  t.equal(ticketDigest([a]).toString('hex'), a.digest.slice(7, 23))
  t.equal(ticketDigest([a, b, c]).toString('hex'), ticketDigest([c, b, a]).toString('hex'))
  t.not(ticketDigest([a, b]).toString('hex'), ticketDigest([a, { ...b, filename: 'c' }]).toString('hex'))
  t.equal(ticketDigest([a, b]).length, 8)
})

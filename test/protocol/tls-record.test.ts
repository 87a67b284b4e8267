import t from 'tap'
import { decodeLine } from '../../lib/protocol/line.js'
import { beginsHandshake, UNEXPECTED_MESSAGE } from '../../lib/protocol/tls-record.js'

await t.test('no message begins as a handshake does', async (t) => {
  t.ok(beginsHandshake(Uint8Array.of(0x16, 3, 1)))
  for (const text of ['', '{"type":"x"}', 'GET / HTTP/1.1', '\n', ' {}', '\u0015\u0003\u0003']) t.notOk(beginsHandshake(Buffer.from(text)), JSON.stringify(text))
})

await t.test('an alert is a line as well, and says what is wanted', async (t) => {
  const line = Buffer.from(UNEXPECTED_MESSAGE).toString()
  t.equal(line.indexOf('\n'), line.length - 1)
  t.throws(() => decodeLine(line.trimEnd()), { code: 'E_AUTH', endsConnection: true, message: /secret/ })
})

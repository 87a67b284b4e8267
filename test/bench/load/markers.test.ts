import t from 'tap'
import { Markers } from './markers.js'

const TEXT = 'HTTP/1.1 200 OK\r\n\r\nHTTHTTP/1.1HTTP/1.1 200'

await t.test('a marker counts once wherever the stream is cut', async (t) => {
  for (let at = 0; at <= TEXT.length; at++) {
    const markers = new Markers('HTTP/1.1')
    t.equal(markers.count(Buffer.from(TEXT.slice(0, at))) + markers.count(Buffer.from(TEXT.slice(at))), 3, `cut at ${at}`)
  }
})

await t.test('byte by byte', async (t) => {
  const markers = new Markers('HTTP/1.1')
  t.equal([...Buffer.from(TEXT)].reduce((count, byte) => count + markers.count(Buffer.of(byte)), 0), 3)
})

await t.test('a marker of one byte', async (t) => {
  const markers = new Markers('\n')
  t.equal(markers.count(Buffer.from('{}\n{}\n{')), 2)
  t.equal(markers.count(Buffer.from('}\n')), 1)
  t.equal(markers.count(Buffer.from('')), 0)
})

import t from 'tap'
import { parseSize } from './sizes.js'

await t.test('letters are powers of 1024', async (t) => {
  for (const [text, bytes] of [['1', 1], ['1000', 1_000], ['2K', 2_048], ['64M', 67_108_864], ['4G', 4_294_967_296], ['4g', 4_294_967_296], ['1T', 1_099_511_627_776]] as const) {
    t.equal(parseSize(text), bytes, text)
  }
})

await t.test('anything else is no size', async (t) => {
  for (const text of ['', '0', '-1', '1.5G', '4 G', 'G', '4GiB', '1e9', '0x10', '99999999999T']) {
    t.throws(() => parseSize(text), { message: /is no size/ }, text)
  }
})

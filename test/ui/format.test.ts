import t from 'tap'
import { count, formatBytes, formatRate, formatSeconds, shortDigest } from '../../lib/ui/format.js'

await t.test('bytes in powers of 1024', async (t) => {
  const table: Array<[number, string]> = [
    [0, '0 B'], [1, '1 B'], [1_023, '1023 B'], [1_024, '1.00 KiB'], [1_536, '1.50 KiB'], [10_240, '10.0 KiB'], [102_400, '100 KiB'], [1_048_576, '1.00 MiB'],
    [1_073_741_824, '1.00 GiB'], [2 ** 40, '1.00 TiB'], [2 ** 50, '1.00 PiB'], [2 ** 53, '8.00 PiB'],
    [2 ** 20 - 1, '1.00 MiB'], [2 ** 20 - 1_024, '1023 KiB'], [0.4, '0 B'], [1_023.9, '1.00 KiB'],
  ]
  for (const [bytes, text] of table) t.equal(formatBytes(bytes), text)
})

await t.test('rates, times, counts, digests', async (t) => {
  t.equal(formatRate(1_048_576, 2), '512 KiB/s')
  t.match(formatRate(5, 0), /^\d.*B\/s$/, 'no division by nothing')
  t.equal(formatSeconds(0.1234), '0.12 s')
  t.equal(formatSeconds(12.3), '12 s')
  t.equal(count(0, 'owner'), '0 owners')
  t.equal(count(1, 'owner'), '1 owner')
  t.equal(count(2, 'owner'), '2 owners')
  t.equal(shortDigest(`blake3:${'0123456789abcdef'.repeat(4)}`), 'blake3:0123456789ab')
})

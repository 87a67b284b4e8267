import t from 'tap'
import { parseRate } from '../../lib/cli/rate.js'
import { KiB } from '../../lib/protocol/units.js'

await t.test('rates', async (t) => {
  const table: Array<[text: string, bytesPerSecond: number | undefined]> = [
    ['50M', 50 * KiB ** 2], ['800K', 800 * KiB], ['1.5G', 1.5 * KiB ** 3], ['65536', 65_536], ['1024', 1_024], ['1K', KiB], ['1k', KiB], ['2m', 2 * KiB ** 2], ['3g', 3 * KiB ** 3],
    ['1.0009K', 1_024], ['1500.5', 1_500], ['0.5M', KiB ** 2 / 2], ['9007199254740991', Number.MAX_SAFE_INTEGER], ['off', undefined],
  ]
  for (const [text, bytesPerSecond] of table) t.equal(parseRate(text), bytesPerSecond, text)
})

await t.test('what is none', async (t) => {
  const table = [
    '', '0', '0K', '-1', '-50M', '+50M', '1023', '0.5K', 'M', '50MB', '50MiB', '50M/s', '50 M', ' 50M', '50M ', '1,5G', '1e6', '0x400', 'Infinity', 'NaN', 'OFF', 'none', '5T',
    '1.M', '.5M', '1.5.5M', '9007199254740992', '9'.repeat(400), '99999999999G', '__proto__', '50M\n', '５０M',
  ]
  for (const text of table) t.throws(() => parseRate(text), { code: 'E_USAGE', exitStatus: 2, message: /no rate.*50M/ }, JSON.stringify(text))
})

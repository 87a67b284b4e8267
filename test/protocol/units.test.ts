import t from 'tap'
import { inSeconds } from '../../lib/protocol/units.js'

await t.test('times for people are rounded', async (t) => {
  const table: Array<[ms: number, text: string]> = [
    [8_000, '8 s'], [7_999.9975060000015, '8 s'], [1_500, '1.5 s'], [500, '0.5 s'], [50, '0.05 s'], [1, '0 s'], [9_960, '10 s'], [15_000, '15 s'], [600_000, '600 s'], [12_345, '12 s'],
  ]
  for (const [ms, text] of table) t.equal(inSeconds(ms), text)
})

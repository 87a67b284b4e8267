import t from 'tap'
import { parseDuration } from '../../lib/cli/duration.js'

await t.test('times as they are typed', async (t) => {
  const table: Array<[text: string, ms: number]> = [
    ['10', 600_000], ['10m', 600_000], ['10M', 600_000], ['1s', 1_000], ['90s', 90_000], ['2h', 7_200_000], ['1.5h', 5_400_000], ['0.5', 30_000], ['007m', 420_000],
  ]
  for (const [text, ms] of table) t.equal(parseDuration(text), ms, text)
})

await t.test('what is no time', async (t) => {
  for (const text of ['', 's', '0', '0s', '0.9s', '-1', '+1', '1 m', '1ms', '1d', '1e3', '0x10', 'Infinity', 'off', '1m30s', '.5', '5.', `${'9'.repeat(20)}h`]) {
    t.throws(() => parseDuration(text), { code: 'E_USAGE', message: /is no time/ }, text)
  }
})

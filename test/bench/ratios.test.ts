import t from 'tap'
import type { Contestant } from './contestant.js'
import { briefTable, shortfalls, wholeTable } from './ratio-table.js'
import { compare, figure, isMet, type Quantity, type Ratio } from './ratios.js'
import type { Runs } from './rounds.js'

const SECONDS: Quantity<number> = { name: 'time', unit: 's', of: (seconds) => seconds }

function contestant (name: string, hint?: string): Contestant<number> {
  return { name, available: () => hint, targets: [], run: async () => 0 }
}

const [ours, theirs, absent] = [contestant('ours'), contestant('cp'), contestant('curl', 'apt-get install curl')]
const runs: Runs<number> = new Map([[ours, [2, 30, 3]], [theirs, [1, 10, 2]]])
const common = { what: '1 GiB', runs, ours, quantity: SECONDS }

await t.test('a ratio is taken within each round, and the median is what is asked about', async (t) => {
  const ratio = compare({ ...common, theirs, ask: { atMost: 2 } })
  t.same(ratio.values, [2, 3, 1.5])
  t.equal(isMet(ratio), true)
  t.equal(isMet({ ...ratio, ask: { atLeast: 2.5 } }), false)
  t.equal(isMet({ ...ratio, ask: undefined }), undefined)
})

await t.test('who did not take part has a row that says why', async (t) => {
  const ratio = compare({ ...common, theirs: absent, ask: { atMost: 1 } })
  t.match(ratio, { theirs: 'curl', values: [], skipped: 'apt-get install curl' })
  t.equal(isMet(ratio), undefined)
  t.equal(wholeTable([ratio])[1]?.[4], 'skipped')
  t.same(shortfalls([ratio]), ['skipped: 1 GiB, time, in times of curl (apt-get install curl)'])
})

await t.test('what the system does not tell is not a figure', async (t) => {
  t.match(figure({ ...common, quantity: { ...SECONDS, of: () => undefined } }), { values: [], skipped: /does not tell/ })
})

await t.test('the whole table', async (t) => {
  const rows: Ratio[] = [compare({ ...common, theirs, ask: { atMost: 1.2 } }), figure(common)]
  t.strictSame(wholeTable(rows).slice(1), [
    ['1 GiB', 'time', 'ours', 'cp', '2.00', '1.50', '3.00', '3', 'at most 1.2, missed'],
    ['1 GiB', 'time', 'ours', '', '3.00 s', '2.00 s', '30.0 s', '3', ''],
  ])
  t.same(shortfalls(rows), ['missed: 1 GiB, time, in times of cp: 2.00, asked: at most 1.2'])
})

await t.test('the table in brief has a row for all that one thing is compared with, and none for what is ours alone', async (t) => {
  const rows: Ratio[] = [compare({ ...common, theirs }), compare({ ...common, theirs: absent }), figure({ ...common, what: 'starting' })]
  t.strictSame(briefTable(rows).slice(1), [
    ['1 GiB', 'time', 'cp: 2.00 (1.50 to 3.00); curl: not measured'],
  ])
})

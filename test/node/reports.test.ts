import t from 'tap'
import { OwnerRates } from '../../lib/node/owner-rates.js'
import { Reports } from '../../lib/node/reports.js'
import { parseNodeToTracker, reportThatFits, type Report, type ReportedDownload } from '../../lib/protocol/node-to-tracker.js'

const DOWN: ReportedDownload = ['a', '0123456789abcdef', 5, 10, 2, [['NodeA', 2]]]

await t.test('what goes on is told while it does, and once when it is over', async (t) => {
  let [nowMs, sent] = [0, 0]
  let down: ReportedDownload[] = []
  const said: Report[] = []
  const reports = new Reports({ isWanted: () => true, down: () => down, sentBytes: async () => sent, say: async (report) => said.push(report), now: () => nowMs })
  const tell = async (): Promise<Report[]> => {
    nowMs += 2_000
    await reports.tell()
    return said.splice(0)
  }
  t.strictSame(await tell(), [])
  down = [DOWN]
  sent = 4_000
  t.strictSame(await tell(), [{ down, up: 2_000 }])
  down = []
  t.strictSame(await tell(), [{ down: [], up: 0 }])
  t.strictSame(await tell(), [])
  sent = 0
  t.strictSame(await tell(), [], 'a thread that began anew')
})

await t.test('an owner\'s rate is what it has sent since then', async (t) => {
  const rates = new OwnerRates()
  t.strictSame(rates.look(new Map([['A', 100]]), 0), [])
  t.strictSame(rates.look(new Map([['A', 300], ['B', 50], ['C', 0]]), 1_000), [['A', 200], ['B', 50]])
  t.strictSame(rates.look(new Map([['A', 200], ['B', 50]]), 2_000), [], 'what was lost again is no rate')
})

await t.test('a report fits', async (t) => {
  const long = Array.from({ length: 20 }, (_, i): ReportedDownload => [`${i}`.padEnd(255, 'ä').slice(0, 120), '0123456789abcdef', 1, 2, 3, Array.from({ length: 50 }, (_, j) => [`Node${j}`, j])])
  const fitting = reportThatFits({ down: long, up: 0 })
  t.ok(fitting.down.length > 0 && fitting.down.length <= 8)
  t.ok(Buffer.byteLength(JSON.stringify(fitting)) <= 2_048)
  t.equal(reportThatFits({ down: Array.from({ length: 20 }, () => DOWN), up: 0 }).down.length, 8)
})

await t.test('a report is checked like all that comes off the wire', async (t) => {
  const parse = (report: unknown): object => parseNodeToTracker({ type: 'NodeToTracker', mode: 'alive', name: 'N', report })
  t.match(parse({ down: [DOWN], up: 1, more: 1 }), { report: { down: [DOWN], up: 1 } })
  for (const report of [null, [], { down: [], up: -1 }, { down: [], up: 0.5 }, { up: 1 }, { down: [['a']], up: 1 }, { down: Array(9).fill(DOWN), up: 1 }, { down: [[...DOWN, 1]], up: 1 },
    { down: [['a', 'zz', 1, 1, 1, []]], up: 1 }, { down: [['a/b', '0123456789abcdef', 1, 1, 1, []]], up: 1 }, { down: [['a', '0123456789abcdef', 1, 1, 1, [['A', 1, 2]]]], up: 1 },
    { down: [['a', '0123456789abcdef', 1, 1, 1, Array(51).fill(['A', 1])]], up: 1 }]) t.throws(() => parse(report), { code: /E_PROTOCOL|E_NAME/ }, JSON.stringify(report).slice(0, 60))
})

import t from 'tap'
import { StreamCount } from '../../lib/download/stream-count.js'

/** What it says every 100 ms, while the process uses so many cores. */
function counts (most: number, cores: number, usedCores: readonly number[]): number[] {
  let usedMs = 12_345
  const streams = new StreamCount({ most, cores, processorMs: () => usedMs })
  return [0, ...usedCores].map((used, i) => {
    usedMs += used * 100
    return streams.at(50_000 + i * 100)
  })
}

await t.test('more while there is processor time left, up to the most', async (t) => {
  t.strictSame(counts(8, 2, [0.1, 0.3, 0.5, 0.7, 0.7]), [2, 4, 6, 8, 8, 8])
  t.strictSame(counts(3, 2, [0, 0]), [2, 3, 3])
  t.strictSame(counts(1, 2, [0, 0]), [1, 1, 1])
})

await t.test('two where they keep the machine busy', async (t) => {
  t.strictSame(counts(8, 2, [1.3, 1.2, 1.4]), [2, 2, 2, 2])
  t.strictSame(counts(8, 2, [1.3, 0.2, 1.4]), [2, 2, 4, 4], 'until they do not')
  t.strictSame(counts(8, 16, [1.9, 3.8, 5.7]), [2, 4, 6, 8], 'on many cores they do not')
})

await t.test('looked at too soon it says what it said', async (t) => {
  const streams = new StreamCount({ most: 8, cores: 2, processorMs: () => 0 })
  t.strictSame([0, 10, 20, 95, 100, 190].map((ms) => streams.at(ms)), [2, 2, 2, 4, 4, 6])
})

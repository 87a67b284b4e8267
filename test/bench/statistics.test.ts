import t from 'tap'
import { knownMedian, markdown, median, medianRatio, spread } from './statistics.js'

await t.test('median', async (t) => {
  t.equal(median([3, 1, 2]), 2)
  t.equal(median([4, 1, 2, 3]), 2.5)
  t.equal(median([7]), 7)
  t.equal(knownMedian([undefined, 3, 1]), 2)
  t.equal(knownMedian([undefined]), undefined)
})

await t.test('a ratio is taken within each round, for a slow moment slows both', async (t) => {
  t.equal(medianRatio([2, 20, 3], [1, 10, 1]), 2)
  t.equal(medianRatio([1, 9], [2, 3]), 1.75)
})

await t.test('one value has no least and most', async (t) => {
  t.equal(spread([1.234], 's', 2), '1.23 s')
  t.equal(spread([3, 1, 2], 's', 1), '2.0 s (1.0 to 3.0)')
})

await t.test('columns are as wide as their widest cell', async (t) => {
  t.equal(markdown([['a', 'b'], ['long', '1']]), '| a    | b |\n| ---- | - |\n| long | 1 |')
  t.equal(markdown([['a', 'b'], ['long', '1']], { padded: false }), '| a | b |\n| --- | --- |\n| long | 1 |')
})

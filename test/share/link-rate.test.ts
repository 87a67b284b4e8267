import t from 'tap'
import { LinkRate } from '../../lib/share/link-rate.js'

/** After a tenth of a second with a thousand bytes a millisecond. */
function rateOfThousand (): LinkRate {
  const rate = new LinkRate()
  rate.look(() => 0, 0)
  rate.look(() => 100_000, 100)
  return rate
}

void t.test('a stream that takes hardly anything of the link is slow, once it has had the time to show more', async (t) => {
  const rate = rateOfThousand()
  t.equal(rate.isSlow(1_000, 499), false, 'it has just begun')
  t.equal(rate.isSlow(1_000, 500), true, 'a five-hundredth')
  t.equal(rate.isSlow(10_000, 500), false, 'a fiftieth')
  t.equal(new LinkRate().isSlow(0, 10_000), false, 'nothing is known of the link')
})

void t.test('a moment tells nothing of the link', async (t) => {
  const rate = rateOfThousand()
  rate.look(() => 200_000, 110)
  t.equal(rate.isSlow(10_000, 500), false)
})

void t.test('a link that has become slower is known as that after a while', async (t) => {
  const rate = rateOfThousand()
  t.equal(rate.isSlow(1_000, 1_000), true)
  rate.look(() => 101_000, 600_000)
  t.equal(rate.isSlow(1_000, 1_000), false)
})

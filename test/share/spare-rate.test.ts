import t from 'tap'
import { SpareRate } from '../../lib/share/spare-rate.js'

void t.test('there is room while much less goes out than lately did', async (t) => {
  const rate = new SpareRate()
  t.equal(rate.isThere(() => 0, 0), false, 'nothing is known yet')
  t.equal(rate.isThere(() => 1_000, 100), false, 'that is the best there was')
  t.equal(rate.isThere(() => 1_000, 110), false, 'it is not looked again so soon')
  t.equal(rate.isThere(() => 1_600, 200), false)
  t.equal(rate.isThere(() => 1_700, 300), true, 'a tenth')
})

void t.test('a link that has become slower is known as that after a while', async (t) => {
  const rate = new SpareRate()
  rate.isThere(() => 0, 0)
  rate.isThere(() => 1_000, 100)
  let sent = 1_000
  const answers = Array.from({ length: 300 }, (_, i) => rate.isThere(() => { sent += 1_000; return sent }, 1_100 + i * 1_000))
  t.equal(answers[0], true)
  t.equal(answers.at(-1), false)
})

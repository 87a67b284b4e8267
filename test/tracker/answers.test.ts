import t from 'tap'
import { ANSWERS_AT_HAND } from '../../lib/protocol/limits.js'
import { Answers } from '../../lib/tracker/answers.js'
import { Edition } from '../../lib/tracker/edition.js'
import { Holder } from '../../lib/tracker/holders.js'
import { record } from './registry-conformance.js'

function shared (filename: string): Edition {
  const edition = new Edition(record(filename))
  edition.add(new Holder({ name: 'NodeA', host: '192.0.2.1', inputPort: 1, outputPort: 2, complete: true }, true))
  return edition
}

await t.test('an answer is at hand for the next who ask, until as many others were asked for', async (t) => {
  const answers = new Answers()
  const edition = shared('a')
  const first = answers.answer(edition, 'x')
  t.equal(answers.answer(edition, 'y'), first)
  t.not(answers.answer(edition, 'NodeA'), first, 'but not for one of its owners')
  for (let i = 1; i < ANSWERS_AT_HAND; i++) answers.answer(shared(`${i}`), 'x')
  t.equal(answers.answer(edition, 'x'), first)
  answers.answer(shared('one more'), 'x')
  t.not(answers.answer(edition, 'x'), first)
})

await t.test('it is not given once its owners are others', async (t) => {
  const answers = new Answers()
  const edition = shared('a')
  const first = answers.answer(edition, 'x')
  answers.forget(edition)
  t.not(answers.answer(edition, 'x'), first)
})

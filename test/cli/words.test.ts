import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import t from 'tap'
import { splitWords } from '../../lib/cli/words.js'

const character = fc.oneof(fc.constantFrom(...'a \t"\'\\$`#~*?[]{}()<>|&;!%=-+@,.:/^\u00a0\u200b'), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }))
  .filter((text) => !/\p{Cc}/u.test(text) || text === '\t')
/** Ways to write a stretch of a word, in which a shell replaces nothing. */
const stretch = fc.oneof(
  fc.array(character.filter((text) => !text.includes("'"))).map((text) => `'${text.join('')}'`),
  fc.array(fc.oneof(character.filter((text) => !/["$`\\]/.test(text)), character.map((text) => `\\${text}`))).map((text) => `"${text.join('')}"`),
  character.map((text) => `\\${text}`),
  fc.stringMatching(/^[a-zA-Z0-9%+,./:@_=éß日-]{1,5}$/)
)
const word = fc.array(stretch, { minLength: 1, maxLength: 5 }).map((stretches) => stretches.join(''))

await t.test('200 words mean what they mean to sh', async (t) => {
  const words = fc.sample(word, { numRuns: 200, seed: 12_340 })
  const meant = execFileSync('sh', ['-c', `printf '%s\\0' ${words.join(' ')}`], { encoding: 'utf8' }).split('\0').slice(0, -1)
  t.equal(meant.length, 200)
  t.strictSame(words.map((word) => splitWords(word)), meant.map((word) => [word]))
  t.strictSame(splitWords(words.join(' \t ')), meant, 'all of them in one line')
})

await t.test('a line that ends too early says why', async (t) => {
  for (const [line, why] of [['a "b', /double quote/], ["a 'b", /single quote/], ['"a\\"', /double quote/], ["a'b\\", /single quote/], ['a\\', /backslash/], ['"a\\', /backslash|double quote/]] as const) {
    t.throws(() => splitWords(line), { message: why }, line)
  }
})

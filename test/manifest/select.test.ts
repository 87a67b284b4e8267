import t from 'tap'
import { selectEntries } from '../../lib/manifest/select.js'
import { build, file, folder, inOrder, link } from './manifests.js'

const manifest = build(inOrder([
  file('.hidden'), file('.git/config'), file('a.png'), file('b.txt'), file('data/a.png'), file('data/x/b.png'), file('data/x/c'), link('data/l', 'x'), folder('empty'),
  file('data-2/a.png'), file('[odd]/{name}'), file('😀/é'), file('u\u2028v/w'), file('-rf'), file('!bang'),
]))

function select (...patterns: string[]): string[] {
  return [...selectEntries(manifest, patterns)].map((index) => manifest.path(index))
}

await t.test('a pattern is what picomatch makes of it, dot files included, and what is below', async (t) => {
  const table: Array<[patterns: string[], paths: string[]]> = [
    [['a.png'], ['a.png']],
    [['*.png'], ['a.png']],
    [['**/*.png'], ['a.png', 'data/a.png', 'data/x/b.png', 'data-2/a.png']],
    [['data'], ['data/a.png', 'data/l', 'data/x/b.png', 'data/x/c']],
    [['data/'], ['data/a.png', 'data/l', 'data/x/b.png', 'data/x/c']],
    [['./data/x'], ['data/x/b.png', 'data/x/c']],
    [['data/*'], ['data/a.png', 'data/l', 'data/x/b.png', 'data/x/c']],
    [['dat?'], ['data/a.png', 'data/l', 'data/x/b.png', 'data/x/c']],
    [['data*/a.png'], ['data/a.png', 'data-2/a.png']],
    [['data/{l,x}'], ['data/l', 'data/x/b.png', 'data/x/c']],
    [['.*'], ['.git/config', '.hidden']],
    [['.git'], ['.git/config']],
    [['**/config'], ['.git/config']],
    [['e*'], ['empty']],
    [['\\[odd\\]/\\{name\\}'], ['[odd]/{name}']],
    [['😀'], ['😀/é']],
    [['**/w'], ['u\u2028v/w']],
    [['u*'], ['u\u2028v/w']],
    [['-rf'], ['-rf']],
    [['\\!bang'], ['!bang']],
    [['a.png', 'b.txt', 'a*'], ['a.png', 'b.txt']],
    [['a.*', 'a.png'], ['a.png']],
  ]
  for (const [patterns, paths] of table) t.strictSame(select(...patterns), paths, patterns.join(' '))
  const all = [...manifest.entries()].map(({ path }) => path)
  t.strictSame(select(), all, 'none: all of it')
  t.strictSame(select('**'), all)
  t.strictSame(select('!data'), all.filter((path) => !path.startsWith('data/')), 'what is below a path that is left out is left out')
  t.strictSame(select('!!data/x'), ['data/x/b.png', 'data/x/c'])
  t.strictSame(select('!(data|data-2)/**', 'a.png'), all.filter((path) => !path.startsWith('data')), 'which is another thing than !')
})

await t.test('a pattern that matches nothing is an error, and so is none', async (t) => {
  for (const pattern of ['nothing', 'DATA', 'a.png/x', '/data', '../data', 'data/x/c/d']) {
    t.throws(() => select('data', pattern), { code: 'E_USAGE', message: `nothing in the folder matches ${JSON.stringify(pattern)}` }, pattern)
  }
  for (const pattern of ['', '!', '/', 'x'.repeat(100_000)]) t.throws(() => select(pattern), { code: 'E_USAGE', message: /is no pattern$/ }, pattern.slice(0, 5))
})

import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { assertAbsent, publish } from '../../lib/disk/publish.js'

/** What may have the name already. */
const THERE: Record<string, (path: string) => void> = {
  'a file': (path) => writeFileSync(path, 'mine'),
  'an empty file': (path) => writeFileSync(path, ''),
  'a folder': (path) => { mkdirSync(path) },
  'a link to a file': (path) => {
    writeFileSync(`${path}.target`, 'mine')
    symlinkSync(`${path}.target`, path)
  },
  'a dangling link': (path) => symlinkSync('nowhere', path),
}

function setUp (t: Pick<Test, 'testdir'>): { from: string, to: string, folder: string } {
  const folder = t.testdir({ '.hidden': { part: 'fetched' } })
  return { folder, from: join(folder, '.hidden', 'part'), to: join(folder, 'final') }
}

/** Whatever is there, with enough about it to see that it is the same afterwards. */
function look (path: string): string {
  const { ino, size, mode, mtimeMs } = lstatSync(path)
  return [ino, size, mode, mtimeMs, lstatSync(path).isSymbolicLink() ? readlinkSync(path) : ''].join(' ')
}

await t.test('the file gets its name, and its old one goes', async (t) => {
  const { folder, from, to } = setUp(t)
  const { ino } = lstatSync(from)
  await t.resolves(assertAbsent(to, 'final'))
  await publish(from, to, 'final')
  t.equal(readFileSync(to, 'utf8'), 'fetched')
  t.equal(lstatSync(to).ino, ino, 'at once: it is the same file')
  t.strictSame(readdirSync(join(folder, '.hidden')), [])
})

for (const [what, put] of Object.entries(THERE)) {
  await t.test(`${what} has the name already`, async (t) => {
    const { from, to } = setUp(t)
    put(to)
    const before = look(to)
    await t.rejects(assertAbsent(to, 'fi\nnal'), { code: 'E_EXISTS', message: /"fi\\nnal"/ })
    await t.rejects(publish(from, to, 'final'), { code: 'E_EXISTS', message: /"final"/ })
    t.equal(look(to), before, 'it is left untouched')
    t.equal(readFileSync(from, 'utf8'), 'fetched', 'and so is what was fetched')
  })
}

await t.test('of several at once one wins, and nobody\'s file is replaced', async (t) => {
  const { folder, to } = setUp(t)
  const names = ['a', 'b', 'c', 'd']
  for (const name of names) writeFileSync(join(folder, '.hidden', name), name)
  const results = await Promise.allSettled(names.map(async (name) => await publish(join(folder, '.hidden', name), to, 'final')))
  const winners = names.filter((_, i) => results[i]?.status === 'fulfilled')
  t.equal(winners.length, 1)
  t.equal(readFileSync(to, 'utf8'), winners[0])
  for (const result of results) if (result.status === 'rejected') t.match(result.reason, { code: 'E_EXISTS' })
})

await t.test('where it can\'t be published, what was fetched stays', async (t) => {
  const { folder, from, to } = setUp(t)
  await t.rejects(publish(from, join(folder, 'nowhere', 'final'), 'final'), { code: 'E_IO', message: /"final"/ })
  t.equal(readFileSync(from, 'utf8'), 'fetched')
  await t.rejects(publish(join(folder, '.hidden', 'gone'), to, 'final'), { code: 'E_IO' })
  t.throws(() => lstatSync(to), { code: 'ENOENT' })
})

await t.test('a name that can\'t be looked for', async (t) => {
  const folder = t.testdir({ file: 'x' })
  await t.rejects(assertAbsent(join(folder, 'file', 'final'), 'final'), { code: 'E_IO', message: /"final"/ })
})

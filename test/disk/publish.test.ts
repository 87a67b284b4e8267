import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import fsPromises from 'node:fs/promises'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { giveName, type Naming } from '../../lib/disk/give-name.js'
import { assertAbsent, publish, secureName } from '../../lib/disk/publish.js'
import { replace } from '../helpers/replace.js'

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

const WAYS = ['link', 'move', 'claim'] as const

async function publishBy (way: Naming['way'], from: string, to: string): Promise<void> {
  const naming = { way, hiddenFolder: dirname(from) }
  await publish({ from, to, filename: 'final', naming }, async (task) => giveName(task))
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

for (const way of WAYS) {
  await t.test(`by ${way}: the file gets its name, and its old one goes`, async (t) => {
    const { folder, from, to } = setUp(t)
    const { ino } = lstatSync(from)
    await t.resolves(assertAbsent(to, 'final'))
    await publishBy(way, from, to)
    t.equal(readFileSync(to, 'utf8'), 'fetched')
    t.equal(lstatSync(to).ino, ino, 'at once: it is the same file')
    t.strictSame(readdirSync(join(folder, '.hidden')), [])
  })

  for (const [what, put] of Object.entries(THERE)) {
    await t.test(`by ${way}: ${what} has the name already`, async (t) => {
      const { folder, from, to } = setUp(t)
      put(to)
      const before = look(to)
      await t.rejects(assertAbsent(to, 'fi\nnal'), { code: 'E_EXISTS', message: /"fi\\nnal"/ })
      await t.rejects(publishBy(way, from, to), { code: 'E_EXISTS', message: /"final"/ })
      t.equal(look(to), before, 'it is left untouched')
      t.strictSame(readdirSync(join(folder, '.hidden')), ['part'])
      t.equal(readFileSync(from, 'utf8'), 'fetched', 'and so is what was fetched')
    })
  }

  await t.test(`by ${way}: of several at once one wins, and nobody's file is replaced`, async (t) => {
    const { folder, to } = setUp(t)
    const names = ['a', 'b', 'c', 'd']
    for (const name of names) writeFileSync(join(folder, '.hidden', name), name)
    const results = await Promise.allSettled(names.map(async (name) => await publishBy(way, join(folder, '.hidden', name), to)))
    const winners = names.filter((_, i) => results[i]?.status === 'fulfilled')
    t.equal(winners.length, 1)
    t.equal(readFileSync(to, 'utf8'), winners[0])
    for (const result of results) if (result.status === 'rejected') t.match(result.reason, { code: 'E_EXISTS' })
  })

  await t.test(`by ${way}: where it can't be published, what was fetched stays`, async (t) => {
    const { folder, from, to } = setUp(t)
    await t.rejects(publishBy(way, from, join(folder, 'nowhere', 'final')), { code: 'E_IO', message: /"final"/ })
    t.equal(readFileSync(from, 'utf8'), 'fetched')
    await t.rejects(publishBy(way, join(folder, '.hidden', 'gone'), to), { code: 'E_IO' })
    t.throws(() => lstatSync(to), { code: 'ENOENT' })
    t.strictSame(readdirSync(join(folder, '.hidden')), ['part'])
  })
}

await t.test('a name that can\'t be looked for', async (t) => {
  const folder = t.testdir({ file: 'x' })
  await t.rejects(assertAbsent(join(folder, 'file', 'final'), 'final'), { code: 'E_IO', message: /"final"/ })
})

await t.test('files that are named while the folder is synced share the next sync, and the open folder', async (t) => {
  const calls: string[] = []
  const folder = t.testdir()
  let whileSyncing: () => void = () => {}
  replace(t, fsPromises, ({ open }) => ({
    open: async (path) => {
      calls.push('open')
      const handle = await open(path)
      const { sync, close } = { sync: handle.sync.bind(handle), close: handle.close.bind(handle) }
      return Object.assign(handle, {
        sync: async () => {
          calls.push('sync')
          whileSyncing()
          await sync()
        },
        close: async () => {
          calls.push('close')
          await close()
        },
      })
    },
  }))
  const secured: Array<Promise<void>> = []
  const secure = (): void => { secured.push(secureName(join(folder, 'final'), 'final')) }
  whileSyncing = () => {
    whileSyncing = () => {}
    secure()
    secure()
  }
  secure()
  await Promise.all(secured.splice(0))
  await Promise.all(secured)
  t.strictSame(calls, ['open', 'sync', 'sync', 'close'])
  await secureName(join(folder, 'final'), 'final')
  t.strictSame(calls.slice(4), ['open', 'sync', 'close'], 'it does not stay open when nobody asks')
})

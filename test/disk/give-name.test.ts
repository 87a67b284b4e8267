import fs, { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { findNaming, giveName, undoClaim } from '../../lib/disk/give-name.js'
import { claimNote } from '../../lib/disk/hidden.js'
import { replace } from '../helpers/replace.js'

/** File calls that fail, until what is returned is called. */
function breakCalls (t: Test, faults: Partial<Record<'linkSync' | 'renameSync' | 'writeFileSync', string>>): () => void {
  return replace(t, fs, () => Object.fromEntries(Object.entries(faults).map(([call, code]) => [call, () => { throw Object.assign(new Error(`${code}: injected`), { code }) }])))
}

/** Puts a command `mv` of another kind before all others. */
function useMv (t: Test, script: string): void {
  const bin = join(t.testdirName, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'mv'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  const { PATH } = process.env
  process.env.PATH = `${bin}:${PATH}`
  t.teardown(() => { process.env.PATH = PATH })
}

function hiddenFolder (t: Test): string {
  return t.testdir({ '.hidden': { part: 'fetched' } }) + '/.hidden'
}

await t.test('what the file system can do is tried, and nothing of it is left', async (t) => {
  const hidden = hiddenFolder(t)
  t.strictSame(findNaming(hidden), { way: 'link', hiddenFolder: hidden })
  breakCalls(t, { linkSync: 'EPERM' })
  t.equal(findNaming(hidden).way, 'move')
  t.strictSame(readdirSync(hidden), ['part'])
})

const OTHER_MOVES: Record<string, string> = {
  'that replaces what is there': 'exec /bin/mv -fT -- "$3" "$4"',
  'that knows none of these flags': 'exit 1',
  'that copies': 'cp "$3" "$4" && rm "$3"',
  'that does nothing': 'exit 0',
}
for (const [what, script] of Object.entries(OTHER_MOVES)) {
  await t.test(`an mv ${what} is not used`, async (t) => {
    const hidden = hiddenFolder(t)
    useMv(t, script)
    breakCalls(t, { linkSync: 'ENOSYS' })
    t.equal(findNaming(hidden).way, 'claim')
    t.strictSame(readdirSync(hidden), ['part'])
  })
}

await t.test('a folder that can\'t be tried in: a link is tried first, and another way after it', async (t) => {
  const hidden = hiddenFolder(t)
  const makeRoom = breakCalls(t, { writeFileSync: 'ENOSPC' })
  t.equal(findNaming(hidden).way, 'link')
  makeRoom()
  breakCalls(t, { linkSync: 'EMLINK' })
  const to = join(hidden, '..', 'final')
  giveName({ from: join(hidden, 'part'), to, filename: 'final', naming: { way: 'link', hiddenFolder: hidden } })
  t.equal(readFileSync(to, 'utf8'), 'fetched')
})

await t.test('a claim that can\'t be made good is given up', async (t) => {
  const hidden = hiddenFolder(t)
  breakCalls(t, { renameSync: 'EIO' })
  const to = join(hidden, '..', 'final')
  t.throws(() => giveName({ from: join(hidden, 'part'), to, filename: 'final', naming: { way: 'claim', hiddenFolder: hidden } }), { code: 'E_IO' })
  t.notOk(existsSync(to))
  t.strictSame(readdirSync(hidden), ['part'])
})

await t.test('a name with a dash in front', async (t) => {
  const hidden = hiddenFolder(t)
  const from = join(hidden, '..', '-f')
  writeFileSync(from, 'fetched')
  giveName({ from, to: join(hidden, '..', '--help'), filename: '--help', naming: { way: 'move', hiddenFolder: hidden } })
  t.equal(readFileSync(join(hidden, '..', '--help'), 'utf8'), 'fetched')
})

await t.test('what a claim leaves that was killed', async (t) => {
  const folder = t.testdir({ '.hidden': {} })
  const note = claimNote(join(folder, '.hidden'), 'part')
  const path = join(folder, 'final')
  const table: Array<[what: string, isRemoved: boolean, put: () => void]> = [
    ['the empty file', true, () => writeFileSync(path, '')],
    ['a file with something in it', false, () => writeFileSync(path, 'mine')],
    ['an empty file of another time', false, () => {
      writeFileSync(path, '')
      utimesSync(path, 1_000, 1_000)
    }],
    ['a link', false, () => symlinkSync('nowhere', path)],
    ['a folder', false, () => { mkdirSync(path) }],
  ]
  for (const [what, isRemoved, put] of table) {
    writeFileSync(note, JSON.stringify({ filename: 'final' }))
    put()
    undoClaim(note, folder)
    t.equal(lstatSync(path, { throwIfNoEntry: false }) === undefined, isRemoved, what)
    t.notOk(existsSync(note))
    fs.rmSync(path, { recursive: true, force: true })
  }
  for (const [what, isRemoved, put] of [
    ['the empty folder', true, () => mkdirSync(path)],
    ['a folder with something in it', false, () => mkdirSync(join(path, 'mine'), { recursive: true })],
    ['an empty file, where a folder was claimed', false, () => writeFileSync(path, '')],
  ] as const) {
    writeFileSync(note, JSON.stringify({ filename: 'final', kind: 'folder' }))
    put()
    undoClaim(note, folder)
    t.equal(existsSync(path), !isRemoved, what)
    fs.rmSync(path, { recursive: true, force: true })
  }
  for (const text of ['', '{"filename":"../final"}', '{"filename":"fin']) {
    writeFileSync(path, '')
    writeFileSync(note, text)
    undoClaim(note, folder)
    t.ok(existsSync(path), `a note ${JSON.stringify(text)}`)
    t.notOk(existsSync(note))
  }
})

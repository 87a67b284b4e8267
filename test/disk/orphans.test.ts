import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { removeOrphans } from '../../lib/disk/orphans.js'

const DAY_MS = 24 * 60 * 60 * 1_000
const NOW = new Date('2026-01-31T12:00:00Z')
const DIGEST = 'd'.repeat(64)

/** A folder as a download leaves it that was killed `ageDays` ago. */
async function workspace (hiddenFolder: string, { digest = DIGEST, name, journal, ageDays }: { digest?: string, name: string, journal?: string, ageDays: number }): Promise<void> {
  const folder = join(hiddenFolder, digest, name)
  await mkdir(folder, { recursive: true })
  const time = new Date(NOW.getTime() - ageDays * DAY_MS)
  for (const [file, content] of [['journal.json', journal], ['0-0.part', 'data']] as const) {
    if (content === undefined) continue
    await writeFile(join(folder, file), content)
    await utimes(join(folder, file), time, time)
  }
}

void t.test('what may still be wanted stays, everything else goes', async (t) => {
  const folder = t.testdir({ 'there.bin': 'whole', '.piecemeal': { lock: '', digests: { 'x.json': '' }, 'notes of mine': 'kept', 'x.part': 'kept', [`${DIGEST}-12.part`]: 'a whole file without its name' } })
  const hiddenFolder = join(folder, '.piecemeal')
  await workspace(hiddenFolder, { name: '1'.repeat(16), journal: '{"filename":"wanted.bin"}', ageDays: 6.9 })
  await workspace(hiddenFolder, { name: '2'.repeat(16), journal: '{"filename":"old.bin"}', ageDays: 7.1 })
  await workspace(hiddenFolder, { name: '3'.repeat(16), journal: '{"filename":"there.bin"}', ageDays: 0 })
  await workspace(hiddenFolder, { name: '4'.repeat(16), ageDays: 0 })
  await workspace(hiddenFolder, { name: '5'.repeat(16), journal: '{"filename":"../../etc"}', ageDays: 0 })
  await workspace(hiddenFolder, { digest: 'e'.repeat(64), name: '6'.repeat(16), journal: 'no JSON', ageDays: 0 })

  await workspace(hiddenFolder, { name: '8'.repeat(16), journal: '{"filename":"there.bin","isUpdate":true}', ageDays: 0 })

  await writeFile(join(hiddenFolder, `${'7'.repeat(16)}.claim`), '{"filename":"claimed.bin"}')
  await writeFile(join(folder, 'claimed.bin'), '')

  await removeOrphans({ folder, hiddenFolder, maxAgeMs: 7 * DAY_MS, now: NOW })

  t.strictSame((await readdir(hiddenFolder)).sort(), [DIGEST, 'digests', 'lock', 'notes of mine', 'x.part'].sort())
  t.strictSame(await readdir(join(hiddenFolder, DIGEST)), ['1'.repeat(16), '8'.repeat(16)], 'what is to take the place of what is there as well')
  t.strictSame((await readdir(join(hiddenFolder, DIGEST, '1'.repeat(16)))).sort(), ['0-0.part', 'journal.json'])
  t.strictSame((await readdir(folder)).sort(), ['.piecemeal', 'there.bin'])
})

void t.test('a folder that is not there has none', async (t) => {
  const folder = t.testdir({})
  await t.resolves(removeOrphans({ folder, hiddenFolder: join(folder, 'nowhere'), maxAgeMs: DAY_MS, now: NOW }))
})

import * as fs from 'node:fs'
import { readdirSync } from 'node:fs'
import t, { type Test } from 'tap'
import type * as HasHoles from '../../lib/disk/has-holes.js'

/** On a file system that says so many blocks are taken: before a sync, and after it. */
async function saysOf (t: Test, before: number, after = before): Promise<{ says: boolean, synced: boolean, left: string[] }> {
  const folder = t.testdir({})
  let synced = false
  const { hasHoles } = await t.mockImport<typeof HasHoles>(new URL('../../lib/disk/has-holes.js', import.meta.url).href, {
    'node:fs': t.createMock(fs, {
      fstatSync: (fd: number) => Object.assign(fs.fstatSync(fd), { blocks: synced ? after : before }),
      fsyncSync: () => { synced = true },
    }),
  })
  return { says: hasHoles(folder), synced, left: readdirSync(folder) }
}

await t.test('a byte behind a gap takes a block, or all of the gap', async (t) => {
  t.match(await saysOf(t, 8), { says: true, synced: false, left: [] })
  t.match(await saysOf(t, 2_056), { says: false, synced: false, left: [] })
})

await t.test('one that has not decided yet is asked again', async (t) => {
  t.match(await saysOf(t, 0, 8), { says: true, synced: true })
  t.match(await saysOf(t, 0, 2_049), { says: false, synced: true })
  t.match(await saysOf(t, 0), { says: false }, 'and one that never says is not trusted')
})

await t.test('a folder that is not there', async (t) => {
  const { hasHoles } = await import('../../lib/disk/has-holes.js')
  t.equal(hasHoles('/nowhere/at/all'), false)
})

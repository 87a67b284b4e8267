import fs, { readdirSync, type Stats } from 'node:fs'
import t, { type Test } from 'tap'
import { hasHoles } from '../../lib/disk/has-holes.js'
import { replace } from '../helpers/replace.js'

/** On a file system that says so many blocks are taken: before a sync, and after it. */
function saysOf (t: Test, before: number, after = before): { says: boolean, synced: boolean, left: string[] } {
  const folder = t.testdir({})
  let synced = false
  const restore = replace(t, fs, ({ fstatSync }) => ({
    fstatSync: ((fd: number): Stats => Object.assign(fstatSync(fd), { blocks: synced ? after : before })) as typeof fstatSync,
    fsyncSync: () => { synced = true },
  }))
  const says = hasHoles(folder)
  restore()
  return { says, synced, left: readdirSync(folder) }
}

await t.test('a byte behind a gap takes a block, or all of the gap', async (t) => {
  t.match(saysOf(t, 8), { says: true, synced: false, left: [] })
  t.match(saysOf(t, 2_056), { says: false, synced: false, left: [] })
})

await t.test('one that has not decided yet is asked again', async (t) => {
  t.match(saysOf(t, 0, 8), { says: true, synced: true })
  t.match(saysOf(t, 0, 2_049), { says: false, synced: true })
  t.match(saysOf(t, 0), { says: false }, 'and one that never says is not trusted')
})

await t.test('a folder that is not there', async (t) => {
  t.equal(hasHoles('/nowhere/at/all'), false)
})

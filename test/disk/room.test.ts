import fsPromises from 'node:fs/promises'
import t, { type Test } from 'tap'
import { RoomPromise, unpromisedBytes, type Wish } from '../../lib/disk/room.js'
import { GiB, MiB } from '../../lib/protocol/units.js'
import { replace } from '../helpers/replace.js'

interface Disk {
  type?: number
  blocks?: number
  bavail?: number
  files?: number
  ffree?: number
}

/** On a disk with blocks of 1 MiB. */
function useDisk (t: Test, disk: Disk): void {
  const statfs = async (): Promise<object> => await Promise.resolve({ type: 61267, blocks: 1_000, bavail: 100, files: 100, ffree: 50, ...disk, bsize: MiB })
  replace(t, fsPromises, () => ({ statfs: statfs as typeof fsPromises.statfs }))
}

/** What is promised is so in all of the process. */
async function makeAndEnd (wish: Wish): Promise<void> {
  (await RoomPromise.make(wish)).end()
}

function wish (t: Test, sizeMiB: number, keptMiB = 0): Wish {
  return { folder: t.testdirName, filename: 'file', size: sizeMiB * MiB, keptBytes: keptMiB * MiB }
}

await t.test('what a disk has room for', async (t) => {
  t.testdir({})
  const table: Array<[what: string, disk: Disk, wish: Wish, wanted: RegExp | undefined]> = [
    ['enough', {}, wish(t, 96), undefined],
    ['nothing to spare', {}, wish(t, 97), /no room for "file": it wants 101711872 bytes.*104857600 are free$/],
    ['enough for what is not there yet', {}, wish(t, 500, 404), undefined],
    ['more than that is kept', { bavail: 4 }, wish(t, 5, 6), undefined],
    ['0 of 0 blocks: it doesn\'t say', { blocks: 0, bavail: 0 }, wish(t, 500), undefined],
    ['0 of some blocks', { bavail: 0 }, wish(t, 1), /no room/],
    ['no inode', { ffree: 0 }, wish(t, 1), /out of inodes/],
    ['0 of 0 inodes: they are not counted', { files: 0, ffree: 0 }, wish(t, 1), undefined],
    ['a folder with an inode for each file', {}, { ...wish(t, 1), inodes: 50 }, undefined],
    ['a folder with one more', {}, { ...wish(t, 1), inodes: 51 }, /it has 51 files, links and folders, and the disk has inodes for 50/],
    ['and nobody counts them', { files: 0, ffree: 0 }, { ...wish(t, 1), inodes: 51 }, undefined],
  ]
  for (const [what, disk, wish, wanted] of table) {
    useDisk(t, disk)
    if (wanted) await t.rejects(RoomPromise.make(wish), { code: 'E_DISK_FULL', message: wanted }, what)
    else await t.resolves(makeAndEnd(wish), what)
  }
  useDisk(t, { type: 0x4d44, bavail: 10_000 })
  await t.resolves(makeAndEnd({ ...wish(t, 0), size: 4 * GiB - 1 }))
  await t.rejects(RoomPromise.make({ ...wish(t, 0), size: 4 * GiB }), { code: 'E_IO', message: /largest file of this file system has 4294967295/ })
})

await t.test('what one is promised another is not, until it is on the disk or given back', async (t) => {
  t.testdir({})
  const disk = { bavail: 100 }
  useDisk(t, disk)
  // Both have asked before either is told.
  const both = await Promise.allSettled([RoomPromise.make(wish(t, 60)), RoomPromise.make(wish(t, 60))])
  // Which of them the disk answered first is not for us to say.
  const [first, second] = both[0].status === 'fulfilled' ? both : both.toReversed()
  t.match(second, { status: 'rejected', reason: { code: 'E_DISK_FULL', message: /62914560 of them promised to other downloads/ } })
  if (first?.status !== 'fulfilled') return t.fail('one of them has it')
  t.equal(await unpromisedBytes(t.testdirName), 40 * MiB)
  await t.resolves(makeAndEnd(wish(t, 30)))
  first.value.reach(50 * MiB)
  t.equal(await unpromisedBytes(t.testdirName), 90 * MiB, 'bytes that are there take their room themselves')
  first.value.reach(20 * MiB)
  t.equal(await unpromisedBytes(t.testdirName), 60 * MiB, 'some had to be thrown away')
  first.value.end()
  first.value.end()
  t.equal(await unpromisedBytes(t.testdirName), 100 * MiB)
  await t.resolves(makeAndEnd(wish(t, 90)))
})

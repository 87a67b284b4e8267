import fs from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { PiecemealError } from '../../lib/protocol/errors.js'
import { SharedFile } from '../../lib/share/shared-file.js'
import { Trust } from '../../lib/share/trust.js'
import { replace } from '../helpers/replace.js'
import { shareOf } from './shares.js'
import { MiB } from '../../lib/protocol/units.js'

/** In the second of three pieces. */
const BAD_AT = 1.5 * MiB

/** As a disk reads that has a bad sector: up to it, and not from it on. */
function withBadSector (readSync: typeof fs.readSync) {
  return (fd: number, into: Buffer, offset: number, length: number, position: number): number => {
    if (position >= BAD_AT && position < BAD_AT + 4_096) throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO', errno: -5, syscall: 'read' })
    return readSync(fd, into, offset, position < BAD_AT ? Math.min(length, BAD_AT - position) : length, position)
  }
}

await t.test('on a disk with a bad sector', async (t) => {
  replace(t, fs, ({ readSync }) => ({ readSync: withBadSector(readSync) as typeof readSync }))

  for (const isTrusted of [true, false]) {
    await t.test(`a bad sector costs its piece, and whoever may be asked knows before the end: ${isTrusted ? 'trusted' : 'under suspicion'}`, async (t) => {
      const data = Buffer.alloc(3 * MiB, 'shared bytes, ')
      const folder = t.testdir({ shared: data })
      const share = await shareOf(folder, 'shared')
      if (!isTrusted) fs.utimesSync(join(folder, 'shared'), 1, 1)
      const told: Array<[number, PiecemealError]> = []
      let isKnown = false
      const file = new SharedFile({
        share,
        trust: new Trust(share),
        onChanged: () => t.fail('it has not changed'),
        onSuspect: () => {},
        onUnreadable: async (_share, piece, error) => {
          told.push([piece, error])
          await Promise.resolve()
          isKnown = true
        },
      })
      const into = Buffer.alloc(2 * MiB)
      t.equal(await file.read(into, MiB, 0), MiB)
      if (isTrusted) t.equal(await file.read(into, MiB, MiB), MiB / 2, 'as far as it goes')
      await t.rejects(file.read(into, MiB, BAD_AT), { code: 'E_NOT_SHARED', message: /piece 1 of "shared"/ })
      await t.rejects(file.read(into, MiB, MiB), { code: 'E_NOT_SHARED' }, 'it is not tried again')
      t.equal(await file.read(into, MiB, 2 * MiB), MiB, 'the others are there')
      t.ok(into.subarray(0, MiB).equals(data.subarray(2 * MiB)))
      await file.close()
      t.ok(isKnown)
      t.match(told, [[1, { code: 'E_IO', message: `cannot read "${join(folder, 'shared')}" at byte ${BAD_AT}: EIO` }]])
      t.equal(told.length, 1)
    })
  }

  await t.test('what is known to be lacking is not read', async (t) => {
    const folder = t.testdir({ shared: Buffer.alloc(3 * MiB) })
    const share = { ...await shareOf(folder, 'shared'), lacks: new Set([0]) }
    const file = new SharedFile({ share, trust: new Trust(share), onChanged: () => {}, onSuspect: () => {}, onUnreadable: async () => { t.fail('it is known') } })
    await t.rejects(file.look(0), { code: 'E_NOT_SHARED' })
    await file.close()
  })
})

import { join } from 'node:path'
import t, { type Test } from 'tap'
import { PiecemealError } from '../../lib/protocol/errors.js'
import { LookAgain } from '../../lib/share/look-again.js'
import { ShareIndex, type Share } from '../../lib/share/share-index.js'
import { CHANGES, NO_CHANGES, PLAIN_CHANGES, shareOf } from './shares.js'
import { MiB } from '../../lib/protocol/units.js'

interface Looking {
  folder: string
  path: string
  share: Share
  shares: ShareIndex
  look: LookAgain
  same: Share[]
  changed: Share[]
  digested: string[]
}

async function looking (t: Pick<Test, 'testdir'>, before: () => Promise<void> = async () => {}): Promise<Looking> {
  const folder = t.testdir({ shared: Buffer.alloc(MiB + 5, 'shared bytes, ') })
  const share = await shareOf(folder, 'shared')
  const shares = new ShareIndex()
  shares.add(share)
  const [same, changed, digested]: [Share[], Share[], string[]] = [[], [], []]
  const look = new LookAgain({
    shares,
    digest: async ({ filename }) => {
      digested.push(filename)
      await before()
      return await shareOf(folder, filename)
    },
    onSame: async (share) => {
      same.push(share)
      shares.add(share)
    },
    onChanged: (share) => { changed.push(share) },
  })
  return { folder, path: join(folder, 'shared'), share, shares, look, same, changed, digested }
}

for (const [what, change] of Object.entries(NO_CHANGES)) {
  await t.test(`the same bytes are shared as the file is now: ${what}`, async (t) => {
    const { folder, path, share, look, same, changed } = await looking(t)
    await change(path)
    await look.suspect(share)
    const { identity } = await shareOf(folder, 'shared')
    t.strictSame([same, changed], [[{ ...share, identity }], []])
  })
}

for (const [what, change] of Object.entries(CHANGES)) {
  await t.test(`other bytes are shared no more: ${what}`, async (t) => {
    const { path, share, look, same, changed, digested } = await looking(t)
    await change(path)
    await look.suspect(share)
    t.strictSame([same, changed], [[], [share]])
    t.strictSame(digested, what in PLAIN_CHANGES ? [] : ['shared'], 'digested only where that is needed')
  })
}

await t.test('one look at a time, and none at what is not shared like that any more', async (t) => {
  const { share, shares, look, same, digested } = await looking(t)
  await Promise.all([look.suspect(share), look.suspect(share)])
  await look.suspect({ ...share, identity: { ...share.identity, ino: 0n } })
  await look.suspect({ ...share, filename: 'another' })
  t.strictSame([same.length, digested.length], [1, 1])
  shares.remove(share)
  await look.suspect(share)
  t.equal(digested.length, 1)
})

await t.test('shared anew while it is looked at: the new share stays as it is', async (t) => {
  const { share, shares, look, same, changed }: Looking = await looking(t, async () => { shares.add({ ...share }) })
  await look.suspect(share)
  t.strictSame([same, changed], [[], []])
})

await t.test('a look that fails says nothing: the next one does', async (t) => {
  let failures = 1
  const { share, look, same, changed } = await looking(t, async () => {
    if (failures-- > 0) throw new PiecemealError('E_CHANGED', 'written to while it was digested')
  })
  await look.suspect(share)
  t.strictSame([same, changed], [[], []])
  await look.suspect(share)
  t.strictSame([same.length, changed], [1, []])
  const broken = await looking(t, async () => { throw new TypeError('a defect') })
  await t.rejects(broken.look.suspect(broken.share), { message: 'a defect' })
})

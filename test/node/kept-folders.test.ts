import t from 'tap'
import { KeptFolders } from '../../lib/node/kept-folders.js'
import type { Offers } from '../../lib/node/offers.js'
import type { KeptFolder } from '../../lib/share/folder-shares.js'

await t.test('a version that was replaced is dropped once nobody has asked for it for that long', async (t) => {
  const kept = (digest: string): KeptFolder => ({ share: { digest } as KeptFolder['share'], askedMs: performance.now() })
  const folders = [kept('asked by a worker'), kept('forgotten')]
  let resolve: (folder: KeptFolder) => void = () => {}
  const promise = new Promise<KeptFolder>((_resolve) => { resolve = _resolve })
  const offers = {
    folders: { kept: folders },
    dropKept: (folder: KeptFolder) => {
      folders.splice(folders.indexOf(folder), 1)
      resolve(folder)
    },
  } as unknown as Offers
  const keeper = new KeptFolders({ offers, keepOldMs: 60, idleMs: async ({ digest }) => await Promise.resolve(digest === 'forgotten' ? undefined : 5) })
  t.teardown(() => keeper.close())
  keeper.watch()
  keeper.watch()
  // The timer alone keeps no process.
  const alive = setInterval(() => {}, 1_000)
  t.equal((await promise).share.digest, 'forgotten')
  clearInterval(alive)
  t.strictSame(folders.map(({ share }) => share.digest), ['asked by a worker'])
})

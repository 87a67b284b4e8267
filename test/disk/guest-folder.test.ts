import { existsSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Abilities } from '../../lib/disk/abilities.js'
import { GuestFolder } from '../../lib/disk/guest-folder.js'
import { tempDir } from '../helpers/files.js'

function found (hiddenFolder: string): Abilities {
  return { naming: { way: 'link', hiddenFolder }, hasHoles: existsSync(hiddenFolder) }
}

await t.test('a download that ends leaves the hidden folder to one that begins', async (t) => {
  const path = await tempDir(t)
  const folder = await GuestFolder.open(path, undefined)
  const [a, b] = [join(folder.realPath, 'a'), join(folder.realPath, 'b')]
  await folder.destination('a', a, async (hidden) => found(hidden))
  const { hasHoles, hiddenFolder } = await folder.destination('b', b, async (hidden) => {
    await folder.leave('a', a)
    return found(hidden)
  })
  t.ok(hasHoles)
  await folder.leave('b', b)
  t.notOk(existsSync(hiddenFolder), 'the last takes it away')
})

await t.test('a process that takes the folder away is no reason to fail, or to know less', async (t) => {
  const path = await tempDir(t)
  const folder = await GuestFolder.open(path, undefined)
  let looks = 0
  const { hasHoles, hiddenFolder, begin } = await folder.destination('a', join(folder.realPath, 'a'), async (hidden) => {
    if (looks++ === 0) rmdirSync(hidden)
    return found(hidden)
  })
  t.strictSame([looks, hasHoles], [2, true])
  rmdirSync(hiddenFolder)
  await begin?.('1'.repeat(64))
  await folder.close()
  t.notOk(existsSync(hiddenFolder))
})

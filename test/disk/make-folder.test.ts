import { statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeFolder } from '../../lib/disk/make-folder.js'
import { tempDir } from '../helpers/files.js'

await t.test('all that is missing is made, and it is said whether anything was', async (t) => {
  const path = join(await tempDir(t), 'a', 'b', 'c')
  t.equal(await makeFolder(path, 0o700), true)
  t.equal(statSync(path).mode & 0o777, 0o700)
  t.equal(await makeFolder(path), false)
})

await t.test('where nothing can be made it ends all the same', { timeout: 10_000 }, async (t) => {
  await t.rejects(makeFolder('/proc/piecemeal'), { code: 'ENOENT' })
  await t.rejects(makeFolder('/proc/piecemeal/a/b'), { code: 'ENOENT' })
})

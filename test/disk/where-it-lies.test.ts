import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { isGone, whereItLies } from '../../lib/disk/where-it-lies.js'

await t.test('of the parent no component is a link, the last one is left as it is', async (t) => {
  const folder = t.testdir({ real: { file: 'x' } })
  symlinkSync('real', join(folder, 'linked'))
  symlinkSync('file', join(folder, 'real', 'link'))
  const real = join(await whereItLies(folder), 'real')
  t.equal(await whereItLies(join(folder, 'linked', 'file')), join(real, 'file'))
  t.equal(await whereItLies(join(folder, 'linked', 'link')), join(real, 'link'))
  t.equal(await whereItLies(join(folder, 'linked', '..', 'real', '.', 'file')), join(real, 'file'))
})

await t.test('what may not be shared, wherever it leads', async (t) => {
  const ofAnother = `.piecemeal-0-${'f'.repeat(32)}`
  const folder = t.testdir({ '.piecemeal': { digests: { x: '' } }, [ofAnother]: { part: '' } })
  symlinkSync('.piecemeal', join(folder, 'linked'))
  for (const path of ['.piecemeal/digests/x', 'linked/digests/x', '.piecemeal', ofAnother, `${ofAnother}/part`]) {
    await t.rejects(whereItLies(join(folder, path)), { code: 'E_FORBIDDEN', message: /keeps that folder/ }, path)
  }
  for (const path of ['/proc/self/environ', '/proc/version', '/sys/kernel/mm/transparent_hugepage/enabled']) {
    await t.rejects(whereItLies(path), { code: 'E_FORBIDDEN', message: /makes it up/ }, path)
  }
  await t.rejects(whereItLies(join(folder, 'nowhere', 'x')), { code: 'E_IO', message: /ENOENT/ })
})

await t.test('what is gone, and what only looks different', async (t) => {
  const folder = t.testdir({ inside: { file: 'x' } })
  const path = join(folder, 'inside', 'file')
  t.equal(await isGone(path), false)
  writeFileSync(path, 'other')
  t.equal(await isGone(path), false)
  renameSync(join(folder, 'inside'), join(folder, 'away'))
  t.equal(await isGone(path), true)
  writeFileSync(join(folder, 'inside'), 'a file in the way')
  t.equal(await isGone(path), true)
  mkdirSync(join(folder, 'away', 'folder'))
  t.equal(await isGone(join(folder, 'away', 'folder')), false)
})

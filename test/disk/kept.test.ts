import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { workspaceFolder } from '../../lib/disk/hidden.js'
import { removeKept } from '../../lib/disk/kept.js'
import { tempDir } from '../helpers/files.js'

await t.test('all that is kept for a name, and nothing else', async (t) => {
  const hidden = await tempDir(t)
  const digests = ['1', '2'].map((digit) => `blake3:${digit.repeat(64)}`)
  for (const [digest, filename] of [[digests[0], 'a'], [digests[0], 'b'], [digests[1], 'a']] as Array<[string, string]>) {
    const folder = workspaceFolder(hidden, { digest, filename })
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, '0-0.part'), 'x')
  }
  await writeFile(join(hidden, 'lock'), '')
  await mkdir(join(hidden, 'digests'))
  t.equal(await removeKept(hidden, 'c'), false)
  t.equal(await removeKept(hidden, 'a'), true)
  t.strictSame((await readdir(hidden)).sort(), ['1'.repeat(64), 'digests', 'lock'])
  t.strictSame(await readdir(workspaceFolder(hidden, { digest: digests[0] ?? '', filename: 'b' })), ['0-0.part'])
  t.equal(await removeKept(hidden, 'a'), false)
  await t.rejects(removeKept(join(hidden, 'none'), 'a'), { code: 'E_IO' })
})

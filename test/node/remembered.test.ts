import t from 'tap'
import { Remembered } from '../../lib/node/remembered.js'
import { shareOf } from '../share/shares.js'

await t.test('what is remembered is what was asked for, and a name stands for one thing', async (t) => {
  const folder = t.testdir({ file: 'a file' })
  const open = async (): Promise<Remembered> => await Remembered.open(folder, { warn: (message) => t.fail(message), onError: (error) => t.fail(String(error)) })
  const before = await open()
  const download = { name: 'tree', to: '/data/tree', only: ['a/**', '*.txt'], skipMissing: true }
  before.begin(download)
  await before.put(await shareOf(folder, 'file'))
  await before.putFolder({ name: 'file', path: '/data/file', times: true })
  await before.close()
  const after = await open()
  t.strictSame(after.downloads, [download], 'a part of a folder does not become all of it')
  t.strictSame(after.folders, [{ name: 'file', path: '/data/file', times: true }])
  t.equal(after.forget('file'), true)
  t.equal(after.forget('file'), false)
  await after.close()
})

/** Whether a file may be executed goes from owner to owner, beside its content. */
import { chmodSync, lstatSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Node, Tracker } from '../../lib/index.js'
import { MiB } from '../../lib/protocol/units.js'
import { pseudoRandomBytes, testDir } from '../helpers/files.js'

/** One piece, which its thread names, and several. */
const SIZES = { small: 5, large: 2 * MiB + 5 }
const FILES = Object.keys(SIZES)

await t.test('it is set where all owners say it, and told on', { timeout: 60_000 }, async (t) => {
  const dir = testDir(t)
  const tracker = new Tracker({ port: 0 })
  t.teardown(async () => await tracker.close())
  const address = await tracker.start()
  const start = async (name: string): Promise<Node> => {
    const node = new Node({ name, dir, tracker: address })
    t.teardown(async () => await node.close())
    await node.start()
    return node
  }
  const share = async (node: Node, mode: number): Promise<void> => {
    for (const [name, size] of Object.entries(SIZES)) {
      writeFileSync(join(node.folder, name), pseudoRandomBytes(size, name))
      chmodSync(join(node.folder, name), mode)
      await node.upload(name)
    }
  }
  /** What it fetches, by mode: with the bits for those who may read it, or with none. */
  const fetch = async (node: Node): Promise<boolean[]> => {
    for (const name of FILES) await node.download(name)
    return FILES.map((name) => {
      const { mode } = lstatSync(join(node.folder, name))
      if ((mode & 0o111) !== 0) t.equal(mode & 0o111, (mode & 0o444) >> 2)
      return (mode & 0o111) !== 0
    })
  }
  const first = await start('First')
  await share(first, 0o755)
  t.strictSame(await fetch(await start('Second')), [true, true])
  await first.close()
  t.strictSame(await fetch(await start('Third')), [true, true], 'who fetched it says it on')
  await share(await start('Plain'), 0o644)
  t.strictSame(await fetch(await start('Fourth')), [false, false], 'one owner says otherwise')
})

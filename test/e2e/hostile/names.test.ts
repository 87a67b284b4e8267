/** Nobody speaks in the name of another. */
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FakeOwner, TrackerLine } from '../../helpers/fake-owner.js'
import { firstDifference, pseudoRandomBytes, tempDir, writePseudoRandom } from '../../helpers/files.js'
import { NodeCommand, startNode, startTracker, type TrackerCommand } from '../../helpers/piecemeal.js'
import { MiB } from '../../../lib/protocol/units.js'
import { HOST } from './strangers.js'

void t.test('exit and have speak only for the connection they come on', async (t) => {
  const tracker = await startTracker(t)
  const owner = await FakeOwner.start(t, { name: 'owner', tracker })
  const file = await owner.share('a.bin', pseudoRandomBytes(1_000, 'a'))
  const { size, digest, pieceLength } = file
  const stranger = await TrackerLine.connect('stranger', tracker)
  t.teardown(() => stranger.close())
  const claim = { filename: 'a.bin', size, digest, pieceLength, inputPort: 1, outputPort: 2 }
  const isThere = async (): Promise<void> => {
    const { owners } = await stranger.request('need', { filename: 'a.bin' })
    t.strictSame(owners, [{ name: 'owner', host: HOST, inputPort: owner.inputPort, outputPort: owner.outputPort, complete: true }], 'the owner stays, with its ports')
  }

  await t.rejects(stranger.request('exit', { name: 'owner' }), { code: 'E_NAME' }, 'leaving in the name of another')
  await isThere()
  await t.rejects(stranger.request('exit', { name: 'owner', filename: 'a.bin' }), { code: 'E_NAME' }, 'withdrawing in the name of another')
  await isThere()
  await t.rejects(stranger.request('have', { ...claim, name: 'owner' }), { code: 'E_NAME' }, 'other ports in the name of another')
  await isThere()
  await t.rejects(TrackerLine.connect('owner', tracker), { code: 'E_NAME_TAKEN' }, 'the name of another on a connection of its own')
  await isThere()
  await stranger.request('exit', { filename: 'a.bin' })
  await isThere()

  // What it says of itself counts, but for its host.
  await stranger.request('have', { ...claim, host: '192.0.2.1', address: '192.0.2.1', ip: '192.0.2.1' })
  const { owners } = await (await connected(t, 'asker', tracker)).request('need', { filename: 'a.bin' }) as unknown as { owners: Array<{ name: string, host: string }> }
  t.strictSame(owners.map(({ name, host }) => `${name} ${host}`).sort(), [`owner ${HOST}`, `stranger ${HOST}`])
})

void t.test('a second live node with the same name is refused, and the first one serves on', async (t) => {
  const [dir, otherDir] = [await tempDir(t), await tempDir(t)]
  const tracker = await startTracker(t)
  const first = await startNode(t, { name: 'twin', tracker, dir })
  await writePseudoRandom(join(first.folder, 'a.bin'), 3 * MiB)
  await first.upload('a.bin')

  for (const [where, twinDir] of [['at the tracker', otherDir], ['on the folder', dir]] as const) {
    const second = new NodeCommand(t, { name: 'twin', tracker, dir: twinDir })
    t.strictSame(await second.exit(), { status: 25, signal: null }, `its name is taken ${where}`)
    t.match(second.stderr, /^failed: E_NAME_TAKEN .*"/m)
    t.equal(second.stderr.trimEnd().split('\n').length, 1, 'there is one line about it', { stderr: second.stderr })
  }

  const fetcher = await startNode(t, { name: 'fetcher', tracker, dir })
  await fetcher.download('a.bin')
  t.equal(await firstDifference(join(fetcher.folder, 'a.bin'), join(first.folder, 'a.bin')), undefined)
  t.equal(await fetcher.leave(), 0)
  t.equal(await first.leave(), 0)
})

async function connected (t: Test, name: string, tracker: TrackerCommand): Promise<TrackerLine> {
  const line = await TrackerLine.connect(name, tracker)
  t.teardown(() => line.close())
  return line
}

/** Nobody speaks in the name of another. */
import t, { type Test } from 'tap'
import { FakeOwner, TrackerLine } from '../../helpers/fake-owner.js'
import { pseudoRandomBytes } from '../../helpers/files.js'
import { trackerHere } from '../../helpers/tracker.js'
import type { Address } from '../../../lib/protocol/address.js'
import { HOST } from './strangers.js'

void t.test('exit and have speak only for the connection they come on', async (t) => {
  const tracker = await trackerHere(t)
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

async function connected (t: Test, name: string, tracker: Address): Promise<TrackerLine> {
  const line = await TrackerLine.connect(name, tracker)
  t.teardown(() => line.close())
  return line
}

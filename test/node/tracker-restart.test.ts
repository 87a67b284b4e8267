/** Twenty nodes and a tracker that goes away: they are back, with all they share, and nobody told them to. */
import { once, setMaxListeners } from 'node:events'
import t from 'tap'
import { DEADLINES } from '../../lib/protocol/limits.js'
import { TrackerClient, type Question } from '../../lib/node/tracker-client.js'
import { Tracker } from '../../lib/tracker/tracker.js'

const NODES = 20
const BACK_WITHIN_MS = 15_000

function share (i: number): Question<'have'> {
  return { filename: `file of ${i}`, size: 1, digest: `blake3:${'0'.repeat(64)}`, pieceLength: 1_048_576, inputPort: 1_000 + i, outputPort: 2_000 + i }
}

void t.test('the tracker is restarted, empty', async (t) => {
  const first = new Tracker({ port: 0 })
  const address = await first.start()
  const clients = Array.from({ length: NODES }, (_, i) =>
    new TrackerClient({ tracker: address, name: `node${i}`, hosts: () => [], deadlines: DEADLINES, announcements: () => [share(i)] }))
  for (const client of clients) await client.start()
  t.teardown(async () => await Promise.all(clients.map(async (client) => await client.close())))

  const lost = clients.map(async (client) => await once(client, 'lost', { signal: AbortSignal.timeout(5_000) }))
  await first.close()
  await Promise.all(lost)

  const signal = AbortSignal.timeout(BACK_WITHIN_MS)
  setMaxListeners(NODES, signal)
  const back = clients.map(async (client) => await once(client, 'connected', { signal }))
  // Somebody who asks meanwhile waits for the tracker, and is answered.
  const asked = clients[0]?.ask('list', {}, BACK_WITHIN_MS)
  const second = new Tracker({ port: address.port })
  await second.start()
  t.teardown(async () => await second.close())
  await Promise.all(back)
  await asked
  // The announcements went out before this question, on the same connections.
  const lists = await Promise.all(clients.map(async (client) => await client.ask('list', {})))
  t.equal(Math.max(...lists.map(({ files }) => files.length)), NODES)
})

void t.test('without a tracker a question fails with E_TRACKER when its time is up', async (t) => {
  const tracker = new Tracker({ port: 0 })
  const address = await tracker.start()
  await tracker.close()
  const client = new TrackerClient({ tracker: address, name: 'alone', hosts: () => [], deadlines: DEADLINES, announcements: () => [] })
  await client.start()
  t.teardown(async () => await client.close())
  await t.rejects(client.ask('need', { filename: 'a' }, 100), { code: 'E_TRACKER' })
})

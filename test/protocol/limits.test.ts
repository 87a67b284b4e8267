/** The waits of the contract: tests use others, so here each is held to what a user meets. */
import t from 'tap'
import { DEADLINES, type Deadlines } from '../../lib/protocol/limits.js'

const CONTRACT: Record<keyof typeof DEADLINES, number> = {
  connectMs: 5_000,
  handshakeMs: 5_000,
  firstLineMs: 10_000,
  messageMs: 10_000,
  drainMs: 10_000,
  lingerMs: 1_000,
  heartbeatMs: 20_000,
  presenceMs: 60_000,
  reconnectMs: 4_000,
  reconnectMinMs: 500,
  reconnectMaxMs: 3_000,
  trackerWaitMs: 8_000,
  registryWaitMs: 10_000,
  degradedMs: 30_000,
  dataStallMs: 15_000,
  moreMs: 10_000,
  threadHangMs: 30_000,
  ownerWaitMs: 30_000,
  giveUpMs: 600_000,
  keepOldMs: 3_600_000,
  missingLookMs: 60_000,
  leaveMs: 5_000,
}

for (const [name, ms] of Object.entries(CONTRACT)) {
  await t.test(`${name} is ${ms}`, async (t) => {
    t.equal(DEADLINES[name as keyof typeof DEADLINES], ms)
  })
}

await t.test('waits that end one another are in order', async (t) => {
  const { heartbeatMs, presenceMs, reconnectMinMs, reconnectMaxMs, dataStallMs, moreMs, threadHangMs, ownerWaitMs, giveUpMs }: Deadlines = DEADLINES
  t.ok(heartbeatMs * 2 < presenceMs, 'two beats may be lost')
  t.ok(reconnectMinMs < reconnectMaxMs)
  t.ok(moreMs < dataStallMs, 'a connection that is kept is no stream that stalls')
  t.ok(dataStallMs < threadHangMs, 'an owner that is silent is no thread that hangs')
  t.ok(ownerWaitMs < giveUpMs)
})

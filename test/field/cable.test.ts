/** A cable that is out for a while: a node is back at its tracker within 3 s of the cable being back. */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { tempDir } from '../helpers/files.js'
import { lineOf, twoMachines } from './namespaces.js'

/** What a user is promised, and a little for a machine that is busy. */
const BACK_MS = 3_000 + 1_000

for (const outMs of [3_000, 8_000, 30_000]) {
  await t.test(`out for ${outMs / 1_000} s`, { timeout: outMs + 60_000 }, async (t) => {
    const [one, two] = twoMachines(t)
    const tracker = one.tracker('--host', '10.78.0.1', '--insecure')
    await lineOf(tracker, 'tracker listening')
    const node = two.node('-n', 'NodeA', '-d', await tempDir(t), '--host', '10.78.0.2', '-t', '10.78.0.1', '--insecure')
    await lineOf(node, 'tracker 10.78.0.1:12340 connected')
    // In the middle of what it says anyway, so that an `alive` may be on its way.
    await sleep(12_000)
    one.setCable('out')
    await sleep(outMs)
    one.setCable('in')
    const backMs = performance.now()
    const before = node.stdout.length
    node.say('torrent list')
    await node.waitFor(/^\d+ files?\n/m, { since: { stdout: before, stderr: 0 } })
    const tookMs = performance.now() - backMs
    t.ok(tookMs < BACK_MS, `${Math.round(tookMs)} ms`)
    for (const command of [node, tracker]) {
      command.kill('SIGKILL')
      await command.exit()
    }
  })
}

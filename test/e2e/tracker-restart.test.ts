/** A tracker remembers nothing and may go at any time: nodes see to it that its next run knows all of them again. */
import { join } from 'node:path'
import t from 'tap'
import { firstDifference, tempDir, writePseudoRandom } from '../helpers/files.js'
import { startNode, startTracker } from '../helpers/piecemeal.js'
import { freePort } from '../helpers/ports.js'

// They wait far more than they work.
t.jobs = 2

void t.test('killed and started again on its port: nodes are back with all they share, without a command', async (t) => {
  const dir = await tempDir(t)
  const port = await freePort()
  const first = await startTracker(t, { port })
  const owners = await Promise.all(['owner1', 'owner2'].map(async (name) => await startNode(t, { name, tracker: first, dir })))
  for (const owner of owners) {
    await writePseudoRandom(join(owner.folder, 'both.bin'), 3_000_000, 'both')
    await writePseudoRandom(join(owner.folder, `${owner.name}.bin`), 1_000)
    await owner.upload('both.bin', `${owner.name}.bin`)
  }
  const before = owners.map((owner) => owner.mark())
  first.signal('SIGKILL')
  await first.exit()
  for (const [i, owner] of owners.entries()) await owner.waitFor(/tracker .* is away/, { since: before[i] })

  const second = await startTracker(t, { port })
  const restarted = performance.now()
  for (const owner of owners) await second.waitFor(`${owner.name} joined`, { ms: 15_000 - (performance.now() - restarted) })
  const fetcher = await startNode(t, { name: 'fetcher', tracker: second, dir })
  fetcher.say('torrent list')
  await fetcher.waitFor(/^3 files$/m, { ms: Math.max(1, 15_000 - (performance.now() - restarted)) })
  t.match(fetcher.stdout, /^both\.bin .*2 owners/m, 'both owners of it are back')
  t.match(fetcher.stdout, /^owner1\.bin .*1 owner /m)
  t.match(fetcher.stdout, /^owner2\.bin .*1 owner /m)
  await fetcher.download('both.bin', 'owner1.bin', 'owner2.bin')
  t.equal(await firstDifference(join(fetcher.folder, 'both.bin'), join(dir, 'owner1', 'both.bin')), undefined)
  for (const node of [fetcher, ...owners]) t.equal(await node.leave(), 0, 'a tracker that was away is no failed command')
})

void t.test('no tracker at first: the node lives, a download says so within 10 s, and all works once there is one', async (t) => {
  const dir = await tempDir(t)
  const tracker = { host: '127.0.0.1', port: await freePort() }
  const owner = await startNode(t, { name: 'owner', tracker, dir })
  const fetcher = await startNode(t, { name: 'fetcher', tracker, dir })
  await fetcher.waitFor(/tracker .* is away/)
  await writePseudoRandom(join(owner.folder, 'a.bin'), 1_500_000)
  await owner.upload('a.bin')

  fetcher.say('torrent -m download a.bin')
  t.match(await fetcher.failed('a.bin', 10_000), /: E_TRACKER /)

  const marks = [owner, fetcher].map((node) => node.mark())
  const restarted = performance.now()
  await startTracker(t, { port: tracker.port })
  for (const [i, node] of [owner, fetcher].entries()) {
    await node.waitFor(/tracker .* connected/, { since: marks[i], ms: 15_000 - (performance.now() - restarted) })
  }
  const before = fetcher.mark()
  fetcher.say('torrent -m download a.bin')
  await fetcher.waitFor(/^saved a\.bin /m, { since: before })
  t.equal(await firstDifference(join(fetcher.folder, 'a.bin'), join(owner.folder, 'a.bin')), undefined)
  t.equal(await fetcher.leave(), 35, 'the status tells of the one that failed')
  t.equal(await owner.leave(), 0)
})

void t.test('a tracker that goes in the middle leaves no process hanging', async (t) => {
  const dir = await tempDir(t)
  const tracker = await startTracker(t)
  const node = await startNode(t, { name: 'node', tracker, dir })
  tracker.signal('SIGKILL')
  await node.waitFor(/tracker .* is away/)
  node.say('torrent exit')
  t.strictSame(await node.exit(5_000), { status: 0, signal: null })
})

/** `piecemeal up` is killed in the middle of a folder: as it fetches it, and as it sends it. Started again it goes on with both, and so does who fetches from it, without a command. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ControlClient } from '../../lib/control/control-client.js'
import type { ProgressEvent } from '../../lib/index.js'
import { MiB } from '../../lib/protocol/units.js'
import { Piecemeal, place } from '../helpers/everyday.js'
import { pseudoRandomBytes, tempDir } from '../helpers/files.js'
import { nodeHere } from '../helpers/node.js'
import { trackerHere } from '../helpers/tracker.js'

const [FILES, FILE_BYTES] = [200, 60_000]
/** A second or two for all of it, so that there is a middle. */
const UP = 8 * MiB
const WAIT_MS = 60_000

await t.test('a folder that is fetched, and then fetched from it', { timeout: 150_000 }, async (t) => {
  const home = await tempDir(t)
  const tracker = await trackerHere(t)
  const address = { host: tracker.host, port: tracker.port }
  const here = { ...place(home, 'here'), variables: { PIECEMEAL_TRACKER: `${address.host}:${address.port}`, PIECEMEAL_NAME: 'Mine', PIECEMEAL_UP: `${UP}` } }
  const root = join(home, 'd')
  mkdirSync(root)
  const bytes = pseudoRandomBytes(2 * FILE_BYTES, 1)
  for (let i = 0; i < FILES; i++) writeFileSync(join(root, `${i}`), bytes.subarray(i, i + FILE_BYTES))
  const owner = await nodeHere(t, { name: 'Owner', dir: home, tracker: address, up: UP })
  await owner.upload(root)

  const up = async (): Promise<Piecemeal> => {
    const node = new Piecemeal(t, here, 'up', '--foreground', '--json')
    await node.waitFor('"event":"listening"')
    return node
  }
  const first = await up()
  const client = await connected(join(home, 'n.sock'))
  const cut = client.ask(['-m', 'download', 'd'], ({ event, bytes }) => {
    if (event === 'progress' && Number(bytes) > MiB) first.signal('SIGKILL')
  })
  await t.rejects(cut, { code: 'E_NETWORK' })
  await first.exit()
  const fetched = announced(tracker, 2)
  const second = await up()
  await fetched
  const fetchedPath = join(home, 'data', 'piecemeal', 'd')
  execFileSync('diff', ['-r', root, fetchedPath])

  await owner.leave()
  const asker = await nodeHere(t, { name: 'Asker', dir: home, tracker: address })
  const killed = new Promise<void>((resolve) => {
    asker.on('progress', ({ bytes }: ProgressEvent) => {
      if (bytes <= MiB || !second.isRunning) return
      second.signal('SIGKILL')
      resolve()
    })
  })
  const saved = asker.download('d')
  await killed
  await second.exit()
  t.notOk(await Promise.race([saved, Promise.resolve(false)]), 'it is not there yet')
  const third = await up()
  t.match(await saved, { file: 'd', owners: [{ name: 'Mine' }] })
  execFileSync('diff', ['-r', root, join(asker.folder, 'd')])
  third.signal('SIGTERM')
  t.match(await third.exit(), { status: 0 })
})

async function connected (path: string): Promise<ControlClient> {
  for (;;) {
    const client = await ControlClient.connect(path, '')
    if (client !== undefined) return client
  }
}

/** Until so many have announced all of the folder. */
async function announced (tracker: Awaited<ReturnType<typeof trackerHere>>, count: number): Promise<void> {
  for (let seen = 1; seen < count;) {
    const [{ complete }] = await once(tracker, 'announced', { signal: AbortSignal.timeout(WAIT_MS) }) as [{ complete: boolean }]
    if (complete) seen++
  }
}

/** What a node has under another name it does not fetch: files and folders, shared or half downloaded. */
import { once } from 'node:events'
import { appendFileSync, cpSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Node, Tracker } from '../../lib/index.js'
import { MiB } from '../../lib/protocol/units.js'
import { pseudoRandomBytes } from '../helpers/files.js'
import { listTree, plant } from '../tree/trees.js'

const LARGE = pseudoRandomBytes(5 * MiB + 7, 'here')

interface Pair {
  /** Of the owner, and of whoever downloads. */
  theirs: string
  ours: string
  owner: Node
  asker: Node
}

async function pair (t: Pick<Test, 'testdir' | 'teardown'>): Promise<Pair> {
  const dir = t.testdir({ Owner: {}, Asker: {} })
  const tracker = new Tracker({ port: 0 })
  t.teardown(async () => await tracker.close())
  const address = await tracker.start()
  const [owner, asker] = await Promise.all(['Owner', 'Asker'].map(async (name) => {
    const node = new Node({ name, dir, tracker: address })
    t.teardown(async () => await node.close())
    await node.start()
    return node
  })) as [Node, Node]
  return { theirs: join(dir, 'Owner'), ours: join(dir, 'Asker'), owner, asker }
}

await t.test('a file that is here under another name, by itself or in a folder', { timeout: 60_000 }, async (t) => {
  const { theirs, ours, owner, asker } = await pair(t)
  plant(theirs, { large: LARGE, small: 'a few bytes', 'in-folder': 'others in a folder' })
  plant(ours, { mine: LARGE, 'other-small': 'a few bytes', 'd/e/f': 'others in a folder' })
  for (const file of ['large', 'small', 'in-folder']) await owner.upload(file)
  for (const file of ['mine', 'other-small', './d']) await asker.upload(file === './d' ? join(ours, 'd') : file)
  for (const [file, bytes] of [['large', LARGE.length], ['small', 11], ['in-folder', 18]] as const) {
    t.match(await asker.download(file), { here: bytes, resumed: 0, owners: [] }, file)
    t.ok(readFileSync(join(ours, file)).equals(readFileSync(join(theirs, file))), file)
  }
})

await t.test('pieces of a file that has changed since, or that is a part of another, are fetched', { timeout: 60_000 }, async (t) => {
  const { theirs, ours, owner, asker } = await pair(t)
  plant(theirs, { large: LARGE })
  plant(ours, { mine: Buffer.concat([LARGE.subarray(0, 3 * MiB), pseudoRandomBytes(MiB, 'other')]) })
  await asker.upload('mine')
  // Nobody has looked at it since.
  const changed = readFileSync(join(ours, 'mine'))
  changed[MiB + 5] = (changed[MiB + 5] ?? 0) ^ 1
  writeFileSync(join(ours, 'mine'), changed)
  await owner.upload('large')
  t.match(await asker.download('large'), { here: 2 * MiB, owners: [{ name: 'Owner', bytes: LARGE.length - 2 * MiB }] })
  t.ok(readFileSync(join(ours, 'large')).equals(LARGE))
})

await t.test('a folder beside the version before it, and one that is downloaded in part', { timeout: 60_000 }, async (t) => {
  const { theirs, ours, owner, asker } = await pair(t)
  plant(theirs, { 'v1/large': LARGE, 'v1/zeros': Buffer.alloc(2 * MiB), 'v1/none': '', ...Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`v1/many/${i % 7}/${i}`, `this is ${i}`])) })
  await owner.upload(join(theirs, 'v1'))
  await asker.download('v1')
  cpSync(join(theirs, 'v1'), join(theirs, 'v2'), { recursive: true })
  plant(theirs, { 'v2/moved/large': LARGE, 'v2/many/3/3': 'another', 'v2/new': 'new' })
  appendFileSync(join(theirs, 'v2/large'), 'and more')
  // It has the same bytes; what does not is seen when it is read.
  utimesSync(join(ours, 'v1/many/0/0'), 1, 1)
  writeFileSync(join(ours, 'v1/many/1/1'), 'oh no')
  const shared = await owner.upload(join(theirs, 'v2'))
  const saved = await asker.download('v2')
  const fetched = (LARGE.length + 8) % MiB + 'another'.length + 'new'.length + 'this is 1'.length
  t.match(saved, { here: shared.bytes - fetched - 2 * MiB, zeros: 2 * MiB, owners: [{ name: 'Owner', bytes: fetched }] })
  t.strictSame(listTree(join(ours, 'v2')), listTree(join(theirs, 'v2')))
})

await t.test('a download that was cut off, under another name', { timeout: 60_000 }, async (t) => {
  const { theirs, ours, owner, asker } = await pair(t)
  plant(theirs, { one: LARGE, other: LARGE })
  await owner.upload('one')
  await owner.upload('other')
  asker.limit('down', 2 * MiB)
  const ending = new AbortController()
  const cut = asker.download('one', { signal: ending.signal })
  for (let bytes = 0; bytes < 2.5 * MiB;) [{ bytes }] = await once(asker, 'progress') as [{ bytes: number }]
  ending.abort()
  await t.rejects(cut, { code: 'E_INTERRUPTED' })
  asker.limit('down', undefined)
  const saved = await asker.download('other')
  t.ok(saved.here >= MiB && saved.resumed === 0, `${saved.here} bytes were here`)
  t.ok(readFileSync(join(ours, 'other')).equals(LARGE))
})

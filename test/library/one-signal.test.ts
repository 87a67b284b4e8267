import { getEventListeners } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { get } from '../../lib/library/get.js'
import { Node } from '../../lib/node/node.js'
import { pseudoRandomBytes, tempDir } from '../helpers/files.js'
import { trackerHere } from '../helpers/tracker.js'

const CALLS = 1_000
const AT_ONCE = 50

await t.test('a thousand downloads with one signal leave no listener, and nobody is warned', { timeout: 60_000 }, async (t) => {
  const { host, port } = await trackerHere(t)
  const dir = await tempDir(t)
  const [owner, node] = ['Owner', 'Asker'].map((name) => new Node({ name, dir, tracker: { host, port } })) as [Node, Node]
  t.teardown(async () => await Promise.all([owner.close(), node.close()]))
  await Promise.all([owner.start(), node.start()])
  const bytes = pseudoRandomBytes(2_000_000, 1)
  writeFileSync(join(owner.folder, 'x'), bytes)
  await owner.upload('x')
  const warnings: Error[] = []
  const onWarning = (warning: Error): void => { warnings.push(warning) }
  process.on('warning', onWarning)
  t.teardown(() => process.off('warning', onWarning))

  const stopping = new AbortController()
  const { signal } = stopping
  for (let done = 0; done < CALLS; done += AT_ONCE) {
    const ends = await Promise.allSettled(Array.from({ length: AT_ONCE }, async () => await get('nowhere', { node, signal })))
    t.notOk(ends.some(({ status }) => status === 'fulfilled'))
  }
  const running = get('x', { node, signal })
  const progress = running[Symbol.asyncIterator]()
  await progress.next()
  await progress.return(undefined)
  t.match(await running, { file: 'x', bytes: bytes.length }, 'who stops reading stops nothing')
  t.ok(readFileSync(join(node.folder, 'x')).equals(bytes))
  t.equal(getEventListeners(signal, 'abort').length, 0)
  t.strictSame(warnings, [])

  const reason = new Error('enough')
  stopping.abort(reason)
  await t.rejects(async () => await get('x', { node, signal }), reason)
})

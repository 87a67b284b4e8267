import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Flusher } from '../../lib/disk/flusher.js'
import { MiB } from '../../lib/protocol/units.js'

await t.test('a file that grows is brought to the disk now and then', async (t) => {
  const path = join(t.testdir({}), 'growing')
  writeFileSync(path, 'x')
  const flusher = new Flusher(path)
  t.equal(flusher.grow(MiB), false, 'too little to be worth it')
  t.equal(flusher.grow(16 * MiB), true)
  t.equal(flusher.grow(300 * MiB), false, 'one at a time')
  await flusher.settle()
  t.equal(flusher.grow(30 * MiB, Infinity), false, 'too little since')
  t.equal(flusher.grow(300 * MiB, Infinity), true)
  await flusher.settle()
})

await t.test('a disk that is slow is left to others for as long as it has taken', async (t) => {
  const flusher = new Flusher(join(t.testdir({ growing: '' }), 'growing'))
  const nowMs = performance.now()
  t.equal(flusher.grow(16 * MiB, nowMs - 1_000), true, 'as if it had taken a second')
  await flusher.settle()
  t.equal(flusher.grow(64 * MiB, nowMs + 999), false)
  t.equal(flusher.grow(64 * MiB, nowMs + 2_000), true)
  await flusher.settle()
})

await t.test('what fails here is told by the sync at the end', async (t) => {
  const flusher = new Flusher(join(t.testdir({}), 'gone'))
  t.equal(flusher.grow(16 * MiB), true)
  await flusher.settle()
})

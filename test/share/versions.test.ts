import t from 'tap'
import { REPLACED_DIGESTS, SHARES_PER_NODE } from '../../lib/protocol/limits.js'
import { Versions } from '../../lib/share/versions.js'

void t.test('each version replaces those that were uploaded before it under that name', async (t) => {
  const versions = new Versions()
  t.strictSame(versions.upload('file', 'a'), [])
  t.strictSame(versions.upload('file', 'a'), [], 'shared again as it is')
  t.strictSame(versions.upload('file', 'b'), ['a'])
  t.strictSame(versions.upload('another', 'c'), [])
  t.strictSame(versions.upload('file', 'c'), ['b', 'a'], 'the newest first')
  t.strictSame(versions.upload('file', 'a'), ['c', 'b'], 'back to an older one, which is the newest then')
})

void t.test('only so much is remembered', async (t) => {
  const versions = new Versions()
  for (let i = 0; i < 2 * REPLACED_DIGESTS; i++) versions.upload('file', String(i))
  const replaced = versions.upload('file', 'now')
  t.equal(replaced.length, REPLACED_DIGESTS)
  t.equal(replaced[0], String(2 * REPLACED_DIGESTS - 1))
  for (let i = 0; i < SHARES_PER_NODE; i++) versions.upload(`file ${i}`, 'a')
  t.strictSame(versions.upload('file', 'later'), [])
})

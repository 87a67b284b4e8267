/** One digest is one content: what members say of it beside the digest harms nobody but them. */
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { contentOf } from '../../lib/content/digest.js'
import { LineClient } from '../../lib/net/line-client.js'
import { Node } from '../../lib/node/node.js'
import type { Address } from '../../lib/protocol/address.js'
import { pieceLengthFor } from '../../lib/protocol/content.js'
import { credentialsFor, deriveKeys, type Secret } from '../../lib/secret/keys.js'
import { Tracker } from '../../lib/tracker/tracker.js'
import { deadPort, type Scope } from '../net/peer.js'
import { MiB } from '../../lib/protocol/units.js'
import { testDir } from '../helpers/files.js'

/** Announces good files' digests with other sizes. */
async function lie (t: Scope, name: string, files: Iterable<[filename: string, size: number, digest: string]>, tracker: Address, secret: Secret | undefined): Promise<void> {
  const client = await LineClient.connect({ ...tracker, credentials: secret && { ...credentialsFor('control', secret), name } })
  t.teardown(() => client.close())
  const port = await deadPort()
  for (const [filename, size, digest] of files) {
    await client.request({ type: 'NodeToTracker', mode: 'have', name, filename, size, digest, pieceLength: pieceLengthFor(size), inputPort: port, outputPort: port })
  }
}

for (const [wire, secret] of [['plain', undefined], ['with a secret', { current: deriveKeys(randomBytes(32)) }]] as const) {
  for (const order of ['before', 'after'] as const) {
    await t.test(`${wire}: two liars announce another size ${order} the honest owner does`, { timeout: 60_000 }, async (t) => {
      const dir = testDir(t, { Honest: {} })
      const tracker = new Tracker({ port: 0, secret })
      t.teardown(async () => await tracker.close())
      const address = await tracker.start()
      const [honest, asker] = ['Honest', 'Asker'].map((name) => new Node({ name, dir, tracker: address, secret })) as [Node, Node]
      t.teardown(async () => await Promise.all([honest.close(), asker.close()]))
      await Promise.all([honest.start(), asker.start()])

      const contents = new Map<string, Buffer>()
      const lies: Array<[filename: string, size: number, digest: string]> = []
      for (const size of [1_000, 3 * MiB + 5]) {
        for (const falseSize of [size - 1, size + 1, 0, 2 * MiB]) {
          const filename = `${falseSize} for ${size}`
          const data = randomBytes(size)
          contents.set(filename, data)
          lies.push([filename, falseSize, contentOf(data).digest])
          writeFileSync(join(honest.folder, filename), data)
        }
      }
      const tellTruth = async (): Promise<unknown> => await Promise.all([...contents.keys()].map(async (filename) => await honest.upload(filename)))
      if (order === 'after') await tellTruth()
      for (const name of ['LiarA', 'LiarB']) await lie(t, name, lies, address, secret)
      if (order === 'before') await tellTruth()

      await Promise.all([...contents].map(async ([filename, data]) => {
        const { bytes, owners } = await asker.download(filename)
        t.strictSame([bytes, owners], [data.length, [{ name: 'Honest', bytes: data.length }]], filename)
        t.ok(readFileSync(join(asker.folder, filename)).equals(data))
      }))
    })
  }
}

import { readFileSync, statSync, writeFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { FileLayout, offsetsOf } from '../../lib/content/layout.js'
import { FileWriter } from '../../lib/part/part-writer.js'
import type { PartTask } from '../../lib/part/part-task.js'
import { KiB, MiB } from '../../lib/protocol/units.js'

/** Four pieces, each with 100 KiB of data in its middle. */
const DATA = Buffer.alloc(4 * MiB)
for (let piece = 0; piece < 4; piece++) DATA.fill(`data ${piece} `, piece * MiB + 500 * KiB, piece * MiB + 600 * KiB)

function writeAll (task: Pick<PartTask, 'path' | 'firstPiece' | 'origin' | 'isWindow' | 'isBlank'>, chunk: number): void {
  const writer = new FileWriter({ ...task, offsets: offsetsOf(new FileLayout(DATA.length), { firstPiece: task.firstPiece, endPiece: 4 }) } as PartTask)
  const data = DATA.subarray(task.firstPiece * MiB)
  for (let at = 0; at < data.length; at += chunk) writer.write(data.subarray(at, at + chunk), at)
  writer.close()
}

function diskBytes (path: string): number {
  return statSync(path).blocks * 512
}

for (const chunk of [MiB, 300_000, 3 * MiB]) {
  await t.test(`in chunks of ${chunk} bytes`, async (t) => {
    await t.test('a part file: zeros stay a hole', async (t) => {
      const path = join(t.testdir({}), '1-0.part')
      writeAll({ path, firstPiece: 1, origin: MiB, isWindow: false, isBlank: true }, chunk)
      t.ok(readFileSync(path).equals(DATA.subarray(MiB)))
      t.ok(diskBytes(path) <= 3 * 192 * KiB)
    })

    await t.test('a window where others may have left their bytes: all is as it was sent', async (t) => {
      const path = join(t.testdir({}), '0-0.part')
      writeFileSync(path, Buffer.concat([DATA.subarray(0, MiB), Buffer.alloc(1.5 * MiB, 'a liar')]))
      truncateSync(path, DATA.length)
      writeAll({ path, firstPiece: 1, origin: 0, isWindow: true, isBlank: false }, chunk)
      t.ok(readFileSync(path).equals(DATA))
      if (chunk < 3 * MiB) t.ok(diskBytes(path) < 4 * MiB, 'and what is still a hole stays one')
    })

    await t.test('a window where nobody wrote', async (t) => {
      const path = join(t.testdir({ '0-0.part': '' }), '0-0.part')
      truncateSync(path, DATA.length)
      writeAll({ path, firstPiece: 0, origin: 0, isWindow: true, isBlank: true }, chunk)
      t.ok(readFileSync(path).equals(DATA))
      t.ok(diskBytes(path) <= 4 * 192 * KiB)
    })
  })
}

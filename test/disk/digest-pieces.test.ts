import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { blake3 } from '@napi-rs/blake-hash'
import t from 'tap'
import { digestPieces } from '../../lib/disk/digest-pieces.js'
import type { Scope } from '../net/peer.js'

async function openFile (t: Scope, folder: string, name = 'data'): Promise<number> {
  const handle = await open(join(folder, name))
  t.teardown(async () => await handle.close())
  return handle.fd
}

await t.test('runs of pieces, wherever the content begins in the file', async (t) => {
  const data = Buffer.alloc(2_500_000, 'some bytes that do not repeat within a piece or so')
  const folder = t.testdir({ data: Buffer.concat([Buffer.from('12345'), data]) })
  const fd = await openFile(t, folder)
  const content = { size: data.length, pieceLength: 1_048_576 }
  const pieces = [0, 1, 2].map((i) => blake3(data.subarray(i * 1_048_576, (i + 1) * 1_048_576)))
  for (const [firstPiece, endPiece] of [[0, 3], [0, 1], [1, 3], [2, 3], [1, 1], [3, 3]] as const) {
    const list = digestPieces({ fd, offset: 5, firstPiece, endPiece, ...content })
    t.strictSame(list, Buffer.concat(pieces.slice(firstPiece, endPiece)), `${firstPiece} to ${endPiece}`)
  }
})

await t.test('a piece larger than what is read at once', async (t) => {
  const data = Buffer.alloc(3_000_000, 'xyz')
  const fd = await openFile(t, t.testdir({ data }))
  t.strictSame(digestPieces({ fd, offset: 0, firstPiece: 0, endPiece: 1, size: data.length, pieceLength: 4_194_304 }), blake3(data))
})

await t.test('a part file: the content begins before it', async (t) => {
  const data = Buffer.from('0123456789abcdefghijKLM')
  const fd = await openFile(t, t.testdir({ data: data.subarray(10) }))
  const task = { fd, offset: -10, size: data.length, pieceLength: 10 }
  t.strictSame(digestPieces({ ...task, firstPiece: 1, endPiece: 3 }), Buffer.concat([blake3(data.subarray(10, 20)), blake3(data.subarray(20))]))
})

await t.test('a file that ends too early has changed', async (t) => {
  const fd = await openFile(t, t.testdir({ data: 'short' }))
  t.throws(() => digestPieces({ fd, offset: 0, firstPiece: 0, endPiece: 1, size: 6, pieceLength: 1_048_576 }), { code: 'E_CHANGED' })
  t.strictSame(digestPieces({ fd, offset: 0, firstPiece: 0, endPiece: 1, size: 5, pieceLength: 1_048_576 }), blake3(Buffer.from('short')), 'the next task is none the worse for it')
})

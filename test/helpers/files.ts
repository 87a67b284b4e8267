/** Files for tests: their folders, their contents, and what is left of them. No file is ever whole in memory. */
import { createCipheriv, createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, open, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Test } from 'tap'
import type { Scope } from './command.js'

const CHUNK_BYTES = 1_048_576
const ZEROS = Buffer.alloc(CHUNK_BYTES)

/** A folder of the test's own, removed after it. */
export async function tempDir (t: Scope): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'piecemeal-test-'))
  t.teardown(async () => await rm(folder, { recursive: true, force: true, maxRetries: 3 }))
  return folder
}

/**
 * tap's folder for a test, which goes after whatever the test has to close: by itself tap removes it before
 * what is registered later, so from under a node that still writes into it.
 */
export function testDir (t: Pick<Test, 'testdir' | 'teardown'>, content: Parameters<Test['testdir']>[0] = {}): string {
  t.teardown(() => {})
  return t.testdir(content)
}

/** Bytes that look random and are the same for the same seed, so that a failure can be looked into. */
export function * pseudoRandom (size: number, seed: number | string): Generator<Buffer> {
  const cipher = createCipheriv('aes-128-ctr', createHash('sha256').update(String(seed)).digest().subarray(0, 16), Buffer.alloc(16))
  for (let left = size; left > 0; left -= CHUNK_BYTES) yield cipher.update(ZEROS.subarray(0, Math.min(left, CHUNK_BYTES)))
}

/** For contents that a test takes apart itself. */
export function pseudoRandomBytes (size: number, seed: number | string): Buffer {
  return Buffer.concat([...pseudoRandom(size, seed)])
}

export async function writePseudoRandom (path: string, size: number, seed: number | string = size): Promise<void> {
  await pipeline(Readable.from(pseudoRandom(size, seed)), createWriteStream(path, { flags: 'wx' }))
}

/** A file of holes, but for a few bytes. */
export async function writeSparse (path: string, size: number, marks: ReadonlyArray<{ at: number, bytes: Uint8Array }>): Promise<void> {
  const file = await open(path, 'wx')
  try {
    await file.truncate(size)
    for (const { at, bytes } of marks) await file.write(bytes, 0, bytes.length, at)
  } finally {
    await file.close()
  }
}

export async function sha256 (path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: CHUNK_BYTES }), hash)
  return hash.digest('hex')
}

/** Where two files differ first, or undefined if they are the same byte for byte. */
export async function firstDifference (path: string, otherPath: string): Promise<number | undefined> {
  const [file, other] = await Promise.all([open(path), open(otherPath)])
  try {
    const [bytes, otherBytes] = [Buffer.alloc(CHUNK_BYTES), Buffer.alloc(CHUNK_BYTES)]
    for (let at = 0; ; at += CHUNK_BYTES) {
      const [read, otherRead] = await Promise.all([readFully(file, bytes, at), readFully(other, otherBytes, at)])
      const [chunk, otherChunk] = [bytes.subarray(0, read), otherBytes.subarray(0, otherRead)]
      if (!chunk.equals(otherChunk)) return at + differenceWithin(chunk, otherChunk)
      if (read < CHUNK_BYTES) return undefined
    }
  } finally {
    await Promise.all([file.close(), other.close()])
  }
}

/**
 * What a node keeps beside its files that should have gone when nothing is under way: all but the
 * lock and what it remembers of digests, as paths within the hidden folder.
 */
export async function hiddenLeftovers (nodeFolder: string): Promise<string[]> {
  const hidden = join(nodeFolder, '.piecemeal')
  const entries = await readdir(hidden, { recursive: true, withFileTypes: true })
  return entries
    .map((entry) => relative(hidden, join(entry.parentPath, entry.name)))
    .filter((path) => path !== 'lock' && !/^digests(?:\/[0-9a-f]+\.json)?$/.test(path))
    .sort()
}

/** The files of a node, its hidden folder aside. */
export async function visibleFiles (nodeFolder: string): Promise<string[]> {
  return (await readdir(nodeFolder)).filter((name) => name !== '.piecemeal').sort()
}

function differenceWithin (chunk: Buffer, other: Buffer): number {
  const at = chunk.findIndex((byte, i) => byte !== other[i])
  return at < 0 ? chunk.length : at
}

async function readFully (file: Awaited<ReturnType<typeof open>>, buffer: Buffer, position: number): Promise<number> {
  let bytes = 0
  while (bytes < buffer.length) {
    const { bytesRead } = await file.read(buffer, bytes, buffer.length - bytes, position + bytes)
    if (bytesRead === 0) break
    bytes += bytesRead
  }
  return bytes
}

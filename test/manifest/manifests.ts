/** Manifests by hand, and at random, for tests. */
import { blake3 } from '@napi-rs/blake-hash'
import fc from 'fast-check'
import { pieceCount, pieceLengthFor } from '../../lib/protocol/content.js'
import type { Entry, FileEntry } from '../../lib/manifest/entry.js'
import { ManifestBuilder } from '../../lib/manifest/manifest-builder.js'
import { ManifestReader } from '../../lib/manifest/manifest-reader.js'
import type { Manifest } from '../../lib/manifest/manifest.js'
import { comparePaths } from '../../lib/manifest/path.js'
import { writeManifest } from '../../lib/manifest/write-manifest.js'

/** As many digests as the size has pieces, of nothing in particular. */
export function digestsFor (size: number, seed = ''): Buffer {
  const count = pieceCount({ size, pieceLength: pieceLengthFor(size) })
  return Buffer.concat(Array.from({ length: count }, (_, i) => blake3(`${seed} ${i}`)))
}

export function file (path: string, size = 1, options: { isExecutable?: boolean, mtimeMs?: number } = {}): FileEntry {
  return { kind: 'file', path, size, isExecutable: false, digests: digestsFor(size, path), ...options }
}

export function link (path: string, target: string): Entry {
  return { kind: 'link', path, target }
}

export function folder (path: string): Entry {
  return { kind: 'folder', path }
}

export function inOrder (entries: Iterable<Entry>): Entry[] {
  const slice = (path: string) => ({ bytes: Buffer.from(path), start: 0, end: Buffer.byteLength(path) })
  return [...entries].sort((a, b) => comparePaths(slice(a.path), slice(b.path)))
}

export function build (entries: Iterable<Entry>): Manifest {
  const builder = new ManifestBuilder()
  for (const entry of entries) builder.add(entry)
  return builder.build()
}

export function bytesOf (manifest: Manifest): Buffer {
  return Buffer.concat([...writeManifest(manifest)])
}

export function readManifest (bytes: Buffer, chunkBytes = bytes.length): Manifest {
  const reader = new ManifestReader()
  for (let at = 0; at < bytes.length; at += chunkBytes) reader.take(bytes.subarray(at, at + chunkBytes))
  return reader.end()
}

const name = fc.oneof(
  fc.constantFrom('a', 'b', 'ab', 'a-', 'a.', 'a b', 'A', 'é', '😀', '__proto__', '"', '\u2028', 'z'),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 5 }).filter((text) => !/[/\\\p{Cc}]/u.test(text) && text !== '.' && text !== '..' && text.isWellFormed())
)
const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'))
const entry = fc.oneof(
  fc.record({ kind: fc.constant('file' as const), path, size: fc.oneof(fc.nat(5), fc.nat(2 ** 24)), isExecutable: fc.boolean(), mtimeMs: fc.integer() }),
  fc.record({ kind: fc.constant('folder' as const), path, mtimeMs: fc.integer() }),
  fc.record({ kind: fc.constant('link' as const), path, target: path.map((text) => `not-there/${text}`) })
)

/** Entries in order, of which none is below another but by a folder that is none of them. */
export const anyEntries = fc.tuple(fc.uniqueArray(entry, { selector: ({ path }) => path, maxLength: 12 }), fc.boolean()).map(([made, hasTimes]) => {
  const taken = new Set(made.map(({ path }) => path))
  return inOrder(made
    .filter(({ path }) => path.split('/').every((_, i, names) => i === 0 || !taken.has(names.slice(0, i).join('/'))))
    .map((one): Entry => {
      if (one.kind === 'link') return one
      const { mtimeMs, ...rest } = one
      const time = hasTimes ? { mtimeMs } : {}
      return rest.kind === 'file' ? { ...rest, digests: digestsFor(rest.size), ...time } : { ...rest, ...time }
    }))
})

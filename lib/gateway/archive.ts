/** A folder, or some of it, as a tar archive: in parts that are sent one after the other, so that nothing of it is made before it is wanted. */
import type { EntryRange } from '../manifest/entries-at.js'
import { KiB } from '../protocol/units.js'
import type { ReadFolder, ReadFolders } from '../reading/read-folders.js'
import type { Readable } from '../reading/readable.js'
import type { OpenExtent } from '../share/source.js'
import { FilesAhead } from './files-ahead.js'
import { until } from './sending.js'
import { headerFor, paddingAfter, rootHeader, TAR_END } from './tar.js'

export interface ArchiveSource {
  folders: ReadFolders
  /** Aborted once whoever asked has gone. */
  gone: AbortSignal
}

/** A hundred small files are sent as one part; of a large one this much is read before the part that says that it begins. */
const PART_BYTES = 64 * KiB

/** @param since seconds of the Unix clock, for what has no time of its own. @throws what a file can't be read for. */
export async function * archiveOf (folder: ReadFolder, entries: EntryRange, since: number, { folders, gone }: ArchiveSource): AsyncGenerator<Buffer | OpenExtent, void> {
  const { filename, manifest } = folder.share
  const files = new FilesAhead(folder, entries, folders)
  let made = [rootHeader(filename, since)]
  let bytes = 0
  try {
    for (let index = entries.first; index < entries.end; index++) {
      const entry = manifest.entry(index)
      made.push(headerFor(entry, filename, since))
      if (entry.kind === 'file' && entry.size > 0) {
        const file = await files.take(index)
        try {
          const head = await readHead(file, entry.size, gone)
          made.push(head)
          if (head.length < entry.size) {
            yield Buffer.concat(made)
            made = []
            yield { range: { start: head.length, end: entry.size }, read: async (into, length, position) => await until(file.read(into, length, position), gone) }
          }
        } finally {
          await file.close()
        }
        made.push(paddingAfter(entry.size))
      }
      bytes = made.reduce((sum, { length }) => sum + length, 0)
      if (bytes < PART_BYTES) continue
      yield Buffer.concat(made)
      made = []
    }
    yield Buffer.concat([...made, TAR_END])
  } finally {
    await files.close()
  }
}

/** All of a small file. */
async function readHead (file: Readable, size: number, gone: AbortSignal): Promise<Buffer> {
  const head = Buffer.allocUnsafe(Math.min(PART_BYTES, size))
  file.aim({ start: 0, end: size })
  for (let at = 0; at < head.length;) at += await until(file.read(head.subarray(at), head.length - at, at), gone)
  return head
}

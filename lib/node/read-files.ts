/** How a node's files are read, and those of others through it: the library, put together from the node's parts. */
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { DownloadContext } from '../download/context.js'
import { download, type Downloaded } from '../download/download.js'
import type { Turn } from '../download/turns.js'
import { FileCache } from '../disk/file-cache.js'
import type { NodeFolder } from '../disk/node-folder.js'
import { identifyOwnFile } from '../disk/own-file.js'
import type { Found } from '../protocol/tracker-to-node.js'
import type { Content } from '../protocol/content.js'
import type { Coming } from '../reading/coming.js'
import { Library } from '../reading/library.js'
import type { Title } from '../reading/readable.js'
import type { Activity } from './activity.js'
import type { Offers } from './offers.js'
import type { NamedFile, OwnShares } from './own-shares.js'

export interface ReadFilesOptions {
  offers: Offers
  own: OwnShares
  activity: Activity
  /** @throws E_INTERRUPTED if the node is not running. */
  folder: () => NodeFolder
  find: (filename: string, digest: string | undefined) => Promise<Found>
  /** For a download to that path, put together in that folder. */
  context: (target: string, hiddenFolder: string, turn: Turn) => Promise<DownloadContext>
  /** Downloads into the node's folder and shares, as its user would. */
  keep: (title: Title, coming: Coming, signal: AbortSignal) => Promise<Content & { path: string }>
  /** Whether what is fetched is kept as a share. */
  isKept: boolean
  /** Bytes of the cache. */
  cacheBytes: number | undefined
}

export function readFiles (options: ReadFilesOptions): Library {
  const { offers, own, activity, folder, find, context, keep, isKept, cacheBytes } = options
  let cache: Promise<FileCache> | undefined

  async function openCache (): Promise<FileCache> {
    cache ??= FileCache.open(folder().hiddenFolder, cacheBytes)
    // What was in the way may be gone the next time.
    cache.catch(() => { cache = undefined })
    return await cache
  }

  async function remember (path: string, { identity, ...content }: Downloaded): Promise<void> {
    await folder().digests.put(path, identity ?? await identifyOwnFile(path), content)
  }

  /** While it comes it is offered, piece by piece, unless it is of a folder; the cache itself is not. */
  async function fetch ({ filename: name, digest: wanted, within }: Title, coming: Coming, signal: AbortSignal): Promise<Content & { path: string }> {
    const cache = await openCache()
    const path = cache.path(wanted)
    const { filename, digest, excerpt } = within ?? { filename: name, digest: wanted }
    await mkdir(dirname(path), { recursive: true })
    return await activity.fetch(filename, signal, async (task, turn) => {
      try {
        const content = await download({
          filename,
          digest,
          excerpt,
          readers: coming.readers,
          signal: task.signal,
          onGood: (content, pieces, run) => {
            coming.place(content, run)
            if (within === undefined && !offers.shares.has(filename)) offers.place(content, pieces, run)
          },
        }, await context(path, cache.folder, turn))
        // Being slower next time is no reason to fail now.
        await remember(path, content).catch(() => {})
        return { ...content, path }
      } finally {
        if (within === undefined && !activity.isFetching(filename)) offers.abandon(filename)
      }
    })
  }

  return new Library({
    shares: offers.shares,
    find,
    cache: async (within) => isKept && within === undefined ? undefined : await openCache(),
    fetch: async (title, coming, signal) => await (isKept && title.within === undefined ? keep : fetch)(title, coming, signal),
    identify: async (filename, path) => await own.digestOf({ filename, path } satisfies NamedFile),
    onSuspect: (share) => own.suspect(share),
  })
}

/** A folder on a disk as a share, and an owner of it: both servers in this process. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import { FolderShares } from '../../lib/share/folder-shares.js'
import { folderShareData, type FolderShare } from '../../lib/share/folder-share.js'
import { MetadataServer } from '../../lib/share/metadata-server.js'
import { PartialShares } from '../../lib/share/partial-share.js'
import { ServedFolders } from '../../lib/share/served-folders.js'
import { ShareIndex } from '../../lib/share/share-index.js'
import { UploadServer } from '../../lib/share/upload-server.js'
import { digestFiles } from '../../lib/tree/digest-files.js'
import { digestTree } from '../../lib/tree/digest-tree.js'
import { findTree, keepTree } from '../../lib/tree/find-tree.js'
import { Peer } from '../net/peer.js'

export async function writeTree (root: string, files: Record<string, string | Buffer>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), content)
  }
}

export async function folderShareOf (root: string, filename: string): Promise<FolderShare> {
  const threads = { findTree: async (task: Parameters<typeof findTree>[0]) => findTree(task), digestFiles: async (task: Parameters<typeof digestFiles>[0]) => digestFiles(task), keepTree: async (task: Parameters<typeof keepTree>[0]) => keepTree(task) }
  const { content, manifest, identities } = await digestTree(root, { threads, tasksAtOnce: 1, treeFile: undefined })
  return { ...content, kind: 'folder', filename, path: root, manifest, identities }
}

export interface FolderOwner {
  folders: FolderShares
  served: ServedFolders
  lost: string[]
  suspects: string[]
  errors: Error[]
  offer: (share: FolderShare) => void
  /** The reply to a question at the input port. */
  ask: (share: FolderShare, fields?: object) => Promise<Record<string, unknown>>
  /** A connection that has sent a request. */
  request: (share: FolderShare, range: readonly [number, number], fields?: object) => Promise<Peer>
}

/** What the thread and the main thread do together in a node, in one. */
export async function folderOwner (t: Pick<Test, 'teardown'>): Promise<FolderOwner> {
  const folders = new FolderShares()
  const [lost, suspects]: [string[], string[]] = [[], []]
  const errors: Error[] = []
  const pathOf = ({ filename, digest }: { filename: string, digest: string }, entry: number): string => folders.find(filename, digest)?.manifest.path(entry) ?? ''
  const served = new ServedFolders(async (folder, event) => {
    if (event.what === 'suspect') suspects.push(pathOf(folder, event.entry))
    if (event.what !== 'lost') return
    const { entry } = event
    const manifest = folders.find(folder.filename, folder.digest)?.manifest
    const pieces = { firstPiece: manifest?.firstPieceOf(entry) ?? 0, endPiece: manifest?.firstPieceOf(entry + 1) ?? 0 }
    if (folders.lack(folder.filename, folder.digest, pieces)) lost.push(pathOf(folder, entry))
    served.lack(folder, pieces)
  })
  const shares = new ShareIndex()
  const partials = new PartialShares()
  const unwanted = (): never => { throw new Error('unwanted') }
  const common = { shares, partials, onChanged: unwanted, onSuspect: unwanted, onUnreadable: unwanted, onError: (error: Error) => errors.push(error) }
  const [input, output] = [new MetadataServer({ ...common, folders }), new UploadServer({ ...common, folders: served })]
  t.teardown(async () => await Promise.all([input.close(), output.close()]))
  const anyPort = { host: '127.0.0.1', port: 0 }
  const [{ port: inputPort }, { port: outputPort }] = await Promise.all([input.listen(anyPort), output.listen(anyPort)])
  return {
    folders,
    served,
    lost,
    suspects,
    errors,
    offer: (share) => {
      const before = folders.current(share.filename)
      for (const gone of folders.add(share, performance.now())) served.remove(gone)
      served.add(folderShareData(share))
      const older = before && folders.find(before.filename, before.digest)
      if (older) served.add(folderShareData(older))
    },
    ask: async ({ filename, digest }, fields) => {
      const peer = await Peer.connect(t, { port: inputPort })
      peer.send({ type: 'SizeInformation', filename, digest, size: -1, ...fields })
      const answer = await peer.message()
      peer.socket.destroy()
      return answer
    },
    request: async ({ filename, digest }, range, fields) => {
      const peer = await Peer.connect(t, { port: outputPort })
      peer.send({ type: 'FileCommunication', filename, digest, range, ...fields })
      return peer
    },
  }
}

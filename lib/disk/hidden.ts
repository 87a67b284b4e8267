/**
 * What lies in a node's hidden folder, `DIR/NAME/.piecemeal`, and in those beside the targets of
 * downloads that go elsewhere, and under which names. Whatever fits none of them is left alone.
 */
import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { DIGEST_PREFIX, type Content } from '../protocol/content.js'
import { HIDDEN_FOLDER } from '../protocol/names.js'

/** Of whoever works on the folder. */
export const LOCK_FILE = 'lock'
/** Says who it is, where the file system has no locks. */
export const HOLDER_FILE = 'holder.json'
/** Digests of files that were shared before. */
export const DIGESTS_FOLDER = 'digests'
/** What folders were when they were shared or downloaded. */
export const TREES_FOLDER = 'trees'
/** What was fetched to be read: in it `<digest>.file` for a whole file, and folders of digests as beside it. */
export const CACHE_FOLDER = 'cache'
export const CACHED_FILE = /^[0-9a-f]{64}\.file$/
/** What is shared and downloaded again after a restart, and what the node is known by. */
export const SHARES_FILE = 'shares.json'
export const SESSION_FILE = 'session.json'
/** The folder of a digest, and in it that of a file name. */
export const DIGEST_FOLDER = /^[0-9a-f]{64}$/
export const NAME_FOLDER = /^[0-9a-f]{16}$/
/** Beside that of a digest, where several processes work: `ContentLock`. */
export const CONTENT_LOCK = /^[0-9a-f]{64}\.lock$/
/** In the folder of a name: says what the part files beside it belong to. */
export const JOURNAL = 'journal.json'
/** In the folder of a name: `<first piece>-<number>.part`; with windows there is one from piece 0, and rarely another. */
export const PART_FILE = /^(\d{1,7})-(\d{1,9})\.part$/
/** The part file of a content of one piece or none: `<digest>-<number>.part`. */
export const SINGLE_PIECE = /^[0-9a-f]{64}-\d+\.part$/
/** A file that is being sent to us over HTTP. */
export const RECEIVED = /^[0-9a-f]{16}\.put$/
/** Says that an empty file was made under a name, to be replaced: `claimNote`. */
export const CLAIM_NOTE = /^[0-9a-f]{16}\.claim$/
/** Says that a hidden folder lies beside a target, and which: `besideNote`. */
export const BESIDE_NOTE = /^[0-9a-f]{16}\.beside$/
/** Such a folder, `.piecemeal-UID-RANDOM`, which is nobody else's name. */
export const BESIDE = /^\.piecemeal-\d+-[0-9a-f]{32}$/
/** Says that a version took, or is to take, the place of another, and where the older one lies since: `updateNotes`. */
export const UPDATE_NOTE = /^[0-9a-f]{16}\.update$/
/** A version that has come, and is to take the place of another. */
export const ARRIVED = /^[0-9a-f]{16}\.next$/
/** In it: what it is, for whoever finds it. */
export const EXPLANATION = 'README'
/** Whether files may have holes is found out with it. */
export const HOLES_PROBE = 'holes'

/** Where a download is under way: one content may be fetched under several names. */
export function workspaceFolder (hiddenFolder: string, { digest, filename }: Pick<Content, 'digest'> & { filename: string }): string {
  return join(digestFolder(hiddenFolder, digest), shortHash(filename))
}

export function receivedName (random: Buffer): string {
  return `${random.toString('hex')}.put`
}

/** Where a folder is under way: its manifest, once that is there; its tree, and a note of what that was made for. */
export function folderPlaces (hiddenFolder: string, content: Pick<Content, 'digest'> & { filename: string }): { manifest: string, tree: string, note: string } {
  const folder = workspaceFolder(hiddenFolder, content)
  return { manifest: join(folder, 'manifest'), tree: join(folder, 'tree'), note: join(folder, 'tree.json') }
}

export function partFileName (firstPiece: number, number: number): string {
  return `${firstPiece}-${number}.part`
}

export function singlePiecePath (hiddenFolder: string, digest: string, number: number): string {
  return `${digestFolder(hiddenFolder, digest)}-${number}.part`
}

/** @param path of the file that is to have the name: of several that want it each has a note of its own */
export function claimNote (hiddenFolder: string, path: string): string {
  return join(hiddenFolder, `${shortHash(path)}.claim`)
}

/** @param root absolute path of the folder that is remembered */
export function treeFile (keptIn: string, root: string): string {
  return join(keptIn, TREES_FOLDER, `${shortHash(root)}.tree`)
}

/** Of one update: where the version lies once it has come, and the notes of what is done with it. */
export function updatePlaces ({ hiddenFolder, notesFolder }: { hiddenFolder: string, notesFolder: string }): { arrived: string, note: string, exchange: string } {
  const name = randomBytes(8).toString('hex')
  const note = join(notesFolder, `${name}.update`)
  return { arrived: join(hiddenFolder, `${name}.next`), note, exchange: exchangeNote(note) }
}

/** Beside the note of an update, while it happens. */
export function exchangeNote (updateNote: string): string {
  return `${updateNote}.exchange`
}

/** A name for a hidden folder that no folder has. */
export function newBeside (): string {
  return `${HIDDEN_FOLDER}-${process.getuid?.() ?? 0}-${randomBytes(16).toString('hex')}`
}

/** @param path of the target: one file may go to several places, one after the other */
export function besideNote (hiddenFolder: string, { filename, path }: { filename: string, path: string }): string {
  return join(hiddenFolder, `${shortHash(`${filename}\n${path}`)}.beside`)
}

/** Whether a component of a path is a hidden folder. */
export function isHidden (component: string): boolean {
  return component === HIDDEN_FOLDER || BESIDE.test(component)
}

function digestFolder (hiddenFolder: string, digest: string): string {
  return join(hiddenFolder, digest.slice(DIGEST_PREFIX.length))
}

function shortHash (text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

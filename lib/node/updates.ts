/**
 * Versions that take the place of older ones: what lies there is looked at, what has come is put in its
 * place at once, and the older one stays beside it, hidden, for whoever is still at work in it. A note
 * of each is written before anything is moved, so that the next start knows which is which.
 * Longer than 250 lines because looking, exchanging and letting go are about the same note.
 */
import { copyFile, lstat, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import pLimit from 'p-limit'
import type { PieceList } from '../content/digest.js'
import { atDisk } from '../disk/at-disk.js'
import type { DigestCache } from '../disk/digest-cache.js'
import { toDiskError } from '../disk/disk-error.js'
import { BESIDE, exchangeNote, folderPlaces, NAME_FOLDER, newBeside, UPDATE_NOTE, updatePlaces } from '../disk/hidden.js'
import { removeKept } from '../disk/kept.js'
import { identifyOwnFile, isSameFile, type FileIdentity } from '../disk/own-file.js'
import { syncFolder } from '../disk/publish.js'
import type { Downloaded } from '../download/download.js'
import type { Standing } from '../download/standing.js'
import { Manifest } from '../manifest/manifest.js'
import * as check from '../protocol/check.js'
import type { Content } from '../protocol/content.js'
import { PiecemealError, systemCode, toPiecemealError } from '../protocol/errors.js'
import { quote } from '../protocol/names.js'
import { differences } from '../tree/compare-trees.js'
import { Refused } from '../tree/refused.js'
import type { ShareIndex } from '../share/share-index.js'
import { digestTree } from '../tree/digest-tree.js'
import { assertExchangeable, exchange, settleExchange } from '../tree/exchange.js'
import { TreeControl } from '../tree/tree-control.js'
import type { Task } from './activity.js'
import type { NamedFile, OwnShares } from './own-shares.js'
import { CORES } from './thread-room.js'
import type { WorkerPool } from './worker-pool.js'

export interface UpdatesOptions {
  own: Pick<OwnShares, 'digestOf'>
  shares: ShareIndex
  digests: () => DigestCache
  /** @throws E_INTERRUPTED if the node is not running. */
  pool: () => Promise<WorkerPool>
  /** Where a folder is remembered, if anywhere. */
  treeFile: (root: string) => string | undefined
  /** Where the notes are; undefined where nothing can be noted. */
  notesFolder: () => string | undefined
  /** How long an older version stays, in milliseconds. */
  keepOldMs: number
  /** Does `work` unless another process is at work on that content, in a folder that several share. */
  alone: <T>(digest: string, work: () => Promise<T>) => Promise<T | undefined>
  onWarning: (message: string) => void
  onError: (error: Error) => void
}

/** A timer can't wait for longer. */
const LONGEST_WAIT_MS = 2 ** 31 - 1

/** What lies under the name, as it was looked at. */
export interface Place extends Standing {
  path: string
  /** What was downloaded of it, if not all. */
  patterns?: string[] | undefined
  /** What there is now, as a content; of a folder that came in part it is another one than `digest`. */
  content: Content & { pieces: PieceList }
  /** If it is a file. */
  identity?: FileIdentity
  dev: bigint
  /** As it was remembered of a folder: its file system says that of all files. */
  allExecutable?: boolean | undefined
  lookedAtMs: number
}

/** Where the version lies that is to take a place, and what is noted of that. */
export interface Places {
  hiddenFolder: string
  /** Of a file: a folder stays where it was put together. */
  arrived: string
  note: string
}

/** What has come, under which name, and what of a folder was wanted. */
export interface Successor extends Pick<Downloaded, 'digest' | 'folder'> {
  filename: string
  patterns?: readonly string[] | undefined
}

/**
 * Inodes of the older and the newer one; `digest` of the newer one; `arrived`: where it was put together,
 * if it is a folder; `file`: what the older one was, if it is a file.
 */
const noted = {
  target: check.string,
  beside: check.string,
  ino: check.string,
  newIno: check.string,
  digest: check.optional(check.digest),
  arrived: check.optional(check.string),
  file: check.optional(check.string),
}
type Note = check.Checked<typeof noted>

export class Updates {
  readonly #options: UpdatesOptions
  readonly #timers = new Set<NodeJS.Timeout>()
  /** What goes may be linked to what is looked at, whose times it moves: one after the other. */
  readonly #oneAtATime = pLimit(1)
  #isClosed = false

  constructor (options: UpdatesOptions) {
    this.#options = options
  }

  /**
   * What lies under a name, digested as far as it is not as it was remembered.
   *
   * @returns undefined if nothing is there
   * @throws E_EXISTS if nothing can take its place; as `digestTree`.
   */
  async look ({ filename, path }: NamedFile, task: Task): Promise<Place | undefined> {
    const stats = await atDisk(async () => await lstat(path, { bigint: true })).catch((error: unknown) => {
      if (systemCode(error) === 'ENOENT') return undefined
      throw toDiskError(error, `cannot look for ${quote(filename)}`)
    })
    if (stats === undefined) return undefined
    if (!stats.isFile() && !stats.isDirectory()) throw new PiecemealError('E_EXISTS', `${quote(filename)} is neither a file nor a folder here`)
    await assertExchangeable(path)
    const lookedAtMs = Date.now()
    if (stats.isDirectory()) return { path, dev: stats.dev, lookedAtMs, ...await this.#oneAtATime(async () => await this.#lookAtTree(path, task)) }
    return { path, dev: stats.dev, lookedAtMs, ...await this.#lookAtFile({ filename, path }) }
  }

  async #lookAtFile ({ filename, path }: NamedFile): Promise<Omit<Place, 'path' | 'dev' | 'lookedAtMs'>> {
    const { own, shares, digests } = this.#options
    const now = await identifyOwnFile(path)
    const share = shares.has(filename) && shares.get(filename).path === path ? shares.get(filename) : undefined
    const isKnown = share ? isSameFile(share.identity, now) : await digests().get(path, now) !== undefined
    const { identity, ...content } = await own.digestOf({ filename, path })
    const changes = new Refused()
    if (share && share.digest !== content.digest) changes.add(filename, 'changed')
    return { digest: content.digest, size: content.size, isKnown: isKnown || share?.digest === content.digest, changes, content, identity }
  }

  /** Looked at from a copy of what is remembered: what is there now is remembered once it has been replaced. */
  async #lookAtTree (root: string, task: Task): Promise<Omit<Place, 'path' | 'dev' | 'lookedAtMs'>> {
    const { trees } = await this.#options.pool()
    const treeFile = this.#options.treeFile(root)
    const known = treeFile === undefined ? undefined : await trees.rememberedTree(treeFile)
    const copy = treeFile === undefined ? undefined : `${treeFile}.look`
    try {
      if (treeFile !== undefined && copy !== undefined) await copyFile(treeFile, copy).catch(() => {})
      const { manifest, identities, content, leftOut } = await digestTree(root, {
        hasTimes: known?.hasTimes ?? false,
        skipSpecial: true,
        allowShrink: true,
        treeFile: copy,
        threads: trees,
        tasksAtOnce: CORES,
        onProgress: ({ bytes, size }) => task.reach(bytes, size),
        signal: task.signal,
      })
      const changes = known && differences(Manifest.fromData(known.manifest), manifest)
      for (const path of leftOut.first) changes?.add(path)
      const isAsKnown = known !== undefined && changes?.count === 0
      const { digest, patterns } = isAsKnown ? known.head : { digest: content.digest }
      return { digest, size: content.size, patterns, allExecutable: known?.head.allExecutable, isKnown: known !== undefined, content, changes, tree: { root, manifest: manifest.data, identities } }
    } finally {
      if (copy !== undefined) await rm(copy, { force: true }).catch(() => {})
    }
  }

  /** @param hiddenFolder where it is put together, on the same file system @throws E_IO where nothing can be noted. */
  places (hiddenFolder: string): Places {
    const notesFolder = this.#options.notesFolder()
    if (notesFolder === undefined) throw new PiecemealError('E_IO', 'nothing can take the place of anything here: there is nowhere to note it')
    return { hiddenFolder, ...updatePlaces({ hiddenFolder, notesFolder }) }
  }

  /** What lies there is what is wanted. */
  asDownloaded ({ content, identity, tree, dev, allExecutable = false, lookedAtMs }: Place, replaces: string[] | undefined): Downloaded {
    const downloaded = { ...content, identity, replaces, owners: [], resumedBytes: 0, hereBytes: content.size, zeroBytes: 0 }
    if (tree === undefined) return downloaded
    const manifest = Manifest.fromData(tree.manifest)
    const { files, size: bytes } = manifest.head
    return { ...downloaded, hereBytes: bytes, folder: { manifest, identities: tree.identities, dev, lookedAtMs, otherTimes: 0, allExecutable, files, bytes, without: 0 } }
  }

  /**
   * What has come takes its place. The older one is a hidden sibling then, until it is removed.
   *
   * @returns entries of a folder that are files of the older one, and were written to since that was looked at
   * @throws E_EXISTS if that was changed meanwhile, or can't be moved: it is left untouched, and a folder that has come is kept for the next try; E_IO.
   */
  async exchange (place: Place, places: Places, successor: Successor): Promise<Uint32Array> {
    const { path, identity, tree } = place
    const { note, hiddenFolder } = places
    const { filename, digest, folder } = successor
    const arrived = folder ? folderPlaces(hiddenFolder, successor).tree : places.arrived
    const beside = join(dirname(path), newBeside())
    try {
      const [ino, newIno] = await Promise.all([inoOf(path), inoOf(arrived)])
      if (ino === undefined || newIno === undefined) throw new PiecemealError('E_EXISTS', `${quote(path)} was moved meanwhile, and nothing takes its place`)
      if (identity && !isSameFile(identity, await identifyOwnFile(path))) throw new PiecemealError('E_EXISTS', `${quote(path)} was written to meanwhile, and is left untouched`)
      const known: Note = { target: path, beside, ino, newIno, digest, ...(folder && { arrived }), ...(identity && { file: asItWas(identity) }) }
      await writeFile(note, JSON.stringify(known), { flush: true })
      try {
        await this.#remember(place, known, successor)
        await rename(arrived, beside)
        await exchange({ hidden: beside, target: path, note: exchangeNote(note) })
      } catch (error) {
        await this.#undo(note, known)
        throw error
      }
      await this.#isExchanged(known)
      await syncFolder(dirname(path)).catch(() => {})
      const written = folder && tree && await (await this.#options.pool()).trees.writtenSince({ manifest: folder.manifest.data, root: path, old: tree }).catch(() => undefined)
      // Older versions that were on their way as well.
      await removeKept(hiddenFolder, filename).catch(() => {})
      if (this.#options.keepOldMs === 0) await this.#oneAtATime(async () => await this.#remove(note, known)).catch((error: unknown) => this.#fail(error))
      else this.#keep(note, known, Date.now())
      return written ?? new Uint32Array()
    } catch (error) {
      if (folder === undefined) await rm(arrived, { force: true })
      throw toDiskError(error, `cannot put a version in the place of ${quote(path)}`)
    }
  }

  /** Both, for a process that is killed after the exchange remembers neither otherwise. */
  async #remember ({ path: root, tree, dev, lookedAtMs }: Place, { beside, arrived }: Note, { folder, patterns }: Successor): Promise<void> {
    const { pool, treeFile } = this.#options
    if (tree === undefined || folder === undefined || arrived === undefined) return
    const { trees } = await pool()
    await trees.keepTree({ root: beside, dev, manifest: tree.manifest, identities: tree.identities, lookedAtMs, treeFile: treeFile(beside) })
    const { manifest: { data: manifest }, ...came } = folder
    await trees.keepTree({ ...came, root, manifest, patterns: patterns && [...patterns], treeFile: treeFile(arrived) })
  }

  /** The newer one is known by its name, and what it was put together in is empty. */
  async #isExchanged ({ target, arrived }: Note): Promise<void> {
    const [from, to] = [arrived, target].map((root) => root === undefined ? undefined : this.#options.treeFile(root))
    if (from !== undefined && to !== undefined) await rename(from, to).catch(() => {})
    const workspace = dirname(arrived ?? '')
    if (!NAME_FOLDER.test(basename(workspace))) return
    await rm(workspace, { recursive: true, force: true })
    await rmdir(dirname(workspace)).catch(() => {})
  }

  /**
   * What an earlier run was doing when it ended is undone or done. To be called before anything is shared.
   *
   * @returns lets the older versions that it has left go, in their time; resolves when those are gone that nobody wants any more
   */
  async tidy (): Promise<() => Promise<void>> {
    const folder = this.#options.notesFolder()
    if (folder === undefined) return async () => {}
    const left: Array<() => Promise<void>> = []
    for (const name of (await readdir(folder).catch(() => [])).filter((name) => UPDATE_NOTE.test(name))) {
      const note = join(folder, name)
      try {
        const known = check.checkShape(noted, JSON.parse(await readFile(note, 'utf8')))
        const goOn = await this.#alone(known, async () => await this.#settle(note, known))
        if (goOn) left.push(goOn)
      } catch (error) {
        // One that was not written to its end: nothing was moved yet.
        if (error instanceof SyntaxError) await rm(note, { force: true })
        else this.#options.onError(toPiecemealError(error))
      }
    }
    return async () => { await Promise.all(left.map(async (goOn) => await goOn())) }
  }

  async #alone<T> ({ digest }: Note, work: () => Promise<T>): Promise<T | undefined> {
    return digest === undefined ? await work() : await this.#options.alone(digest, work)
  }

  /** @returns lets the older version go, if there is one */
  async #settle (note: string, known: Note): Promise<(() => Promise<void>) | undefined> {
    // Its disk may be back another time.
    if (await inoOf(dirname(known.target)) === undefined) return undefined
    await settleExchange(exchangeNote(note))
    const [ino, { mtimeMs }] = await Promise.all([inoOf(known.beside), lstat(note)])
    if (ino === undefined || ino === known.newIno) {
      await this.#undo(note, known)
      return undefined
    }
    await this.#isExchanged(known)
    const { keepOldMs } = this.#options
    if (keepOldMs === 0) return async () => { await this.#alone(known, async () => await this.#oneAtATime(async () => await this.#remove(note, known))).catch((error: unknown) => this.#fail(error)) }
    // Also where inodes are others after a start: what is not as it was is kept.
    return async () => await Promise.resolve(this.#keep(note, known, mtimeMs))
  }

  /** What waits to go goes at the next start. Safe to call twice. */
  close (): void {
    this.#isClosed = true
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
  }

  #keep (note: string, known: Note, sinceMs: number): void {
    const waitMs = sinceMs + this.#options.keepOldMs - Date.now()
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      if (waitMs > LONGEST_WAIT_MS) return this.#keep(note, known, sinceMs)
      this.#oneAtATime(async () => await this.#remove(note, known)).catch((error: unknown) => this.#fail(error))
    }, Math.min(LONGEST_WAIT_MS, Math.max(0, waitMs)))
    this.#timers.add(timer.unref())
  }

  #fail (error: unknown): void {
    // One that was cut off goes on at the next start.
    if (!this.#isClosed) this.#options.onError(toPiecemealError(error))
  }

  /** Only what is as it was then. What somebody has put there, or written to, is moved beside the new version, and named. */
  async #remove (note: string, known: Note): Promise<void> {
    const { target, beside, file } = known
    const keptIn = await freeName(`${target}.kept-${new Date().toISOString().replace(/[-:]|\.\d+/g, '')}`)
    const treeFile = this.#options.treeFile(beside)
    const { trees } = await this.#options.pool()
    const tree = treeFile === undefined || file !== undefined ? undefined : await trees.rememberedTree(treeFile)
    if (tree === undefined) {
      const isAsItWas = file !== undefined && file === asItWas(await identifyOwnFile(beside))
      if (isAsItWas) {
        await atDisk(async () => await rm(beside, { force: true }))
        return await this.#forget(note, known)
      }
      await rename(beside, keptIn)
      this.#options.onWarning(`what was ${quote(target)} before is kept as ${quote(keptIn)}`)
      return await this.#forget(note, known)
    }
    const { manifest, identities } = tree
    const { kept, keptCount, isGone, why } = await trees.removeTree({ manifest, identities, root: beside, keptIn, control: new TreeControl().buffer })
    if (keptCount > 0) this.#options.onWarning(`${keptCount} paths of what was ${quote(target)} before are not as they were, and are kept in ${quote(keptIn)}: ${kept.map(quote).join(', ')}`)
    if (isGone) await this.#forget(note, known)
    else this.#options.onWarning(`what was ${quote(target)} before can't all be removed${why === undefined ? '' : `, ${why}`}: ${quote(beside)} stays, and is tried again at the next start`)
  }

  /** What has come and has not taken its place: a folder goes back to where it is gone on with. */
  async #undo (note: string, known: Note): Promise<void> {
    const { beside, newIno, arrived } = known
    // A name of ours, that nobody else has.
    if (BESIDE.test(basename(beside)) && await inoOf(beside) === newIno) {
      const isBack = arrived !== undefined && await rename(beside, arrived).then(() => true, () => false)
      if (!isBack) await atDisk(async () => await rm(beside, { recursive: true, force: true }))
    }
    await this.#forget(note, known)
  }

  async #forget (note: string, { beside, arrived }: Note): Promise<void> {
    for (const root of [beside, arrived]) {
      const treeFile = root === undefined ? undefined : this.#options.treeFile(root)
      if (treeFile !== undefined) await rm(treeFile, { force: true })
    }
    await rm(note, { force: true })
  }
}

/** All but the time of the last rename, and what a start of the machine changes. */
function asItWas ({ ino, size, mtimeNs }: FileIdentity): string {
  return `${ino} ${size} ${mtimeNs}`
}

/** Of several versions that are kept at the same time none takes the place of another. */
async function freeName (path: string): Promise<string> {
  let name = path
  for (let i = 2; await inoOf(name) !== undefined; i++) name = `${path}-${i}`
  return name
}

async function inoOf (path: string): Promise<string | undefined> {
  return await lstat(path, { bigint: true }).then(({ ino }) => String(ino), () => undefined)
}

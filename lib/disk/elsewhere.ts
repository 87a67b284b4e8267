/**
 * Downloads that go elsewhere than into the node's own folder. Each has a hidden folder beside its
 * target, on the same file system. Such a folder lies among other people's files, so it counts as
 * ours only if a note in the node's own hidden folder says so: its name is noted before it is made,
 * device and inode after. What is not noted, or is another folder by now, is never touched.
 */
import { lstat, mkdir, open, readdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import * as check from '../protocol/check.js'
import { quote } from '../protocol/names.js'
import { atDisk } from './at-disk.js'
import { toDiskError } from './disk-error.js'
import { BESIDE, BESIDE_NOTE, besideNote, EXPLANATION, newBeside } from './hidden.js'
import { removeKept } from './kept.js'
import { removeOrphans } from './orphans.js'

export interface Wish {
  filename: string
  /** The absolute path that it is to have. */
  path: string
}

/** A note's lines: the second is there once the folder was made. */
const wished = { filename: check.fileName, path: check.string, hidden: check.string }
const made = { dev: check.string, ino: check.string }

interface Note extends check.Checked<typeof wished>, Partial<check.Checked<typeof made>> {
  /** Of the note itself. */
  note: string
}

const README = `This folder is piecemeal's. A download that goes to the folder around it is put together here,
and what has come is kept here until somebody goes on with it: for seven days, or until
"torrent cancel". It may be deleted: the download then begins anew.
`

export class Elsewhere {
  readonly #notesFolder: string
  /** Note → its folder is being looked at, since the node's start. */
  readonly #sweeps = new Map<string, Promise<void>>()

  /** @param notesFolder where the node keeps what it wants to remember */
  constructor (notesFolder: string) {
    this.#notesFolder = notesFolder
  }

  /**
   * The hidden folder for a download, made, or taken over from an earlier run.
   *
   * @throws E_DISK_FULL, E_IO.
   */
  async hiddenFolder (wish: Wish): Promise<string> {
    const note = besideNote(this.#notesFolder, wish)
    await this.#sweeps.get(note)
    try {
      return await atDisk(async () => {
        const known = await readNote(note)
        return known && await isOurs(known) ? folderOf(known) : await make(note, wish)
      })
    } catch (error) {
      throw toDiskError(error, `cannot make a hidden folder beside ${quote(wish.path)}`)
    }
  }

  /** Nothing runs in that folder any more: unless something is kept in it, it goes. */
  async leave (wish: Wish): Promise<void> {
    await atDisk(async () => {
      const known = await readNote(besideNote(this.#notesFolder, wish))
      if (known) await removeIfEmpty(known)
    })
  }

  /** @param path of the target; wherever it went if left out @returns whether anything was kept of that file. @throws E_IO, E_LIMIT. */
  async removeKept (filename: string, path?: string): Promise<boolean> {
    let wasThere = false
    for (const known of await this.#notes()) {
      if (known.filename !== filename || (path !== undefined && known.path !== path)) continue
      await this.#sweeps.get(known.note)
      if (!await atDisk(async () => await isOurs(known))) continue
      if (await removeKept(folderOf(known), filename)) wasThere = true
      await this.leave(known)
    }
    return wasThere
  }

  /** Begins to remove what nobody needs any more. Not waited for: one of these disks may be dead. */
  async sweep (maxAgeMs: number, now: Date): Promise<void> {
    for (const known of await this.#notes()) {
      const sweep = atDisk(async () => await sweepOne(known, maxAgeMs, now)).catch(() => {}).finally(() => this.#sweeps.delete(known.note))
      this.#sweeps.set(known.note, sweep)
    }
  }

  async close (): Promise<void> {
    await Promise.all(this.#sweeps.values())
  }

  async #notes (): Promise<Note[]> {
    const names = await readdir(this.#notesFolder).catch(() => [])
    const notes = await Promise.all(names.filter((name) => BESIDE_NOTE.test(name)).map(async (name) => await readNote(join(this.#notesFolder, name))))
    return notes.filter((note) => note !== undefined)
  }
}

async function make (note: string, { filename, path }: Wish): Promise<string> {
  const known = { note, filename, path, hidden: newBeside() }
  const folder = folderOf(known)
  await write(note, 'w', { filename, path, hidden: known.hidden })
  try {
    await mkdir(folder, 0o700)
    const { dev, ino } = await lstat(folder, { bigint: true })
    await write(note, 'a', { dev: String(dev), ino: String(ino) })
    await writeFile(join(folder, EXPLANATION), README, { flag: 'wx' })
    return folder
  } catch (error) {
    const begun = await readNote(note)
    if (begun) await removeIfEmpty(begun)
    throw error
  }
}

/** A line that is on the disk before anything is done about it. */
async function write (note: string, flag: 'w' | 'a', line: object): Promise<void> {
  const file = await open(note, flag)
  try {
    await file.writeFile(`${JSON.stringify(line)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Undefined if there is none, or none that was written to its end: then nothing was made yet. */
async function readNote (note: string): Promise<Note | undefined> {
  try {
    const [first = '', second] = (await readFile(note, 'utf8')).split('\n')
    const wish = check.checkShape(wished, JSON.parse(first))
    if (!isAbsolute(wish.path) || !BESIDE.test(wish.hidden)) return undefined
    return { note, ...wish, ...parseMade(second) }
  } catch {
    return undefined
  }
}

function parseMade (line: string | undefined): Partial<check.Checked<typeof made>> {
  try {
    return check.checkShape(made, JSON.parse(line ?? ''))
  } catch {
    return {}
  }
}

function folderOf ({ path, hidden }: Pick<Note, 'path' | 'hidden'>): string {
  return join(dirname(path), hidden)
}

/** Modes and owners prove nothing: some file systems say the same of all files. */
async function isOurs (note: Note): Promise<boolean> {
  try {
    const there = await lstat(folderOf(note), { bigint: true })
    return there.isDirectory() && String(there.dev) === note.dev && String(there.ino) === note.ino
  } catch {
    return false
  }
}

async function sweepOne (note: Note, maxAgeMs: number, now: Date): Promise<void> {
  if (await isOurs(note)) {
    await removeOrphans({ folder: dirname(note.path), hiddenFolder: folderOf(note), target: note.path, maxAgeMs, now })
    return await removeIfEmpty(note)
  }
  // The disk may be back another time. A folder that was made, and not noted any more, is empty, and stays if it is not.
  const isOld = now.getTime() - (await lstat(note.note)).mtimeMs > maxAgeMs
  if (isOld || note.ino === undefined) await removeIfEmpty(note)
}

/** The folder, where nothing is left in it, and the note of it. */
async function removeIfEmpty (note: Note): Promise<void> {
  const folder = folderOf(note)
  if (await isOurs(note)) {
    if ((await readdir(folder)).some((entry) => entry !== EXPLANATION)) return
    await rm(join(folder, EXPLANATION), { force: true })
    await rmdir(folder)
  } else if (note.ino === undefined) {
    await rmdir(folder).catch(() => {})
  }
  await rm(note.note, { force: true })
}

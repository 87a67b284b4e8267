/** Whether the folders of a tree hold the names that its manifest has, byte by byte, no more and no less. */
import { diskCode, toDiskError } from '../disk/disk-error.js'
import { Manifest } from '../manifest/manifest.js'
import { quote } from '../protocol/names.js'
import { NameList } from './name-list.js'
import type { EntriesTask, Share } from './shares.js'
import { TreeControl } from './tree-control.js'

export interface NamesTask extends EntriesTask {
  root: string
  /** The folders whose first entry is one of these are looked at. */
  share: Share
  control: SharedArrayBuffer
}

/** Whether all names are there that should be, and no others. Runs in a worker thread. @throws E_IO, E_INTERRUPTED. */
export function namesAreRight ({ manifest: data, entries, root, share, control }: NamesTask): boolean {
  const manifest = Manifest.fromData(data)
  let areRight = true
  const wrong = (): void => { areRight = false }
  const check = new NameCheck({ manifest, root, control: new TreeControl(control), onMissing: wrong, onUnexpected: wrong })
  check.run(entries, share)
  return areRight
}

export interface NameCheckOptions {
  manifest: Manifest
  /** Absolute path of the tree. */
  root: string
  control: TreeControl
  /** An entry that is not there, by its number. */
  onMissing: (index: number) => void
  /** What is there and has no entry: its path as text, and where it is. */
  onUnexpected: (path: string, place: Buffer) => void
}

export class NameCheck {
  readonly #options: NameCheckOptions
  #entries: Uint32Array | undefined
  #share: Share = { from: 0, end: 0 }

  constructor (options: NameCheckOptions) {
    this.#options = options
  }

  /**
   * @param entries those that should be there, by their numbers, ascending; all if left out
   * @param share only those folders are looked at whose first entry has its place there
   * @throws E_IO, E_INTERRUPTED.
   */
  run (entries: Uint32Array | undefined, share?: Share): void {
    const end = entries?.length ?? this.#options.manifest.entryCount
    this.#entries = entries
    this.#share = share ?? { from: 0, end }
    this.#look('', 0, end)
  }

  /**
   * @param folder with its last `/`
   * @param from to `end`: the places of those below it
   */
  #look (folder: string, from: number, end: number): void {
    const { control, onMissing } = this.#options
    control.goOn()
    const share = this.#share
    if (from < share.from) return this.#lookBelow(folder, end)
    const there = this.#list(folder)
    if (there === undefined) {
      for (let at = from; at < end; at++) onMissing(this.#numberAt(at))
      return
    }
    let name = 0
    for (let at = from; at < end;) {
      const path = this.#pathAt(at)
      const slash = path.indexOf('/', folder.length)
      const child = Buffer.from(slash < 0 ? path.slice(folder.length) : path.slice(folder.length, slash))
      const below = slash < 0 ? undefined : path.slice(0, slash + 1)
      const next = below === undefined ? at + 1 : this.#endOf(below, at, end)
      while (name < there.count && there.name(name).compare(child) < 0) this.#unexpected(folder, there.name(name++))
      if (name < there.count && there.name(name).equals(child)) {
        name++
        if (below !== undefined && at < share.end) this.#look(below, at, next)
      } else for (; at < next; at++) onMissing(this.#numberAt(at))
      at = next
    }
    while (name < there.count) this.#unexpected(folder, there.name(name++))
  }

  /** A folder that somebody else looks at, who does not look at all that is below it. */
  #lookBelow (folder: string, end: number): void {
    const share = this.#share
    for (let at = share.from; at < Math.min(end, share.end);) {
      const path = this.#pathAt(at)
      const slash = path.indexOf('/', folder.length)
      const below = path.slice(0, slash + 1)
      const next = slash < 0 ? at + 1 : this.#endOf(below, at, end)
      const hasBegun = at === share.from && this.#pathAt(at - 1).startsWith(below)
      if (slash >= 0) this.#look(below, hasBegun ? at - 1 : at, next)
      at = next
    }
  }

  /** @returns undefined if it is not there: who looks at the folder above may be somebody else */
  #list (folder: string): NameList | undefined {
    try {
      return NameList.read(this.#place(folder))
    } catch (error) {
      if (diskCode(error) === 'ENOENT') return undefined
      throw toDiskError(error, `cannot read ${quote(folder)}`)
    }
  }

  /** Where those below a folder end. */
  #endOf (folder: string, at: number, end: number): number {
    let from = at
    let to = end
    while (to - from > 1) {
      const middle = (from + to) >>> 1
      if (this.#pathAt(middle).startsWith(folder)) from = middle
      else to = middle
    }
    return from + 1
  }

  #numberAt (place: number): number {
    return this.#entries?.[place] ?? place
  }

  #pathAt (place: number): string {
    return this.#options.manifest.path(this.#numberAt(place))
  }

  #unexpected (folder: string, name: Buffer): void {
    this.#options.onUnexpected(`${folder}${name.toString()}`, Buffer.concat([Buffer.from(`${this.#place(folder)}/`), name]))
  }

  #place (folder: string): string {
    const { root } = this.#options
    return folder === '' ? root : `${root}/${folder.slice(0, -1)}`
  }
}

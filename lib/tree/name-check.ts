/** Whether the folders of a tree hold the names that its manifest has, byte by byte, no more and no less. */
import { toDiskError } from '../disk/disk-error.js'
import type { Manifest } from '../manifest/manifest.js'
import { quote } from '../protocol/names.js'
import { NameList } from './name-list.js'
import type { TreeControl } from './tree-control.js'

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

  constructor (options: NameCheckOptions) {
    this.#options = options
  }

  /** @param entries those that should be there, by their numbers, ascending @throws E_IO, E_INTERRUPTED. */
  run (entries: Uint32Array): void {
    this.#look('', entries, 0, entries.length)
  }

  /**
   * @param folder with its last `/`
   * @param from to `end`: where in `entries` those below it are
   */
  #look (folder: string, entries: Uint32Array, from: number, end: number): void {
    const { manifest, control, onMissing } = this.#options
    control.goOn()
    const there = this.#list(folder)
    let name = 0
    for (let at = from; at < end;) {
      const path = manifest.path(entries[at] ?? 0)
      const slash = path.indexOf('/', folder.length)
      const child = Buffer.from(slash < 0 ? path.slice(folder.length) : path.slice(folder.length, slash))
      const below = slash < 0 ? undefined : path.slice(0, slash + 1)
      const next = below === undefined ? at + 1 : this.#endOf(below, entries, at, end)
      while (name < there.count && there.name(name).compare(child) < 0) this.#unexpected(folder, there.name(name++))
      if (name < there.count && there.name(name).equals(child)) {
        name++
        if (below !== undefined) this.#look(below, entries, at, next)
      } else for (; at < next; at++) onMissing(entries[at] ?? 0)
      at = next
    }
    while (name < there.count) this.#unexpected(folder, there.name(name++))
  }

  #list (folder: string): NameList {
    try {
      return NameList.read(this.#place(folder))
    } catch (error) {
      throw toDiskError(error, `cannot read ${quote(folder)}`)
    }
  }

  /** Where those below a folder end. */
  #endOf (folder: string, entries: Uint32Array, at: number, end: number): number {
    let from = at
    let to = end
    while (to - from > 1) {
      const middle = (from + to) >>> 1
      if (this.#options.manifest.path(entries[middle] ?? 0).startsWith(folder)) from = middle
      else to = middle
    }
    return from + 1
  }

  #unexpected (folder: string, name: Buffer): void {
    this.#options.onUnexpected(`${folder}${name.toString()}`, Buffer.concat([Buffer.from(`${this.#place(folder)}/`), name]))
  }

  #place (folder: string): string {
    const { root } = this.#options
    return folder === '' ? root : `${root}/${folder.slice(0, -1)}`
  }
}

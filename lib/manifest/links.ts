/**
 * Where symbolic links lead, as the kernel follows them, which is not as they read: a link on the way
 * is followed where it is met, and `..` is the parent of where that has led.
 */
import { PiecemealError } from '../protocol/errors.js'
import { LINK_STEPS, LINK_STEPS_TOGETHER, LINKS_FOLLOWED } from '../protocol/limits.js'
import { quote } from '../protocol/names.js'
import type { Columns } from './columns.js'
import { isBelow, type Slice } from './path.js'

const SLASH = 0x2f
/** In place of a number of links: this one is being followed. */
const UNDER_WAY = LINKS_FOLLOWED + 1

/**
 * A folder on the way. One that is there is the first `pathBytes` of the path of the entry `inside`;
 * what a component that is no folder leads to is so many `missing` levels below it, whatever they are called.
 */
interface Place {
  inside: number
  pathBytes: number
  missing: number
}

/** @throws E_FORBIDDEN where one leaves the folder at any step, or does not come to an end; its path is named. E_LIMIT where all together are too long. */
export function assertLinksStayInside (columns: Columns): void {
  const links = new LinkResolver(columns)
  for (let index = 0; index < columns.count; index++) if (columns.isLink(index)) links.follow(index)
}

/** Those for which that throws E_FORBIDDEN, or would, by their numbers. @throws E_LIMIT. */
export function linksThatLeadOut (columns: Columns): number[] {
  const links = new LinkResolver(columns)
  const found: number[] = []
  for (let index = 0; index < columns.count; index++) {
    try {
      if (columns.isLink(index)) links.follow(index)
    } catch (error) {
      if (!(error instanceof PiecemealError) || error.code !== 'E_FORBIDDEN') throw error
      found.push(index)
    }
  }
  return found
}

/** Each link is followed once, for it leads to the same place whatever led to it: so the work grows with the targets alone. */
class LinkResolver {
  readonly #columns: Columns
  /** Link → where it has led, */
  readonly #inside: Uint32Array
  readonly #pathBytes: Uint16Array
  readonly #missing: Uint16Array
  /** and how many links and steps that took; 0 links: not known yet. */
  readonly #links: Uint8Array
  readonly #steps: Uint16Array
  /** Of all links, each counted where it was followed. */
  #stepsTogether = 0
  readonly #key = Buffer.alloc(2 ** 14)

  constructor (columns: Columns) {
    this.#columns = columns
    this.#inside = new Uint32Array(columns.count)
    this.#pathBytes = new Uint16Array(columns.count)
    this.#missing = new Uint16Array(columns.count)
    this.#links = new Uint8Array(columns.count)
    this.#steps = new Uint16Array(columns.count)
  }

  follow (link: number, depth = 1): void {
    if (this.#links[link] === UNDER_WAY || depth > LINKS_FOLLOWED) throw this.#endless(link)
    if (this.#links[link] !== 0) return
    this.#links[link] = UNDER_WAY
    const { start, end } = this.#columns.pathSlice(link)
    const place: Place = { inside: link, pathBytes: this.#parentBytes(link, end - start), missing: 0 }
    let links = 1
    let steps = 0
    for (const component of this.#columns.target(link).split('/')) {
      if (component === '' || component === '.') continue
      steps++
      if (++this.#stepsTogether > LINK_STEPS_TOGETHER) throw new PiecemealError('E_LIMIT', `the links of the folder take more than ${LINK_STEPS_TOGETHER} steps together`)
      const met = component === '..' ? this.#goUp(link, place) : this.#goDown(place, component)
      if (met !== undefined) {
        this.follow(met, depth + 1)
        this.#goTo(place, met)
        links += this.#links[met] ?? 0
        steps += this.#steps[met] ?? 0
      }
      if (links > LINKS_FOLLOWED || steps > LINK_STEPS) throw this.#endless(link)
    }
    this.#keep(link, place, links, steps)
  }

  /** @throws E_FORBIDDEN, naming the link that is followed, where there is no parent within the folder. */
  #goUp (link: number, place: Place): undefined {
    if (place.missing > 0) place.missing--
    else if (place.pathBytes > 0) place.pathBytes = this.#parentBytes(place.inside, place.pathBytes)
    else throw this.#forbidden(link, 'leads out of the folder')
  }

  /** @returns the link that it met, if it is one. */
  #goDown (place: Place, name: string): number | undefined {
    if (place.missing > 0) {
      place.missing++
      return undefined
    }
    const path = this.#pathIn(place, name)
    const found = this.#columns.lowerBound(path)
    if (found === this.#columns.count) place.missing = 1
    else if (isBelow(this.#columns.pathSlice(found), path)) Object.assign(place, { inside: found, pathBytes: path.end })
    else if (this.#columns.isLink(found) && this.#columns.path(found) === path.bytes.toString('utf8', 0, path.end)) return found
    else place.missing = 1
    return undefined
  }

  #pathIn ({ inside, pathBytes }: Place, name: string): Slice & { bytes: Buffer } {
    const { bytes, start } = this.#columns.pathSlice(inside)
    this.#key.set(bytes.subarray(start, start + pathBytes))
    const at = pathBytes === 0 ? 0 : this.#key.writeUInt8(SLASH, pathBytes)
    return { bytes: this.#key, start: 0, end: at + this.#key.write(name, at) }
  }

  /** How much of the entry's path is the folder that holds its first `pathBytes`. */
  #parentBytes (inside: number, pathBytes: number): number {
    const { bytes, start } = this.#columns.pathSlice(inside)
    let end = pathBytes - 1
    while (end > 0 && bytes[start + end] !== SLASH) end--
    return end
  }

  #goTo (place: Place, link: number): void {
    place.inside = this.#inside[link] ?? 0
    place.pathBytes = this.#pathBytes[link] ?? 0
    place.missing = this.#missing[link] ?? 0
  }

  #keep (link: number, { inside, pathBytes, missing }: Place, links: number, steps: number): void {
    this.#inside[link] = inside
    this.#pathBytes[link] = pathBytes
    this.#missing[link] = missing
    this.#links[link] = links
    this.#steps[link] = steps
  }

  #endless (link: number): PiecemealError {
    return this.#forbidden(link, `does not come to an end within ${LINKS_FOLLOWED} links and ${LINK_STEPS} steps`)
  }

  #forbidden (link: number, what: string): PiecemealError {
    return new PiecemealError('E_FORBIDDEN', `${quote(this.#columns.path(link))} is a link that ${what}: ${quote(this.#columns.target(link))}`)
  }
}

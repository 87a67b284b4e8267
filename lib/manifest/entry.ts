/**
 * What stands in a folder, and the one line that says so. There is one canonical form: a line that is
 * read is taken only if it is, byte for byte, the one that would be written.
 */

/** `digests`: of its pieces, 32 bytes each, in order. `mtimeMs`: whole milliseconds, in a manifest with times. */
export interface FileEntry {
  kind: 'file'
  path: string
  size: number
  isExecutable: boolean
  digests: Buffer
  mtimeMs?: number
}

/** An empty folder: that there are others follows from the paths. */
export interface FolderEntry {
  kind: 'folder'
  path: string
  mtimeMs?: number
}

/** A symbolic link; `target` as the link has it. */
export interface LinkEntry {
  kind: 'link'
  path: string
  target: string
}

export type Entry = FileEntry | FolderEntry | LinkEntry

/** The first line: how many files there are, and their bytes together. */
export interface Head {
  files: number
  size: number
}

const FORMAT = 'piecemeal/folder'
const VERSION = 1

export function headLine ({ files, size }: Head): string {
  return JSON.stringify([FORMAT, VERSION, files, size])
}

/** A line without its newline: what `JSON.stringify` makes of its fields, and put together in half the time. */
export function entryLine (entry: Entry): string {
  const path = JSON.stringify(entry.path)
  switch (entry.kind) {
    case 'file': return `["f",${path},${entry.size},${entry.isExecutable ? 1 : 0},"${entry.digests.toString('base64')}"${lastField(entry.mtimeMs)}]`
    case 'folder': return `["d",${path}${lastField(entry.mtimeMs)}]`
    case 'link': return `["l",${path},${JSON.stringify(entry.target)}]`
  }
}

function lastField (mtimeMs: number | undefined): string {
  return mtimeMs === undefined ? '' : `,${mtimeMs}`
}

/** @returns undefined unless it is a canonical first line. */
export function parseHead (line: string): Head | undefined {
  const [format, version, files, size] = parseArray(line)
  if (format !== FORMAT || version !== VERSION || !isCount(files) || !isCount(size)) return undefined
  return headLine({ files, size }) === line ? { files, size } : undefined
}

/** Whether it is the first line of a later version, of which nothing else is known. */
export function isOfLaterVersion (line: string): boolean {
  const [format, version] = parseArray(line)
  return format === FORMAT && isCount(version) && version > VERSION
}

/** @returns undefined unless it is a canonical line; whether its fields fit one another and the other lines is not looked at. */
export function parseEntry (line: string): Entry | undefined {
  const entry = entryOf(parseArray(line))
  return entry && entryLine(entry) === line ? entry : undefined
}

function entryOf ([kind, path, ...rest]: readonly unknown[]): Entry | undefined {
  if (typeof path !== 'string') return undefined
  if (kind === 'f') {
    const [size, x, digests, mtimeMs] = rest
    if (!isCount(size) || (x !== 0 && x !== 1) || typeof digests !== 'string' || !isTime(mtimeMs)) return undefined
    return { kind: 'file', path, size, isExecutable: x === 1, digests: Buffer.from(digests, 'base64'), mtimeMs }
  }
  if (kind === 'd') return isTime(rest[0]) ? { kind: 'folder', path, mtimeMs: rest[0] } : undefined
  if (kind === 'l') return typeof rest[0] === 'string' ? { kind: 'link', path, target: rest[0] } : undefined
  return undefined
}

function parseArray (line: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(line)
    return Array.isArray(value) ? value : []
  } catch (error) {
    if (error instanceof SyntaxError) return []
    throw error
  }
}

function isCount (value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function isTime (value: unknown): value is number | undefined {
  return value === undefined || Number.isSafeInteger(value)
}

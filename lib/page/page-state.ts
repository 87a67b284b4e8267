/**
 * What a page shows, as tables of rows, and what has changed in them: a snapshot is what has changed
 * since there was nothing. A row is JSON, by a key of its own.
 */
import type { ListedContent } from '../tracker/registry.js'
import type { NetworkView } from './network.js'
import type { Traffic } from './traffic.js'

export type TableName = 'figures' | 'files' | 'nodes' | 'transfers' | 'traffic'
type Table = ReadonlyMap<string, string>
export type PageState = Readonly<Record<TableName, Table>>

const TABLES: readonly TableName[] = ['figures', 'nodes', 'transfers', 'traffic', 'files']
const EMPTY: Table = new Map()
export const NOTHING: PageState = { figures: EMPTY, files: EMPTY, nodes: EMPTY, transfers: EMPTY, traffic: EMPTY }
/** Of one message: what a page takes in without a pause. */
const MESSAGE_CHARACTERS = 64 * 1_024

/** `files`: `[key, filename, digest, size, owners, since, flags]`; the others are the objects of the API, behind their key. */
export async function readState (view: NetworkView, traffic: Traffic): Promise<PageState> {
  const listing = await view.files()
  return {
    figures: new Map([['', JSON.stringify(['', await view.figures(listing)])]]),
    nodes: new Map(view.nodes().map((node) => [node.name, JSON.stringify([node.name, node])])),
    transfers: new Map((await view.transfers()).map((transfer) => {
      const key = `${transfer.node}/${transfer.filename}`
      return [key, JSON.stringify([key, transfer])]
    })),
    traffic: new Map(traffic.marks.map(([seconds, rate]) => [String(seconds), JSON.stringify([String(seconds), rate])])),
    files: new Map(listing.files.map((file) => {
      const key = `${shortDigest(file)}/${file.filename}`
      return [key, fileRow(key, file)]
    })),
  }
}

/** As messages, each a JSON object: table → `put`, rows, and `gone`, keys. */
export function * changes (before: PageState, now: PageState): Generator<string> {
  for (const name of TABLES) {
    const [old, table] = [before[name], now[name]]
    let [rows, length]: [string[], number] = [[], 0]
    for (const [key, row] of table) {
      if (old.get(key) === row) continue
      rows.push(row)
      length += row.length
      if (length < MESSAGE_CHARACTERS) continue
      yield message(name, rows, [])
      ;[rows, length] = [[], 0]
    }
    const gone = [...old.keys()].filter((key) => !table.has(key))
    if (rows.length > 0 || gone.length > 0) yield message(name, rows, gone)
  }
}

function message (name: TableName, rows: readonly string[], gone: readonly string[]): string {
  return `{"${name}":{"put":[${rows.join(',')}],"gone":${JSON.stringify(gone)}}}`
}

function fileRow (key: string, file: ListedContent): string {
  const flags = `${file.older === true ? 'o' : ''}${file.kind === 'folder' ? 'd' : ''}`
  return JSON.stringify([key, file.filename, shortDigest(file), bytesOf(file), file.owners, file.since ?? 0, flags])
}

/** Of what is in it, if it is a folder. */
function bytesOf ({ size, filesSize = size }: ListedContent): number {
  return filesSize
}

function shortDigest ({ digest }: ListedContent): string {
  return digest.slice('blake3:'.length, 'blake3:'.length + 16)
}

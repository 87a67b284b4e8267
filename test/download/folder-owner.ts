/** An owner of a folder, in memory, that speaks the wire by hand and does what a test wants; and a download of it without threads. */
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { digestPieces } from '../../lib/disk/digest-pieces.js'
import { giveName } from '../../lib/disk/give-name.js'
import type { DownloadContext } from '../../lib/download/context.js'
import { Slots } from '../../lib/download/slots.js'
import { DownloadTurns } from '../../lib/download/turns.js'
import type { Manifest } from '../../lib/manifest/manifest.js'
import { writeManifest } from '../../lib/manifest/write-manifest.js'
import { fetchPart } from '../../lib/part/fetch-part.js'
import { DEADLINES } from '../../lib/protocol/limits.js'
import type { Found, Owner } from '../../lib/protocol/tracker-to-node.js'
import { RateLimit } from '../../lib/threads/rate-limit.js'
import type { ManifestContent } from '../../lib/tree/find-tree.js'
import { HOST, type Scope } from '../net/peer.js'
import { digest } from '../tree/trees.js'
import { TREES } from './trees.js'

export interface FolderRequest {
  of?: string
  range: [number, number]
  ranges?: Array<[number, number]>
}

export interface FolderBehaviour {
  complete?: boolean
  /** Whether it is of a version that knows no several ranges: it sends all between them as well. */
  ignoresRanges?: boolean
  /** Of its answer to `SizeInformation`, beside what all have. */
  answer?: object
  /** What is sent for a request, in the place of the honest bytes. */
  bytes?: (honest: Buffer, request: FolderRequest) => Buffer
}

export interface FolderOwner {
  owner: Owner
  content: ManifestContent
  manifest: Manifest
  /** All that were asked for. */
  requests: FolderRequest[]
}

export async function folderOwner (t: Scope, root: string, { complete = true, ignoresRanges = false, answer = {}, bytes = (honest) => honest }: FolderBehaviour = {}, name = 'owner'): Promise<FolderOwner> {
  const { manifest, content } = await digest(root)
  const written = Buffer.concat([...writeManifest(manifest)])
  const files = Buffer.concat([...manifest.entries()].flatMap((entry) => entry.kind === 'file' ? [readFileSync(join(root, entry.path))] : []))
  const about = { filename: 'D', digest: content.digest }
  const requests: FolderRequest[] = []
  const inputPort = await serve(t, (socket, line) => {
    const { pieces } = JSON.parse(line) as { pieces?: boolean }
    socket.write(`${JSON.stringify({ type: 'SizeInformation', ...about, kind: 'folder', size: content.size, pieceLength: content.pieceLength, ...(pieces !== false && { pieces: content.pieces.toString('base64') }), ...answer })}\n`)
  })
  const outputPort = await serve(t, (socket, line) => {
    const request = JSON.parse(line) as FolderRequest
    requests.push(request)
    const { of, range } = request
    const ranges = ignoresRanges ? undefined : request.ranges
    const from = of === 'manifest' ? written : files
    socket.write(`${JSON.stringify({ type: 'FileCommunication', ...about, range, ...(ranges && { ranges }), ...(of && { of }) })}\n`)
    socket.end(bytes(Buffer.concat((ranges ?? [range]).map(([start, end]) => from.subarray(start, end))), request))
  })
  return { owner: { name, host: HOST, inputPort, outputPort, complete }, content, manifest, requests }
}

async function serve (t: Scope, onLine: (socket: Socket, line: string) => void): Promise<number> {
  const server = createServer((socket) => {
    createInterface({ input: socket.on('error', () => {}) }).on('error', () => {}).on('line', (line) => onLine(socket, line))
  }).listen(0, HOST)
  t.teardown(() => server.close())
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

export function found ({ content: { size, digest, pieceLength } }: FolderOwner, ...owners: Owner[]): Found {
  return { filename: 'D', size, digest, pieceLength, kind: 'folder', owners }
}

/** In a folder of the test's own, with everything in this thread. */
export async function contextFor (folder: string, from: Found): Promise<DownloadContext> {
  const hiddenFolder = join(folder, '.piecemeal')
  mkdirSync(hiddenFolder, { recursive: true })
  return {
    name: 'fetcher',
    target: join(folder, 'D'),
    hiddenFolder,
    naming: { way: 'link', hiddenFolder },
    inWindows: true,
    slots: new Slots(8),
    turn: await new DownloadTurns(1, 1).begin(new AbortController().signal),
    down: new RateLimit(),
    deadlines: { ...DEADLINES, ownerWaitMs: 500 },
    findOwners: async () => await Promise.resolve(from),
    fetchPart: async (task) => await fetchPart(task),
    giveName: async (task) => giveName(task),
    digestPieces: async (task) => digestPieces(task),
    trees: TREES,
  }
}

/** A BitTorrent peer of webtorrent's, in a process of its own; `bittorrent.ts` says what it is told and what it answers. */
import { once, type EventEmitter } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { register } from 'node:module'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

/** What is used of it. */
interface Torrent extends EventEmitter {
  uploaded: number
  addPeer: (address: string) => boolean
}

interface Client extends EventEmitter {
  torrentPort: number
  add: (torrent: Uint8Array, options: object) => Torrent
}

const PIECE_BYTES = 1_048_576
/** Peers are told, over TCP; nobody else is asked. */
const ALONE = { dht: false, lsd: false, tracker: false, utPex: false, utp: false, natUpnp: false, natPmp: false, webSeeds: false }

register('./without-webrtc.js', import.meta.url)
// Variables, for the compiler would look for the packages.
const [peerPackage, torrentPackage] = ['webtorrent', 'create-torrent']
const { default: WebTorrent } = await import(peerPackage) as { default: new (options: object) => Client }

function startClient (): Client {
  const client = new WebTorrent(ALONE)
  // By its end whoever has started it sees that it failed.
  client.on('error', (error: Error) => { throw error })
  return client
}

async function make (source: string, path: string): Promise<void> {
  const { default: createTorrent } = await import(torrentPackage) as { default: (...args: unknown[]) => void }
  await writeFile(path, await promisify<string, object, Uint8Array>(createTorrent)(source, { pieceLength: PIECE_BYTES, announceList: [] }))
}

async function seed (path: string, folder: string): Promise<void> {
  const client = startClient()
  const torrent = client.add(await readFile(path), { path: folder, skipVerify: true })
  await once(torrent, 'done')
  console.log(`seeding ${client.torrentPort}`)
  createInterface({ input: process.stdin }).on('line', () => console.log(`sent ${torrent.uploaded}`))
}

async function leech (path: string, folder: string): Promise<void> {
  const client = startClient()
  await once(client, 'listening')
  console.log(`ready ${client.torrentPort}`)
  for await (const line of createInterface({ input: process.stdin })) {
    const torrent = client.add(await readFile(path), { path: folder })
    await once(torrent, 'ready')
    for (const port of line.split(' ')) torrent.addPeer(`127.0.0.1:${port}`)
    await once(torrent, 'done')
    console.log('done')
  }
}

const roles = new Map(Object.entries({ make, seed, leech }))
const [role = '', ...paths] = process.argv.slice(2)
const [first = '', second = ''] = paths
await roles.get(role)?.(first, second)

/** An upload server of one file, and peers that ask it. */
import { utimesSync } from 'node:fs'
import { truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { blake3 } from '@napi-rs/blake-hash'
import type { Test } from 'tap'
import { MiB } from '../../lib/protocol/units.js'
import { PartialShares } from '../../lib/share/partial-share.js'
import { ShareIndex, type Share } from '../../lib/share/share-index.js'
import { UploadServer, type UploadServerOptions } from '../../lib/share/upload-server.js'
import { Peer } from '../net/peer.js'
import { shareOf } from './shares.js'
import { testDir } from '../helpers/files.js'

/** More than the buffers between two sockets hold. */
export const HUGE = 16 * MiB
const PIECE_OF_ZEROS = blake3(Buffer.alloc(MiB))

export interface Serving {
  folder: string
  data: Buffer
  share: Share
  shares: ShareIndex
  server: UploadServer
  port: number
  changed: Share[]
  suspects: Set<Share>
  errors: Error[]
  /** A connection that has sent a request for these bytes. */
  request: (range: [number, number], fields?: object) => Promise<Peer>
}

export async function serving (t: Pick<Test, 'testdir' | 'teardown'>, options: Partial<UploadServerOptions> = {}): Promise<Serving> {
  const data = Buffer.alloc(2 * MiB + 5, 'shared bytes, ')
  const folder = testDir(t, { shared: data, secret: 'never shared' })
  // A time of whole seconds can be set again exactly.
  utimesSync(join(folder, 'shared'), 1_700_000_000, 1_700_000_000)
  const share = await shareOf(folder, 'shared')
  const shares = new ShareIndex()
  shares.add(share)
  const changed: Share[] = []
  const suspects = new Set<Share>()
  const errors: Error[] = []
  const server = new UploadServer({ shares, partials: new PartialShares(), onChanged: (share) => changed.push(share), onSuspect: (share) => suspects.add(share), onUnreadable: async () => {}, onError: (error) => errors.push(error), ...options })
  t.teardown(async () => await server.close())
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 })
  const request = async (range: [number, number], fields: object = {}): Promise<Peer> => {
    const peer = await Peer.connect(t, { port })
    peer.send({ type: 'FileCommunication', filename: 'shared', digest: share.digest, range, ...fields })
    return peer
  }
  return { folder, data, share, shares, server, port, changed, suspects, errors, request }
}

/** A file of holes that is too large for a transfer to be over before it is looked at. */
export async function servingHuge (t: Pick<Test, 'testdir' | 'teardown'>, options: Partial<UploadServerOptions> = {}): Promise<Serving> {
  const serves = await serving(t, options)
  await truncate(join(serves.folder, 'shared'), HUGE)
  const { digest } = serves.share
  const thirdPiece = blake3(Buffer.concat([serves.data.subarray(2 * MiB), Buffer.alloc(MiB - 5)]))
  const pieces = Buffer.concat([serves.share.pieces.subarray(0, 2 * 32), thirdPiece, ...Array<Buffer>(HUGE / MiB - 3).fill(PIECE_OF_ZEROS)])
  const share = await shareOf(serves.folder, 'shared', { digest, size: HUGE, pieceLength: MiB, pieces })
  serves.shares.add(share)
  return { ...serves, share }
}

/** Its header has come, and then it stops reading. */
export async function stalled (request: Serving['request']): Promise<Peer> {
  const peer = await request([0, HUGE])
  await peer.line()
  peer.socket.pause()
  return peer
}

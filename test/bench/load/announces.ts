/** What announces of BitTorrent have in common, over HTTP and UDP. */

/** In hex, as a whitelist has it. */
export const INFO_HASH = '0123456789abcdef0123456789abcdef01234567'
/** In an answer, as many as piecemeal gives owners. */
export const PEERS_WANTED = 50
/** Of the torrent: enough for an answer that leaves some out. */
export const PEERS = 64
/** Of an IPv4 address and a port. */
export const PEER_BYTES = 6

export function peerId (peer: number): string {
  return `-PM0100-${String(peer).padStart(12, '0')}`
}

/** As it announces it; nobody listens there. */
export function peerPort (peer: number): number {
  return 20_000 + peer
}

/**
 * The keys that a shared secret stands for. All of them are derived from it by HKDF (RFC 5869), so
 * that none tells of another, nor of the secret. Plain data: keys cross to threads.
 */
import { hkdfSync } from 'node:crypto'

/** Control connections (the tracker's port, a node's input port), or file data (the output port). */
export type Purpose = 'control' | 'data'

/** One secret's keys, 32 bytes each, and the name they go by, which tells nothing of them. */
export interface SecretKeys extends Record<Purpose, Uint8Array> {
  /** 16 hex digits. */
  id: string
  /** Hides the name of a node that greets another. */
  names: Uint8Array
  /** What is asked for over HTTP instead of the secret, and what opens the metrics alone. */
  http: Uint8Array
  metrics: Uint8Array
}

/** The secret of a network, and beside it the one before, for as long as that is still accepted. */
export interface Secret {
  current: SecretKeys
  old?: SecretKeys
}

/** What one kind of connection needs of a secret, and no more: the newest key comes first. */
export interface Credentials {
  purpose: Purpose
  keys: readonly ConnectionKey[]
}

/** `id` and `names` as in `SecretKeys`; `psk` is the pre-shared key of a TLS handshake. */
export interface ConnectionKey {
  id: string
  psk: Uint8Array
  names: Uint8Array
}

/** Who dials also says who it is. */
export interface ClientCredentials extends Credentials {
  /** The node's name. */
  name: string
}

const SALT = 'piecemeal/1'
const KEY_BYTES = 32
const ID_BYTES = 8

/** The same text gives the same keys on every machine. */
export function deriveKeys (text: Uint8Array): SecretKeys {
  const derive = (info: string, bytes = KEY_BYTES): Buffer => Buffer.from(hkdfSync('sha256', text, SALT, info, bytes))
  return { id: derive('id', ID_BYTES).toString('hex'), control: derive('control'), data: derive('data'), names: derive('names'), http: derive('http'), metrics: derive('metrics') }
}

export function credentialsFor (purpose: Purpose, { current, old }: Secret): Credentials {
  const keys = old === undefined ? [current] : [current, old]
  return { purpose, keys: keys.map((one) => ({ id: one.id, psk: one[purpose], names: one.names })) }
}

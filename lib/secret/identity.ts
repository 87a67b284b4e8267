/**
 * What a TLS client says first of all, in the clear: which key it has, and who it is. The name is
 * sealed with a key of the same secret, so that it can be read by members of the network alone.
 *
 * `piecemeal/1 <purpose> <key id> <base64url of nonce, sealed name, tag>`; OpenSSL takes up to 256 bytes.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { assertNodeName } from '../protocol/names.js'
import type { ConnectionKey, Credentials, Purpose } from './keys.js'

const CIPHER = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16
const IDENTITY = /^(piecemeal\/1 (?:control|data) ([0-9a-f]{16})) ([A-Za-z0-9_-]+)$/

/** Different each time: who listens on the wire can't even tell whether two greetings are of one node. */
export function makeIdentity (purpose: Purpose, { id, names }: ConnectionKey, name: string): string {
  const head = headOf(purpose, id)
  const nonce = randomBytes(NONCE_BYTES)
  const cipher = createCipheriv(CIPHER, names, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(head))
  const sealed = Buffer.concat([nonce, cipher.update(name, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `${head} ${sealed.toString('base64url')}`
}

/** The key that a stranger claims to have and the name that goes with it; undefined unless it is one of ours, for this purpose. */
export function readIdentity (identity: string, { purpose, keys }: Credentials): { key: ConnectionKey, name: string } | undefined {
  const [, head, id, sealed = ''] = IDENTITY.exec(identity) ?? []
  const key = keys.find((key) => key.id === id)
  if (key === undefined || head !== headOf(purpose, key.id)) return undefined
  const bytes = Buffer.from(sealed, 'base64url')
  if (bytes.length <= NONCE_BYTES + TAG_BYTES) return undefined
  try {
    const decipher = createDecipheriv(CIPHER, key.names, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES }).setAAD(Buffer.from(head))
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
    const name = `${decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES), undefined, 'utf8')}${decipher.final('utf8')}`
    assertNodeName(name)
    return { key, name }
  } catch {
    // Sealed by somebody else, or no name: in either case nobody of ours.
    return undefined
  }
}

function headOf (purpose: Purpose, id: string): string {
  return `piecemeal/1 ${purpose} ${id}`
}

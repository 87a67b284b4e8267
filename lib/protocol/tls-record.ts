/** As much of TLS as it takes to tell who speaks it from who does not (RFC 8446, 5.1 and 6). */
import { PiecemealError } from './errors.js'

const HANDSHAKE = 0x16
const MAJOR_VERSION = 0x03
const ALERT_OF_TLS = '\u0015\u0003'

/** Whether this is how a TLS client begins; no message does. */
export function beginsHandshake (chunk: Uint8Array): boolean {
  return chunk[0] === HANDSHAKE && (chunk.length === 1 || chunk[1] === MAJOR_VERSION)
}

/** What a port without a secret says to who begins a handshake. */
export function wantsNoTls (): PiecemealError {
  return new PiecemealError('E_AUTH', 'there is no secret here, and no TLS', { endsConnection: true })
}

/**
 * What a TLS port answers to whoever speaks no TLS: a fatal alert, `unexpected_message`. The number
 * of that is 10, which is a newline as well, so that whoever waits for a line gets it as one.
 */
export const UNEXPECTED_MESSAGE = Uint8Array.of(0x15, 3, 3, 0, 2, 2, 10)

/** Whether a line is a TLS alert. */
export function isAlert (line: string): boolean {
  return line.startsWith(ALERT_OF_TLS)
}

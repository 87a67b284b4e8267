import type { Socket } from 'node:net'
import { PiecemealError } from '../protocol/errors.js'
import { DEADLINES, REQUEST_LINE_BYTES } from '../protocol/limits.js'
import { beginsHandshake, wantsNoTls } from '../protocol/tls-record.js'
import { inSeconds } from '../protocol/units.js'

const NEWLINE = 0x0a

/**
 * The first line of a connection, without its newline; what follows it is dropped.
 *
 * @throws E_LIMIT if it is too long, E_TIMEOUT if it does not come, E_NETWORK if the connection ends first, E_AUTH if the peer begins TLS.
 */
export async function readLine (socket: Socket, maxBytes = REQUEST_LINE_BYTES, timeoutMs: number = DEADLINES.firstLineMs): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  return await new Promise<Buffer>((resolve, reject) => {
    const timer = setTimeout(() => finish(new PiecemealError('E_TIMEOUT', `no request within ${inSeconds(timeoutMs)}`)), timeoutMs)

    function take (chunk: Buffer): void {
      if (bytes === 0 && beginsHandshake(chunk)) return finish(wantsNoTls())
      const newline = chunk.indexOf(NEWLINE)
      const piece = newline < 0 ? chunk : chunk.subarray(0, newline)
      chunks.push(piece)
      bytes += piece.length
      if (bytes > maxBytes) finish(new PiecemealError('E_LIMIT', `the request is longer than ${maxBytes} bytes`))
      else if (newline >= 0) finish(Buffer.concat(chunks))
    }
    function lose (): void {
      finish(new PiecemealError('E_NETWORK', 'the connection ended before the request did'))
    }
    function finish (outcome: Buffer | PiecemealError): void {
      clearTimeout(timer)
      socket.off('data', take).off('end', lose).off('close', lose)
      // Whatever else the peer sends is thrown away, so that its end is seen.
      socket.resume()
      if (outcome instanceof PiecemealError) reject(outcome)
      else resolve(outcome)
    }

    socket.on('data', take).once('end', lose).once('close', lose)
  })
}

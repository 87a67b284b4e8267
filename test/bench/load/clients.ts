/**
 * A process that is many HTTP clients at once, each on a connection of its own: `clients.js URL COUNT BYTES`.
 * It fails unless each gets an answer of so many bytes, and all of it.
 */
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'

const DEADLINE_MS = 60_000
const [url = '', count = '', bytes = ''] = process.argv.slice(2)

async function fetchOnce (): Promise<void> {
  const request = get(url, { agent: false, signal: AbortSignal.timeout(DEADLINE_MS) })
  const [response] = await once(request, 'response') as [IncomingMessage]
  if (response.statusCode !== 200) throw new Error(`answered with ${response.statusCode}`)
  let received = 0
  response.on('data', (chunk: Buffer) => { received += chunk.length })
  await once(response, 'end')
  if (received !== Number(bytes)) throw new Error(`${received} bytes came of ${bytes}`)
}

await Promise.all(Array.from({ length: Number(count) }, fetchOnce))

/** A connection on which one part after the other is fetched. */
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import t, { type Test } from 'tap'
import { contentOf } from '../../lib/content/digest.js'
import { LineReader } from '../../lib/net/line-reader.js'
import { Listener } from '../../lib/net/listener.js'
import { FileLayout, offsetsOf } from '../../lib/content/layout.js'
import { fetchPart } from '../../lib/part/fetch-part.js'
import { pieceCount } from '../../lib/protocol/content.js'
import { DEADLINES } from '../../lib/protocol/limits.js'
import { MiB } from '../../lib/protocol/units.js'
import { credentialsFor, deriveKeys } from '../../lib/secret/keys.js'
import { PartControl } from '../../lib/threads/part-control.js'
import { RateLimit } from '../../lib/threads/rate-limit.js'
import { HOST, WAIT_MS } from '../net/peer.js'

const DATA = Buffer.alloc(10_240, 'a small file, ')
const SECRET = { current: deriveKeys(Buffer.from('the secret of this network')) }

/** What an owner does with a request: what it says in its header and sends behind it, and whether it goes on. */
type Serve = (socket: Socket, header: object, requests: number) => void

const KEEPS: Serve = (socket, header) => { socket.write(`${JSON.stringify({ ...header, more: true })}\n`); socket.write(DATA) }

interface Owner {
  fetch: () => Promise<Buffer>
  /** Each with the number of requests that came on it. */
  connections: Array<{ socket: Socket, requests: number }>
}

async function owner (t: Test, serve: Serve, isSecret: boolean, data = DATA): Promise<Owner> {
  const connections: Owner['connections'] = []
  const listener = new Listener({
    onConnection: (socket) => {
      const connection = { socket, requests: 0 }
      connections.push(connection)
      const lines = new LineReader(socket)
      const answer = async (): Promise<void> => {
        for (;;) {
          const { more, name, ...header } = JSON.parse((await lines.next(WAIT_MS)).toString()) as Record<string, unknown>
          t.equal(more, true, 'a part asks for more')
          serve(socket, header, ++connection.requests)
        }
      }
      // Until the downloader leaves.
      answer().catch(() => socket.end())
    },
    credentials: isSecret ? credentialsFor('data', SECRET) : undefined,
  })
  t.teardown(async () => await listener.close())
  const address = await listener.listen({ host: HOST, port: 0 })
  const folder = await mkdtemp(join(tmpdir(), 'kept-'))
  t.teardown(async () => await rm(folder, { recursive: true, force: true }))
  const { size, digest, pieceLength, pieces } = contentOf(data)
  const endPiece = pieceCount({ size, pieceLength })
  let parts = 0
  const fetch = async (): Promise<Buffer> => {
    const path = join(folder, String(parts++))
    await fetchPart({
      size,
      digest,
      pieceLength,
      filename: 'file',
      name: 'NodeC',
      deadlines: DEADLINES,
      down: new RateLimit().buffer,
      owner: address,
      firstPiece: 0,
      endPiece,
      isPatient: false,
      pieces: endPiece === 1 ? undefined : pieces,
      path,
      offsets: offsetsOf(new FileLayout(size, pieceLength), { firstPiece: 0, endPiece }),
      ranges: [{ start: 0, end: Math.min(size, endPiece * pieceLength) }],
      origin: 0,
      isWindow: false,
      isBlank: true,
      naming: { way: 'link', hiddenFolder: dirname(path) },
      control: PartControl.forPart(0, endPiece).buffer,
      credentials: isSecret ? { ...credentialsFor('data', SECRET), name: 'NodeC' } : undefined,
    })
    return await readFile(path)
  }
  return { fetch, connections }
}

for (const [way, isSecret] of [['plain', false], ['with a secret', true]] as const) {
  await t.test(way, async (t) => {
    await t.test('one part after the other on one connection', async (t) => {
      const { fetch, connections } = await owner(t, KEEPS, isSecret)
      for (let i = 0; i < 5; i++) t.ok(DATA.equals(await fetch()))
      t.match(connections, [{ requests: 5 }])
    })

    await t.test('large parts as well', async (t) => {
      const large = Buffer.alloc(5 * MiB, 'a large file, ')
      const { fetch, connections } = await owner(t, (socket, header) => { socket.write(`${JSON.stringify({ ...header, more: true })}\n`); socket.write(large) }, isSecret, large)
      for (let i = 0; i < 3; i++) t.ok(large.equals(await fetch()))
      t.match(connections, [{ requests: 3 }])
    })

    await t.test('parts at the same time have a connection each, and each is used again', async (t) => {
      const { fetch, connections } = await owner(t, KEEPS, isSecret)
      for (let i = 0; i < 3; i++) for (const bytes of await Promise.all([fetch(), fetch(), fetch()])) t.ok(DATA.equals(bytes))
      t.match(connections, [{ requests: 3 }, { requests: 3 }, { requests: 3 }])
    })

    await t.test('an older owner says nothing of more, and closes', async (t) => {
      const { fetch, connections } = await owner(t, (socket, header) => { socket.write(`${JSON.stringify(header)}\n`); socket.end(DATA) }, isSecret)
      for (let i = 0; i < 3; i++) t.ok(DATA.equals(await fetch()))
      t.match(connections, [{ requests: 1 }, { requests: 1 }, { requests: 1 }])
    })

    for (const [what, leave] of Object.entries({ end: (socket: Socket) => socket.end(), reset: (socket: Socket) => socket.destroy() })) {
      await t.test(`a connection that was closed meanwhile is nobody's fault: ${what}`, async (t) => {
        const { fetch, connections } = await owner(t, KEEPS, isSecret)
        t.ok(DATA.equals(await fetch()))
        const socket = connections[0]?.socket
        if (socket) leave(socket)
        t.ok(DATA.equals(await fetch()))
        t.equal(connections.length, 2)
      })

      await t.test(`nor is one that is closed when it is asked: ${what}`, async (t) => {
        const { fetch, connections } = await owner(t, (socket, header, requests) => { if (requests > 1) leave(socket); else KEEPS(socket, header, requests) }, isSecret)
        t.ok(DATA.equals(await fetch()))
        t.ok(DATA.equals(await fetch()))
        t.match(connections, [{ requests: 2 }, { requests: 1 }])
      })
    }

    await t.test('an owner that begins to answer and leaves is to blame', async (t) => {
      const { fetch } = await owner(t, (socket, header, requests) => { if (requests > 1) socket.end('{"type":'); else KEEPS(socket, header, requests) }, isSecret)
      t.ok(DATA.equals(await fetch()))
      await t.rejects(fetch(), { code: 'E_PROTOCOL' })
    })

    await t.test('more bytes than were asked for: the connection is not used again', async (t) => {
      const { fetch, connections } = await owner(t, (socket, header) => { socket.write(`${JSON.stringify({ ...header, more: true })}\n${DATA.toString()}and more`) }, isSecret)
      t.ok(DATA.equals(await fetch()))
      t.ok(DATA.equals(await fetch()))
      t.match(connections, [{ requests: 1 }, { requests: 1 }])
    })

    await t.test('a wrong byte: the connection is not used again', async (t) => {
      let isWrong = true
      const { fetch, connections } = await owner(t, (socket, header, requests) => {
        if (!isWrong) return KEEPS(socket, header, requests)
        socket.write(`${JSON.stringify({ ...header, more: true })}\n`)
        socket.write(Buffer.alloc(DATA.length))
      }, isSecret)
      await t.rejects(fetch(), { code: 'E_DIGEST' })
      isWrong = false
      t.ok(DATA.equals(await fetch()))
      t.equal(connections.length, 2)
    })
  })
}

await t.test('what was kept too long is closed', async (t) => {
  await Promise.all([false, true].map(async (isSecret) => {
    const { fetch, connections } = await owner(t, KEEPS, isSecret)
    await fetch()
    const socket = connections[0]?.socket
    if (socket && !socket.readableEnded) await once(socket, 'end', { signal: AbortSignal.timeout(WAIT_MS) })
  }))
})

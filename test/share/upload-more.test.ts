/** Many requests on one connection to an output port. */
import { once } from 'node:events'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { DEADLINES } from '../../lib/protocol/limits.js'
import { MiB } from '../../lib/protocol/units.js'
import { dial } from '../../lib/net/dial.js'
import { credentialsFor, deriveKeys } from '../../lib/secret/keys.js'
import { closed, Peer, WAIT_MS } from '../net/peer.js'
import { HUGE, serving, servingHuge, stalled } from './serving.js'

const MORE = { more: true }

/** The line that asks for these bytes of the file. */
function lineFor (digest: string, range: [number, number], fields: object = MORE): object {
  return { type: 'FileCommunication', filename: 'shared', digest, range, ...fields }
}

/** The header and the bytes of an answer, as they come, on a connection that may go on. */
async function answers (peer: Peer, lengths: number[]): Promise<Array<{ header: Record<string, unknown>, bytes: Buffer }>> {
  const all = []
  for (const length of lengths) all.push({ header: await peer.message(), bytes: await peer.bytes(length) })
  return all
}

await t.test('one request after the other, the last without more', async (t) => {
  const { share: { digest, size }, data, port, server, errors } = await serving(t)
  const peer = await Peer.connect(t, { port })
  for (const range of [[0, 5], [MiB - 1, 2 * MiB], [7, 7], [0, size]] satisfies Array<[number, number]>) {
    peer.send(lineFor(digest, range))
    t.strictSame(await peer.message(), lineFor(digest, range))
    t.ok((await peer.bytes(range[1] - range[0])).equals(data.subarray(...range)))
  }
  t.strictSame(server.uploads, [], 'it has no slot while it waits')
  peer.send(lineFor(digest, [1, 3], {}))
  t.strictSame(await peer.message(), lineFor(digest, [1, 3], {}))
  t.ok((await peer.rest()).equals(data.subarray(1, 3)), 'and closed')
  t.strictSame(errors, [])
})

await t.test('64 requests at once are answered in their order; a peer that then closes its side has all of them', async (t) => {
  const { share: { digest }, data, port } = await serving(t)
  const peer = await Peer.connect(t, { port })
  peer.send(Array.from({ length: 64 }, (_, i) => `${JSON.stringify(lineFor(digest, [i, 2 * i]))}\n`).join(''))
  peer.socket.end()
  for (const [i, { header, bytes }] of (await answers(peer, Array.from({ length: 64 }, (_, i) => i))).entries()) {
    t.match(header, { range: [i, 2 * i], more: true })
    t.ok(bytes.equals(data.subarray(i, 2 * i)))
  }
  t.equal((await peer.rest()).length, 0, 'and closed')
})

await t.test('what ends a connection that was kept', async (t) => {
  const { share: { digest }, port, errors } = await serving(t)
  const good = JSON.stringify(lineFor(digest, [0, 5]))
  const table: Array<[what: string, lines: string | Buffer, code: string]> = [
    ['no JSON', 'hello\n', 'E_PROTOCOL'],
    ['bad UTF-8', Buffer.from([0x7b, 0xff, 0x7d, 0x0a]), 'E_PROTOCOL'],
    ['brackets', `${'['.repeat(60_000)}\n`, 'E_LIMIT'],
    ['a line without end', Buffer.alloc(MiB / 2, 'x'), 'E_LIMIT'],
    ['a range beyond the end', `${JSON.stringify(lineFor(digest, [0, HUGE]))}\n`, 'E_PROTOCOL'],
    ['what is not shared', `${JSON.stringify({ ...lineFor(digest, [0, 1]), filename: 'secret' })}\n`, 'E_NOT_SHARED'],
    ['more that is no boolean', `${JSON.stringify(lineFor(digest, [0, 1], { more: 1 }))}\n`, 'E_PROTOCOL'],
  ]
  for (const [what, lines, code] of table) {
    for (const when of ['at once', 'later'] as const) {
      const peer = await Peer.connect(t, { port })
      peer.send(`${good}\n`)
      if (when === 'at once') peer.send(lines, `${good}\n`)
      await answers(peer, [5])
      if (when === 'later') peer.send(lines, `${good}\n`)
      const [reply, ...others] = await peer.messages()
      t.match(reply, { type: 'FileCommunication', error: { code } }, `${what}, ${when}`)
      t.strictSame(others, [], 'a line after an error is not answered')
    }
  }
  t.strictSame(errors, [])
})

await t.test('a 65th request that waits is refused, once those before it were answered', async (t) => {
  const { share: { digest }, request } = await servingHuge(t)
  const peer = await stalled(async (range) => await request(range, MORE))
  const line = `${JSON.stringify(lineFor(digest, [0, 1]))}\n`
  peer.send(line.repeat(65))
  peer.socket.resume()
  await peer.bytes(HUGE)
  await answers(peer, Array.from({ length: 64 }, () => 1))
  t.match(await peer.messages(), [{ error: { code: 'E_LIMIT', message: /64/ } }])
})

await t.test('a peer that asks on and on and never reads is cut off, and costs little until then', async (t) => {
  const { share: { digest }, request, server } = await servingHuge(t, { deadlines: { ...DEADLINES, dataStallMs: 300 } })
  const peer = await stalled(async (range) => await request(range, MORE))
  const line = Buffer.from(`${JSON.stringify({ ...lineFor(digest, [0, 1]), padding: 'x'.repeat(60_000) })}\n`)
  let taken = 0
  const push = (): void => { while (!peer.socket.destroyed && peer.socket.write(line, () => { taken += line.length })); }
  peer.socket.on('drain', push)
  push()
  await new Promise<void>((resolve) => {
    const look = setInterval(() => {
      if (server.uploads.length > 0) return
      clearInterval(look)
      resolve()
    }, 10)
  })
  peer.socket.resume()
  await closed(peer.socket)
  t.ok(taken < 64 * MiB, `${taken}`)
})

for (const [what, text] of [['nothing', ''], ['half a line', '{"type":']] as const) {
  await t.test(`a kept connection on which ${what} comes is closed without a word`, async (t) => {
    const { request, errors, server } = await serving(t, { deadlines: { ...DEADLINES, moreMs: 50 } })
    const peer = await request([0, 5], MORE)
    await answers(peer, [5])
    peer.send(text)
    t.equal((await peer.rest()).length, 0)
    t.strictSame([errors, server.uploads], [[], []])
  })
}

await t.test('those that wait make room for a new connection, the one that waits longest first', async (t) => {
  const { share: { digest }, request } = await serving(t, { maxConnections: 2 })
  const [first, second] = [await request([0, 5], MORE), await request([0, 5], MORE)]
  await answers(first, [5])
  await answers(second, [5])
  const third = await request([0, 5], MORE)
  await answers(third, [5])
  t.equal((await first.rest()).length, 0, 'closed without a word')
  second.send(lineFor(digest, [0, 3]))
  await answers(second, [3])
})

await t.test('where slots are short: none is kept, and those that wait are closed', async (t) => {
  const { request } = await servingHuge(t, { maxStreams: 1 })
  const kept = await request([0, 5], MORE)
  t.notOk('more' in await kept.message(), 'its own slot is the last')
  t.equal((await kept.rest()).length, 5)

  const roomy = await servingHuge(t, { maxStreams: 2 })
  const waiting = await roomy.request([0, 5], MORE)
  t.match(await answers(waiting, [5]), [{ header: { more: true } }])
  await stalled(roomy.request)
  await stalled(roomy.request)
  t.match(await (await roomy.request([0, 1], MORE)).messages(), [{ error: { code: 'E_BUSY' } }])
  t.equal((await waiting.rest()).length, 0, 'closed without a word')
})

await t.test('drain: those that wait are closed, what was asked behind a range that is sent is refused', async (t) => {
  const { share: { digest }, request, server } = await servingHuge(t)
  const waiting = await request([0, 5], MORE)
  await answers(waiting, [5])
  const running = await stalled(async (range) => await request(range, MORE))
  running.send(lineFor(digest, [0, 1]))
  const drained = server.drain()
  t.equal((await waiting.rest()).length, 0)
  running.socket.resume()
  await running.bytes(HUGE)
  t.match(await running.messages(), [{ error: { code: 'E_NOT_SHARED' } }])
  await drained
})

await t.test('a peer that goes away while it waits leaves nothing behind', async (t) => {
  const { request, server, errors } = await serving(t)
  for (const leave of ['end', 'destroy', 'resetAndDestroy'] as const) {
    const peer = await request([0, 5], MORE)
    await answers(peer, [5])
    peer.socket[leave]()
    if (leave === 'end') await once(peer.socket, 'end', { signal: AbortSignal.timeout(WAIT_MS) })
  }
  t.strictSame([server.uploads, errors], [[], []])
})

await t.test('with a secret', async (t) => {
  const credentials = credentialsFor('data', { current: deriveKeys(Buffer.from('the secret of this network')) })
  const { port, data, share: { digest } } = await serving(t, { credentials })
  const peer = new Peer(await dial({ host: '127.0.0.1', port, credentials: { ...credentials, name: 'NodeC' } }))
  t.teardown(() => peer.socket.destroy())
  for (const range of [[0, 5], [MiB - 1, 2 * MiB]] satisfies Array<[number, number]>) {
    peer.send(lineFor(digest, range))
    t.match(await peer.message(), { range, more: true })
    t.ok((await peer.bytes(range[1] - range[0])).equals(data.subarray(...range)))
  }
})

await t.test('what is no longer as it was is refused on a kept connection as well', async (t) => {
  const { folder, data, share: { digest }, request, suspects } = await serving(t)
  const peer = await request([0, 5], MORE)
  await answers(peer, [5])
  await chmod(join(folder, 'shared'), 0o640)
  peer.send(lineFor(digest, [5, 9]))
  t.match(await answers(peer, [4]), [{ bytes: data.subarray(5, 9) }])
  t.equal(suspects.size, 1, 'its owner looks')
})

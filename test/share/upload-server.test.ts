import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { RateLimit } from '../../lib/threads/rate-limit.js'
import { dial } from '../../lib/net/dial.js'
import { credentialsFor, deriveKeys } from '../../lib/secret/keys.js'
import { closed, Peer, WAIT_MS } from '../net/peer.js'
import { HUGE, serving, servingHuge, stalled } from './serving.js'
import { CHANGES, NO_CHANGES } from './shares.js'
import { MiB } from '../../lib/protocol/units.js'

const OTHER_DIGEST = `blake3:${'1'.repeat(64)}`

await t.test('a range: one header line, the bytes, closed', async (t) => {
  const { share, data, request, errors } = await serving(t)
  const { size, digest } = share
  const ranges: Array<[number, number]> = [[0, size], [0, 1], [5, 17], [MiB, 2 * MiB], [MiB - 1, MiB + 1], [size - 1, size], [0, 0], [7, 7], [size, size]]
  for (const range of ranges) {
    const peer = await request(range)
    t.strictSame(await peer.message(), { type: 'FileCommunication', filename: 'shared', digest, range })
    const bytes = await peer.rest()
    t.equal(bytes.length, range[1] - range[0])
    t.ok(bytes.equals(data.subarray(...range)), `[${range.join()}]`)
  }
  t.strictSame(errors, [])
})

await t.test('what a request has beside its fields is ignored', async (t) => {
  const { data, request } = await serving(t)
  const peer = await request([0, 5], { error: { code: 'E_BUSY', message: 'words of an answer' }, mode: 'have', constructor: [] })
  t.match(await peer.message(), { range: [0, 5], error: undefined })
  t.ok((await peer.rest()).equals(data.subarray(0, 5)))
})

await t.test('an upload that runs can be looked at', async (t) => {
  const { server, request } = await servingHuge(t)
  const peer = await stalled(request)
  const [upload, ...others] = server.uploads
  t.strictSame(others, [])
  t.match(upload, { filename: 'shared', peer: '127.0.0.1', range: { start: 0, end: HUGE }, seconds: Number })
  t.ok(upload && upload.sent < HUGE)
  peer.socket.resume()
  await peer.rest()
  t.strictSame([...server.uploads], [])
})

await t.test('a request may come byte by byte, and with \\r', async (t) => {
  const { share, data, port } = await serving(t)
  const peer = await Peer.connect(t, { port })
  const line = `${JSON.stringify({ type: 'FileCommunication', filename: 'shared', digest: share.digest, range: [1, 4] })}\r\n`
  for (const byte of Buffer.from(line)) peer.send(Buffer.of(byte))
  await peer.line()
  t.ok((await peer.rest()).equals(data.subarray(1, 4)))
})

await t.test('a peer that has closed its side still gets the bytes', async (t) => {
  const { data, request } = await serving(t)
  const peer = await request([0, data.length])
  peer.socket.end()
  await peer.line()
  t.ok((await peer.rest()).equals(data))
})

await t.test('whatever a peer sends beside its request is thrown away, and bounded', async (t) => {
  const { data, port, request, server } = await servingHuge(t)
  const garbage = Buffer.alloc(4 * MiB, 'x')
  const few = await request([0, data.length])
  few.send(garbage.subarray(0, MiB / 2))
  await few.line()
  t.ok((await few.rest()).equals(data), 'a little of it is no harm')

  const endless: Array<[what: string, peer: Peer]> = [
    ['one line without end', await Peer.connect(t, { port })],
    ['after a request that was refused', await request([5, 4])],
    ['while a range is sent', await stalled(request)],
  ]
  for (const [what, peer] of endless) {
    let taken = 0
    // Until it takes no more: the buffers between two sockets hold a few MiB.
    const push = (): void => { while (!peer.socket.destroyed && peer.socket.write(garbage, () => { taken += garbage.length })); }
    peer.socket.on('drain', push).on('error', () => {})
    push()
    peer.socket.resume()
    await closed(peer.socket)
    t.ok(taken < 64 * MiB, `${what}: ${taken}`)
  }
  t.strictSame(server.uploads, [])
})

await t.test('what is refused: one line, closed', async (t) => {
  const { share, port, request, changed, errors } = await serving(t)
  const { size, digest } = share
  const raw = async (bytes: string | Buffer): Promise<Peer> => {
    const peer = await Peer.connect(t, { port })
    peer.send(bytes)
    return peer
  }
  const table: Array<[what: string, peer: Peer, code: string]> = [
    ['a range beyond the end', await request([0, size + 1]), 'E_PROTOCOL'],
    ['a range that begins beyond the end', await request([size + 1, size + 1]), 'E_PROTOCOL'],
    ['a range backwards', await request([5, 4]), 'E_PROTOCOL'],
    ['a negative range', await request([-1, 4]), 'E_PROTOCOL'],
    ['half a byte', await request([0, 1.5]), 'E_PROTOCOL'],
    ['2^53', await request([0, 2 ** 53]), 'E_PROTOCOL'],
    ['no range', await request([0, 1], { range: undefined }), 'E_PROTOCOL'],
    ['three ends', await request([0, 1], { range: [0, 1, 2] }), 'E_PROTOCOL'],
    ['a digest that is none', await request([0, 1], { digest: digest.slice(0, -1) }), 'E_PROTOCOL'],
    ['no digest', await request([0, 1], { digest: undefined }), 'E_PROTOCOL'],
    ['another type', await request([0, 1], { type: 'SizeInformation' }), 'E_PROTOCOL'],
    ['another content', await request([0, 1], { digest: OTHER_DIGEST }), 'E_NOT_SHARED'],
    ['a name that is none', await request([0, 1], { filename: '../shared' }), 'E_NAME'],
    ['the hidden folder', await request([0, 1], { filename: '.piecemeal' }), 'E_NAME'],
    ['no JSON', await raw('hello\n'), 'E_PROTOCOL'],
    ['HTTP', await raw('GET /shared HTTP/1.1\r\nHost: x\r\n\r\n'), 'E_PROTOCOL'],
    ['bad UTF-8', await raw(Buffer.from([0x7b, 0xff, 0x7d, 0x0a])), 'E_PROTOCOL'],
    ['brackets', await raw(`${'['.repeat(60_000)}\n`), 'E_LIMIT'],
    ['a line without end', await raw(Buffer.alloc(MiB / 2, 'x')), 'E_LIMIT'],
  ]
  for (const [what, peer, code] of table) {
    const [reply, ...others] = await peer.messages()
    t.match(reply, { type: 'FileCommunication', error: { code, message: String } }, what)
    t.strictSame(Object.keys(reply ?? {}).sort(), ['error', 'type'], what)
    t.strictSame(others, [], what)
  }
  t.strictSame([changed, errors], [[], []])
})

await t.test('what is not shared: the same answer whether or not there is such a file', async (t) => {
  const { request } = await serving(t)
  const refusals = []
  for (const filename of ['secret', 'nowher']) {
    const peer = await request([0, 1], { filename })
    refusals.push((await peer.rest()).toString().replaceAll(filename, 'NAME'))
  }
  t.match(JSON.parse(refusals[0] ?? '{}'), { error: { code: 'E_NOT_SHARED', message: /"NAME"/ } })
  t.equal(refusals[0], refusals[1])
})

for (const [what, change] of Object.entries(CHANGES)) {
  await t.test(`the file changed after it was announced: ${what}`, async (t) => {
    const { folder, share, request, changed, errors } = await serving(t)
    await change(join(folder, 'shared'))
    const [reply, ...others] = await (await request([0, 2])).messages()
    t.match(reply, { error: { code: /^(?:E_CHANGED|E_NOT_SHARED)$/ } })
    t.strictSame(others, [])
    t.strictSame(changed, [share], 'its owner is told')
    t.strictSame(errors, [])
  })
}

for (const [what, change] of Object.entries(NO_CHANGES)) {
  await t.test(`something about the file changed, but not its bytes: ${what}`, async (t) => {
    const { folder, data, share, request, changed, suspects, errors } = await serving(t)
    await change(join(folder, 'shared'))
    for (const range of [[0, data.length], [5, MiB + 5], [data.length, data.length]] satisfies Array<[number, number]>) {
      const peer = await request(range)
      t.match(await peer.message(), { range })
      t.ok((await peer.rest()).equals(data.subarray(...range)))
    }
    t.strictSame([changed, errors], [[], []])
    t.strictSame([...suspects], [share], 'its owner looks')
  })
}

await t.test('of a file that changed in part, what is right is sent, and no byte of what is not', async (t) => {
  const { folder, data, share, request, changed } = await serving(t)
  const file = await open(join(folder, 'shared'), 'r+')
  await file.write('another byte', MiB + 17)
  await file.close()
  const first = await request([0, MiB])
  await first.line()
  t.ok((await first.rest()).equals(data.subarray(0, MiB)))
  t.strictSame(changed, [])
  const both = await request([0, data.length])
  await both.line()
  t.ok((await both.rest()).equals(data.subarray(0, MiB)), 'up to the wrong piece')
  t.strictSame(changed, [share])
})

for (const what of ['it was truncated', 'other bytes of the same size', 'other bytes with the same size and time']) {
  await t.test(`the file changes while it is sent: ${what}`, async (t) => {
    const { folder, share, data, server, request, changed } = await servingHuge(t)
    const peer = await stalled(request)
    await CHANGES[what]?.(join(folder, 'shared'))
    peer.socket.resume()
    const bytes = await peer.rest()
    t.strictSame(changed, [share], 'its owner is told')
    t.ok(bytes.length < HUGE, 'fewer bytes than the header said')
    t.ok(Buffer.concat([data, Buffer.alloc(HUGE)]).subarray(0, bytes.length).equals(bytes), 'and never others')
    t.strictSame([...server.uploads], [])
  })
}

for (const [what, change] of Object.entries({ ...NO_CHANGES, 'it grew': CHANGES['it grew'], 'it is gone': CHANGES['it is gone'], 'another file in its place': CHANGES['another file in its place'] })) {
  await t.test(`what is open goes on to be sent: ${what}`, async (t) => {
    const { folder, share, data, request, changed, suspects } = await servingHuge(t)
    const peer = await stalled(request)
    await change?.(join(folder, 'shared'))
    peer.socket.resume()
    t.ok(Buffer.concat([data, Buffer.alloc(HUGE - data.length)]).equals(await peer.rest()))
    t.strictSame([changed, [...suspects]], [[], [share]])
  })
}

await t.test('no free slot: busy, until one is free again', async (t) => {
  const { server, request } = await servingHuge(t, { maxStreams: 1 })
  const first = await stalled(request)
  const [reply, ...others] = await (await request([0, 1])).messages()
  t.match(reply, { type: 'FileCommunication', error: { code: 'E_BUSY' } })
  t.strictSame(others, [])
  first.socket.resume()
  t.equal((await first.rest()).length, HUGE)
  t.strictSame([...server.uploads], [])
  const next = await request([0, 1])
  t.match(await next.message(), { range: [0, 1] })
})

await t.test('whoever is patient is refused while many are served, the others are not', async (t) => {
  const { request } = await servingHuge(t, { maxPatientStreams: 1 })
  const first = await stalled(async (range) => await request(range, { patient: true }))
  t.match(await (await request([0, 1], { patient: true })).message(), { error: { code: 'E_BUSY' } })
  t.match(await (await request([0, 1], { patient: false })).message(), { range: [0, 1] })
  t.match(await (await request([0, 1], { patient: 'very' })).message(), { error: { code: 'E_PROTOCOL' } })
  first.socket.resume()
  t.equal((await first.rest()).length, HUGE)
  t.match(await (await request([0, 1], { patient: true })).message(), { range: [0, 1] })
})

await t.test('what was given away lately is known', async (t) => {
  const { server, share, request } = await servingHuge(t)
  t.equal(server.sentLately(share.digest), undefined)
  const peer = await request([MiB, 3 * MiB])
  t.match(await peer.message(), { range: [MiB, 3 * MiB] })
  t.strictSame(server.sentLately(share.digest), Buffer.from([0b01100000, 0]))
  await peer.rest()
  t.strictSame(server.sentLately(share.digest), Buffer.from([0b01100000, 0]))
})

await t.test('one downloader takes no more than its share of the slots', async (t) => {
  const { request } = await servingHuge(t, { maxStreamsPerDownloader: 2 })
  const codeOf = async (fields: object): Promise<unknown> => (await (await request([0, 1], fields)).message()).error
  const streams = await Promise.all([1, 2].map(async () => await stalled(async (range) => await request(range, { name: 'NodeC' }))))
  t.match(await codeOf({ name: 'NodeC' }), { code: 'E_BUSY', message: /one downloader/ })
  t.notOk(await codeOf({ name: 'NodeD' }), 'another node at the same address')
  t.notOk(await codeOf({}), 'one that does not say its name is yet another')
  t.match(await codeOf({ name: 'not a name' }), { code: 'E_NAME' })
  t.match(await codeOf({ name: 5 }), { code: 'E_PROTOCOL' })
  const [first] = streams
  first?.socket.resume()
  t.equal((await first?.rest())?.length, HUGE)
  t.notOk(await codeOf({ name: 'NodeC' }), 'whoever has a whole range has a slot again at once')
})

await t.test('a ninth stream of one downloader is too many', async (t) => {
  const { request } = await servingHuge(t)
  await Promise.all(Array.from({ length: 8 }, async () => await stalled(async (range) => await request(range, { name: 'NodeC' }))))
  t.match(await (await request([0, 1], { name: 'NodeC' })).message(), { error: { code: 'E_BUSY' } })
  t.match(await (await request([0, 1], { name: 'NodeD' })).message(), { range: [0, 1] })
})

await t.test('with a limit, streams share it; without it again, they end at once', async (t) => {
  const up = new RateLimit()
  up.bytesPerSecond = 8 * MiB
  const { data, request } = await serving(t, { up })
  const beginMs = performance.now()
  const peers = await Promise.all([1, 2, 3].map(async () => await request([0, data.length])))
  for (const peer of peers) {
    await peer.line()
    t.ok((await peer.rest()).equals(data))
  }
  const seconds = (performance.now() - beginMs) / 1_000
  t.ok(seconds >= 3 * data.length / (8 * MiB) - 0.05, `${seconds} s for ${3 * data.length} bytes`)

  up.bytesPerSecond = 1_024
  const slow = await request([0, data.length])
  await slow.line()
  up.bytesPerSecond = undefined
  t.ok((await slow.rest()).equals(data))
})

for (const leave of ['destroy', 'resetAndDestroy'] as const) {
  await t.test(`a peer that goes away in the middle frees its slot: ${leave}`, async (t) => {
    const { request, errors, changed } = await servingHuge(t, { maxStreams: 1 })
    const first = await stalled(request)
    first.socket[leave]()
    // Each try is an exchange over the network, so the server gets its turn to notice.
    const deadline = AbortSignal.timeout(WAIT_MS)
    let reply
    do {
      const peer = await request([0, 1])
      reply = await peer.message()
    } while (!('range' in reply) && !deadline.aborted)
    t.match(reply, { range: [0, 1] })
    t.strictSame([changed, errors], [[], []], 'which is nobody\'s fault')
  })
}

await t.test('drain: nothing new, and what runs is finished', async (t) => {
  const { server, port, request } = await servingHuge(t)
  const first = await stalled(request)
  let isDrained = false
  const drained = server.drain().then(() => { isDrained = true })
  await t.rejects(Peer.connect(t, { port }), { code: 'ECONNREFUSED' })
  t.notOk(isDrained, 'one still runs')
  first.socket.resume()
  t.equal((await first.rest()).length, HUGE)
  await drained
})

await t.test('drain where nothing runs', async (t) => {
  const { server } = await serving(t)
  await t.resolves(server.drain())
})

await t.test('drain: a connection that has not asked yet is too late', async (t) => {
  const { server, port, share } = await serving(t)
  const peer = await Peer.connect(t, { port })
  // Accepted for certain once a later one is served.
  const other = await Peer.connect(t, { port })
  other.send({ type: 'FileCommunication', filename: 'shared', digest: share.digest, range: [0, 1] })
  await other.rest()
  await server.drain()
  peer.send({ type: 'FileCommunication', filename: 'shared', digest: share.digest, range: [0, 5] })
  const reply = (await peer.rest()).toString()
  t.notMatch(reply, /"range"/, 'it takes no further request')
})

await t.test('close cuts off what runs, and may be called twice', async (t) => {
  const { server, port, request } = await servingHuge(t)
  const peer = await stalled(request)
  await server.close()
  peer.socket.resume()
  t.ok((await peer.rest()).length < HUGE)
  await t.resolves(server.close())
  await t.rejects(Peer.connect(t, { port }), { code: 'ECONNREFUSED' })
})

await t.test('trouble of our own is not told to a peer', async (t) => {
  const { shares, request, errors } = await serving(t)
  shares.get = () => { throw new Error('/home/me/secret') }
  const text = (await (await request([0, 1])).rest()).toString()
  t.match(JSON.parse(text), { type: 'FileCommunication', error: { code: 'E_INTERNAL' } })
  t.notMatch(text, /secret/)
  t.match(errors, [{ message: '/home/me/secret' }])
})

await t.test('a connection that ends without a request', async (t) => {
  const { port, errors } = await serving(t)
  const peer = await Peer.connect(t, { port })
  peer.socket.end()
  const ended = once(peer.socket, 'close', { signal: AbortSignal.timeout(WAIT_MS) })
  await peer.rest()
  await ended
  t.strictSame(errors, [])
})

await t.test('with a secret: a range, a refusal, and nothing for who has none', async (t) => {
  const secret = { current: deriveKeys(Buffer.from('the secret of this network')) }
  const credentials = credentialsFor('data', secret)
  const { port, data, share, errors } = await serving(t, { credentials })
  const request = async (fields: object): Promise<Peer> => {
    const peer = new Peer(await dial({ host: '127.0.0.1', port, credentials: { ...credentials, name: 'NodeC' } }))
    t.teardown(() => peer.socket.destroy())
    peer.send({ type: 'FileCommunication', filename: 'shared', digest: share.digest, range: [1, 2 * MiB + 5], ...fields })
    return peer
  }
  const peer = await request({})
  t.match(await peer.message(), { filename: 'shared', range: [1, 2 * MiB + 5] })
  t.strictSame(await peer.rest(), data.subarray(1))
  t.match(await (await request({ filename: 'secret' })).messages(), [{ error: { code: 'E_NOT_SHARED' } }])

  const stranger = await Peer.connect(t, { port })
  stranger.send({ type: 'FileCommunication', filename: 'shared', digest: share.digest, range: [0, 5] })
  t.equal((await stranger.rest()).length, 7, 'an alert and no more')
  t.match(errors, [{ code: 'E_AUTH', message: `127.0.0.1 is refused at port ${port}: it speaks no TLS, so it has no secret` }])
})

await t.test('without one, TLS is refused, and the owner tells who tried', async (t) => {
  const { port, errors } = await serving(t)
  const credentials = { ...credentialsFor('data', { current: deriveKeys(Buffer.from('the secret of this network')) }), name: 'NodeC' }
  await t.rejects(dial({ host: '127.0.0.1', port, credentials }), { code: 'E_AUTH', message: /speaks no TLS/ })
  t.match(errors, [{ code: 'E_AUTH', message: `127.0.0.1 is refused at port ${port}: it speaks TLS, and there is no secret here` }])
})

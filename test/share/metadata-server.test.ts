import { utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { ShareIndex, type Share } from '../../lib/share/share-index.js'
import { PartialShares } from '../../lib/share/partial-share.js'
import { MetadataServer } from '../../lib/share/metadata-server.js'
import { Peer } from '../net/peer.js'
import { HIDDEN_CHANGES, NO_CHANGES, PLAIN_CHANGES, shareOf } from './shares.js'
import { MiB } from '../../lib/protocol/units.js'
import { testDir } from '../helpers/files.js'

const OTHER_DIGEST = `blake3:${'1'.repeat(64)}`

interface Serving {
  folder: string
  share: Share
  shares: ShareIndex
  server: MetadataServer
  port: number
  changed: Share[]
  suspects: Share[]
  errors: Error[]
  connect: () => Promise<Peer>
}

async function serving (t: Pick<Test, 'testdir' | 'teardown'>): Promise<Serving> {
  const folder = testDir(t, { shared: Buffer.alloc(2 * MiB + 5, 'shared'), secret: 'never shared' })
  // A time of whole seconds can be set again exactly.
  utimesSync(join(folder, 'shared'), 1_700_000_000, 1_700_000_000)
  const share = await shareOf(folder, 'shared')
  const shares = new ShareIndex()
  shares.add(share)
  const changed: Share[] = []
  const suspects: Share[] = []
  const errors: Error[] = []
  const server = new MetadataServer({ shares, partials: new PartialShares(), onChanged: (share) => changed.push(share), onSuspect: (share) => suspects.push(share), onError: (error) => errors.push(error) })
  t.teardown(async () => await server.close())
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 })
  return { folder, share, shares, server, port, changed, suspects, errors, connect: async () => await Peer.connect(t, { port }) }
}

function question (fields: object = {}): object {
  return { type: 'SizeInformation', filename: 'shared', size: -1, ...fields }
}

await t.test('size, digest and pieces', async (t) => {
  const { share, connect } = await serving(t)
  const { size, digest, pieceLength, pieces } = share
  const peer = await connect()
  const answer = { type: 'SizeInformation', filename: 'shared', digest, size, pieceLength }
  t.equal(pieces.length, 3 * 32)
  t.strictSame(await peer.ask(question({ digest })), { ...answer, pieces: pieces.toString('base64') })
  t.strictSame(await peer.ask(question()), { ...answer, pieces: pieces.toString('base64') }, 'without a digest, whatever is shared under that name')
  t.strictSame(await peer.ask(question({ digest, pieces: false })), answer)
  peer.send(question(), question({ pieces: false }), question())
  for (const isWhole of [true, false, true]) t.equal('pieces' in await peer.message(), isWhole, 'pipelined')
})

await t.test('what was given away lately is told to whoever asks for it', async (t) => {
  const { share, shares } = await serving(t)
  const asked: string[] = []
  const sent: { bits?: Buffer } = {}
  const server = new MetadataServer({
    shares,
    partials: new PartialShares(),
    onChanged: () => {},
    onSuspect: () => {},
    onError: () => {},
    sentLately: async (digest) => {
      asked.push(digest)
      return sent.bits
    },
  })
  t.teardown(async () => await server.close())
  const peer = await Peer.connect(t, await server.listen({ host: '127.0.0.1', port: 0 }))
  t.notOk('sent' in await peer.ask(question({ pieces: false })))
  t.strictSame(asked, [])
  t.notOk('sent' in await peer.ask(question({ pieces: false, sent: true })), 'nothing was')
  sent.bits = Buffer.from([0b01000000])
  t.match(await peer.ask(question({ pieces: false, sent: true })), { digest: share.digest, sent: 'QA==' })
  t.strictSame(asked, [share.digest, share.digest])
  t.match(await peer.ask(question({ sent: 'all' })), { error: { code: 'E_PROTOCOL' } })
})

await t.test('of a file that the disk gives only in part it says what there is, and that no more will come', async (t) => {
  const { share, shares, connect } = await serving(t)
  shares.add({ ...share, lacks: new Set([1]) })
  const { size, digest, pieceLength } = share
  t.strictSame(await (await connect()).ask(question({ pieces: false })), {
    type: 'SizeInformation', filename: 'shared', size, digest, pieceLength, have: Buffer.of(0b10100000).toString('base64'), final: true,
  })
})

await t.test('an empty file', async (t) => {
  const { folder, shares, connect } = await serving(t)
  writeFileSync(join(folder, 'empty'), '')
  const share = await shareOf(folder, 'empty')
  shares.add(share)
  const peer = await connect()
  t.strictSame(await peer.ask(question({ filename: 'empty' })), { type: 'SizeInformation', filename: 'empty', digest: share.digest, size: 0, pieceLength: MiB, pieces: '' })
})

await t.test('what is not shared: the same answer whether or not there is such a file', async (t) => {
  const { share, connect } = await serving(t)
  const peer = await connect()
  const refusals = []
  for (const filename of ['secret', 'nowher']) {
    for (const digest of [undefined, share.digest]) {
      refusals.push(JSON.stringify(await peer.ask(question({ filename, ...(digest && { digest }) }))).replaceAll(filename, 'NAME'))
    }
  }
  t.match(JSON.parse(refusals[0] ?? '{}'), { type: 'SizeInformation', error: { code: 'E_NOT_SHARED', message: /"NAME"/ } })
  t.equal(refusals[2], refusals[0])
  t.equal(refusals[3], refusals[1])
  t.match(await peer.ask(question({ digest: OTHER_DIGEST })), { error: { code: 'E_NOT_SHARED' } }, 'nor another content under that name')
  t.ok((await peer.ask(question())).pieces, 'the connection goes on')
})

await t.test('bad names', async (t) => {
  const { connect } = await serving(t)
  const peer = await connect()
  for (const filename of ['../shared', '', '.', 'a/b', '.piecemeal', 'a\u0000']) {
    const reply = await peer.ask(question({ filename }))
    t.match(reply, { error: { code: 'E_NAME' } }, JSON.stringify(filename))
  }
})

await t.test('what is no question: one error, then closed', async (t) => {
  const { share, connect } = await serving(t)
  const lines: Array<string | object> = [
    'hello\n', 'null\n', question({ size: 5 }), question({ digest: 'x' }), question({ pieces: 1 }), question({ filename: 5 }), { type: 'FileCommunication' },
    { type: 'FileCommunication', filename: 'shared', digest: share.digest, range: [0, 1] },
  ]
  for (const line of lines) {
    const peer = await connect()
    peer.send(line, question())
    const [reply, ...others] = await peer.messages()
    t.match(reply, { type: 'SizeInformation', error: { code: 'E_PROTOCOL' } }, JSON.stringify(line))
    t.strictSame(others, [])
  }
})

for (const [what, change] of Object.entries(PLAIN_CHANGES)) {
  await t.test(`the file changed after it was announced: ${what}`, async (t) => {
    const { folder, share, connect, changed, errors } = await serving(t)
    await change(join(folder, 'shared'))
    const peer = await connect()
    t.match(await peer.ask(question()), { error: { code: /^(?:E_CHANGED|E_NOT_SHARED)$/ } })
    t.strictSame(changed, [share], 'its owner is told')
    t.strictSame(errors, [])
  })
}

for (const [what, change] of Object.entries({ ...HIDDEN_CHANGES, ...NO_CHANGES })) {
  await t.test(`what a file may have changed by is looked at, and refuses nobody: ${what}`, async (t) => {
    const { folder, share, connect, changed, suspects } = await serving(t)
    await change(join(folder, 'shared'))
    const peer = await connect()
    t.match(await peer.ask(question()), { digest: share.digest })
    t.strictSame([changed, suspects], [[], [share]])
  })
}

await t.test('trouble of our own is not told to a peer', async (t) => {
  const { shares, connect, errors } = await serving(t)
  shares.get = () => { throw new Error('/home/me/secret') }
  const peer = await connect()
  const reply = await peer.ask(question())
  t.match(reply, { type: 'SizeInformation', error: { code: 'E_INTERNAL' } })
  t.notMatch(JSON.stringify(reply), /secret/)
  t.match(errors, [{ message: '/home/me/secret' }])
})

await t.test('close', async (t) => {
  const { server, port, connect } = await serving(t)
  const peer = await connect()
  await peer.ask(question())
  await server.close()
  await peer.rest()
  await t.resolves(server.close())
  await t.rejects(Peer.connect(t, { port }), { code: 'ECONNREFUSED' })
})

/** What the gateway decides without a byte of a file: ranges, conditions, names in headers and in XML, and slots. */
import t from 'tap'
import { statusFor, isRangeWanted } from '../../lib/gateway/conditions.js'
import { mediaType } from '../../lib/gateway/media-types.js'
import { linksOf, metalink, urlsOf } from '../../lib/gateway/metalink.js'
import { Multipart } from '../../lib/gateway/multipart.js'
import { folderQuestionIn, nameIn, questionIn } from '../../lib/gateway/question.js'
import { rangesIn } from '../../lib/gateway/ranges.js'
import { disposition } from '../../lib/gateway/representation.js'
import { Slots } from '../../lib/gateway/slots.js'
import { headerFor, paddingAfter, rootHeader } from '../../lib/gateway/tar.js'
import { PiecemealError, type ErrorCode } from '../../lib/protocol/errors.js'
import { Coming } from '../../lib/reading/coming.js'
import { Library } from '../../lib/reading/library.js'
import type { Title } from '../../lib/reading/readable.js'
import { ShareIndex } from '../../lib/share/share-index.js'
import { StreamCount } from '../../lib/threads/stream-count.js'
import { toRefusal } from '../../lib/web/refusal.js'

const HEX = '0123456789abcdef'.repeat(4)
const title = (filename: string, owners: Title['owners'] = []): Title => ({ filename, size: 3, digest: `blake3:${HEX}`, pieceLength: 1_048_576, owners })

await t.test('ranges', async (t) => {
  const table: Array<[header: string | undefined, size: number, ranges: Array<[number, number]> | undefined]> = [
    [undefined, 10, undefined], ['bytes=0-3', 10, [[0, 4]]], ['bytes=4-', 10, [[4, 10]]], ['bytes=-3', 10, [[7, 10]]], ['bytes=-99', 10, [[0, 10]]],
    ['bytes=5-99', 10, [[5, 10]]], ['BYTES=1-1', 10, [[1, 2]]], ['bytes=10-', 10, []], ['bytes=-0', 10, []], ['bytes=0-', 0, []],
    ['bytes=7-8, 0-1', 10, [[7, 9], [0, 2]]], ['bytes=0-5,3-8', 10, [[0, 9]]], ['bytes=0-1,20-30', 10, [[0, 2]]],
    ['bytes=3-2', 10, undefined], ['bytes=a-b', 10, undefined], ['bytes=-', 10, undefined], ['items=0-1', 10, undefined], ['bytes=0-1,', 10, undefined],
    [`bytes=${Array.from({ length: 1_000 }, (_, i) => `${2 * i}-${2 * i}`).join(',')}`, 10_000, []],
    [`bytes=${Array.from({ length: 1_000 }, () => '0-').join(',')}`, 10, [[0, 10]]],
    ['bytes=999999999999999999999-', 10, undefined],
  ]
  for (const [header, size, ranges] of table) t.strictSame(rangesIn(header, size), ranges?.map(([start, end]) => ({ start, end })), String(header).slice(0, 60))
})

await t.test('conditions', async (t) => {
  const there = { etag: '"d"', modifiedMs: Date.parse('Fri, 27 Nov 2026 20:00:00 GMT') }
  const [same, before, after] = ['Fri, 27 Nov 2026 20:00:00 GMT', 'Fri, 27 Nov 2026 19:59:59 GMT', 'Fri, 27 Nov 2026 20:00:01 GMT']
  const table: Array<[headers: Record<string, string>, status: 304 | 412 | undefined]> = [
    [{}, undefined], [{ 'if-none-match': '"d"' }, 304], [{ 'if-none-match': 'W/"d"' }, 304], [{ 'if-none-match': '"x", "d"' }, 304], [{ 'if-none-match': '*' }, 304], [{ 'if-none-match': '"x"' }, undefined],
    [{ 'if-match': '"d"' }, undefined], [{ 'if-match': 'W/"d"' }, 412], [{ 'if-match': '"x"' }, 412], [{ 'if-match': '*' }, undefined],
    [{ 'if-modified-since': same }, 304], [{ 'if-modified-since': before }, undefined], [{ 'if-modified-since': after }, 304], [{ 'if-modified-since': 'yesterday' }, undefined],
    [{ 'if-none-match': '"x"', 'if-modified-since': same }, undefined],
    [{ 'if-unmodified-since': before }, 412], [{ 'if-unmodified-since': same }, undefined],
  ]
  for (const [headers, status] of table) t.equal(statusFor(headers, there), status, JSON.stringify(headers))
  t.equal(statusFor({ 'if-modified-since': same }, { etag: '"d"' }), undefined, 'where no date is known')
  for (const [value, isWanted] of [['"d"', true], ['W/"d"', false], ['"x"', false], [same, true], [after, false]] as const) t.equal(isRangeWanted({ 'if-range': value }, there), isWanted, value)
})

await t.test('names: what a browser may show, in a header, in a path, and in XML', async (t) => {
  t.equal(mediaType('Film.MP4'), 'video/mp4')
  for (const name of ['a.html', 'a.svg', 'a.js', 'a.xhtml', 'a', 'mp4', '.mp4']) t.equal(mediaType(name), 'application/octet-stream', name)
  t.equal(disposition('a b.bin', 'attachment'), 'attachment; filename="a b.bin"')
  t.equal(disposition('ü"%\\.bin', 'attachment'), 'attachment; filename="____.bin"; filename*=UTF-8\'\'%C3%BC%22%25%5C.bin')
  t.equal(nameIn({ raw: { url: '/files/a%20b%2Fc?digest=x' } } as never), 'a b/c')
  t.equal(nameIn({ raw: { url: '/files/..%2f..' } } as never), '../..')
  t.throws(() => nameIn({ raw: { url: '/files/a%ff' } } as never), /not UTF-8/)
  t.match(questionIn({ raw: { url: `/files/a?digest=${HEX}&format=meta4` } } as never), { filename: 'a', digest: `blake3:${HEX}`, wantsMetalink: true })
  t.match(questionIn({ raw: { url: '/files/a?digest=0123abcd' } } as never), { digest: '0123abcd', wantsMetalink: false })
  t.throws(() => questionIn({ raw: { url: '/files/a?digest=nope' } } as never), /hex digits/)
  const owners: Title['owners'] = [
    { name: 'A', host: '10.0.0.1', inputPort: 1, outputPort: 2, httpPort: 8080, complete: true }, { name: 'B', host: '::2', inputPort: 1, outputPort: 2, httpPort: 8081, complete: true },
    { name: 'C', host: '10.0.0.3', inputPort: 1, outputPort: 2, complete: true },
  ]
  const urls = urlsOf(title('<&>', owners), 'http://gate:80')
  t.strictSame(urls, ['http://gate:80', 'http://10.0.0.1:8080', 'http://[::2]:8081'].map((origin) => `${origin}/files/%3C%26%3E?digest=blake3:${HEX}`))
  const xml = metalink(title('<&>', owners), urls, { whole: Buffer.alloc(32, 1), pieceLength: 7, pieces: [Buffer.alloc(32, 2)] })
  t.match(xml, /<file name="&lt;&amp;&gt;">\n {4}<size>3<\/size>\n {4}<hash type="sha-256">(01){32}<\/hash>\n {4}<pieces length="7" type="sha-256">\n {6}<hash>(02){32}</)
  t.match(metalink(title('a\uffff'), [], undefined), new RegExp(`<file name="${HEX}.bin">`), 'what XML can\'t hold has a stand-in')
  t.match(metalink(title('a'), [], undefined), /no hash to check it by/)
  t.match(linksOf(title('a', owners), urlsOf(title('a', owners), 'http://gate')), [/rel=describedby; type="application\/metalink4\+xml"/, /^<http:\/\/10\.0\.0\.1:8080\/files\/a\?digest=.*>; rel=duplicate; pri=2$/, /8081/])
})

await t.test('an answer of several ranges is as long as it says', async (t) => {
  const multipart = new Multipart(100, 'image/png')
  const ranges = [{ start: 0, end: 5 }, { start: 90, end: 100 }]
  const text = `${multipart.before({ start: 0, end: 5 })}12345${multipart.before({ start: 90, end: 100 })}1234567890${multipart.end}`
  t.equal(text.length, multipart.bytesFor(ranges))
  t.match(text, /^\r\n--([0-9a-f]{32})\r\nContent-Type: image\/png\r\nContent-Range: bytes 0-4\/100\r\n\r\n12345\r\n--\1\r\n[^]*bytes 90-99\/100[^]*\r\n--\1--\r\n$/)
})

await t.test('slots are those of both ports; who waits has the next one, or is told to come again', async (t) => {
  const streams = new StreamCount(1)
  const wire = new StreamCount(0, streams.buffer)
  const slots = new Slots({ streams, most: 2, waitMs: 200 })
  const { signal } = new AbortController()
  wire.own = 1
  const giveBack = await slots.take(signal)
  t.equal(wire.others, 1)
  const order: string[] = []
  const [first, second] = ['first', 'second'].map(async (name) => {
    const release = await slots.take(signal)
    order.push(name)
    return release
  })
  const gone = new AbortController()
  const left = slots.take(gone.signal)
  gone.abort()
  await t.rejects(left, { code: 'E_INTERRUPTED' })
  giveBack()
  giveBack()
  ;(await first)?.()
  ;(await second)?.()
  t.strictSame(order, ['first', 'second'])
  t.equal(wire.others, 0)
  wire.own = 2
  await t.rejects(slots.take(signal), { code: 'E_BUSY' })
})

await t.test('the path in a folder, and the headers of an archive', async (t) => {
  const asked = (url: string): unknown => folderQuestionIn({ raw: { url } } as never)
  t.match(asked('/folders/a%20b/c/d?format=tar'), { filename: 'a b', path: 'c/d', isFolder: false, wantsTar: true })
  t.match(asked('/folders/a/folders/b/'), { filename: 'a', path: 'folders/b', isFolder: true, wantsTar: false })
  t.match(asked('/folders/a/./b/./c'), { filename: 'a', path: 'b/c' }, 'as apt asks')
  t.match(asked(`/folders/a?digest=${HEX}`), { filename: 'a', path: '', isFolder: false, digest: `blake3:${HEX}` })
  for (const path of ['', '/', 'a/..', 'a/%2e%2e/b', './a', 'a/%2e', 'a//b', 'a/b%2fc', 'a/%5c', 'a/%00', 'a/%ff', 'a//', '%2e%2e/a']) t.throws(() => asked(`/folders/${path}`), /is no name in a folder|not UTF-8/, path)

  const digests = Buffer.alloc(0)
  for (const length of [1, 40, 41, 42, 43, 250, 251, 494, 495, 496, 497, 1_500]) {
    const path = 'ü'.repeat(length)
    const header = headerFor({ kind: 'file', path, size: 1, isExecutable: false, digests }, 'f', 0)
    const record = `path=f/${path}\n`
    const text = header.subarray(512, 512 + parseInt(header.toString('latin1', 124, 135), 8)).toString()
    t.equal(text, `${Buffer.byteLength(text)} ${record}`)
    t.equal(header.length % 512, 0)
  }
  const [much, early] = [headerFor({ kind: 'file', path: 'x', size: 2 ** 40, isExecutable: true, digests, mtimeMs: 1_500 }, 'f', 0), rootHeader('f', -1)]
  t.match(much.toString('latin1'), /22 size=1099511627776\n13 mtime=1.5\n/)
  t.match(early.toString('latin1'), /12 mtime=-1\n/)
  t.equal(headerFor({ kind: 'link', path: 'x', target: 'y' }, 'f', 0).length, 512)
  t.strictSame([0, 1, 511, 512, 513].map((size) => paddingAfter(size).length), [0, 511, 1, 0, 511])
})

await t.test('a date that a tracker can not mean is none', async (t) => {
  const now = Math.floor(Date.now() / 1_000)
  const table: Array<[said: number | undefined, known: number | undefined]> = [[now - 60, now - 60], [undefined, undefined], [0, undefined], [now + 3_600, undefined], [Number.MAX_SAFE_INTEGER, undefined]]
  for (const [since, known] of table) {
    const nothing = async (): Promise<never> => { throw new Error('nothing is fetched') }
    const library = new Library({ shares: new ShareIndex(), find: async () => ({ ...title('x'), owners: [], since }), cache: async () => undefined, fetch: nothing, identify: nothing, onSuspect: () => {} })
    t.equal((await library.find('x')).since, known, String(since))
  }
})

await t.test('what goes wrong has a status, and none that a program takes for the file', async (t) => {
  const table: Array<[code: ErrorCode, status: number]> = [
    ['E_NAME', 400], ['E_NO_OWNER', 404], ['E_NOT_SHARED', 404], ['E_CONFLICT', 409], ['E_IN_PROGRESS', 409], ['E_EXISTS', 412],
    ['E_NETWORK', 502], ['E_DIGEST', 502], ['E_PROTOCOL', 502], ['E_TRACKER', 503], ['E_BUSY', 503], ['E_TIMEOUT', 504], ['E_DISK_FULL', 507],
  ]
  for (const [code, status] of table) t.match(toRefusal(new PiecemealError(code, 'why')), { status, code, headers: status === 503 ? { 'Retry-After': '5' } : {} }, code)
  t.match(toRefusal(new Error('a defect: /home/me')), { status: 500, message: 'internal error' }, 'of a defect nothing is told')
})

await t.test('nothing came in time', async (t) => {
  const coming = new Coming('a', { waitMs: 1 })
  const file = coming.open(title('a'))
  t.teardown(async () => await file.close())
  await t.rejects(file.read(Buffer.alloc(1), 1, 0), { code: 'E_TIMEOUT' })
})

/** What a stranger, or a disk, may say of a folder, and how each of it is refused. */
import t, { type Test } from 'tap'
import { entryLine, headLine, type Entry } from '../../lib/manifest/entry.js'
import { ManifestBuilder } from '../../lib/manifest/manifest-builder.js'
import { ManifestReader } from '../../lib/manifest/manifest-reader.js'
import type { ErrorCode } from '../../lib/protocol/errors.js'
import { FOLDER_ENTRIES, MANIFEST_BYTES, MANIFEST_LINE_BYTES } from '../../lib/protocol/limits.js'
import { GiB } from '../../lib/protocol/units.js'
import { bytesOf, digestsFor, file, folder, link, readManifest } from './manifests.js'

const DIGEST = digestsFor(1, 'a').toString('base64')
const MOST = Number.MAX_SAFE_INTEGER

/** The lines as they are, behind a first line that fits them. */
function manifestOf (lines: readonly string[], head = headLine({ files: lines.length, size: lines.length })): Buffer {
  return Buffer.from([head, ...lines, ''].join('\n'))
}

function refusal (t: Test, bytes: Buffer, code: ErrorCode, message: string, what: string): void {
  t.throws(() => readManifest(bytes), { code, message: new RegExp(message) }, what)
}

await t.test('paths', async (t) => {
  const deep = (depth: number): string => Array(depth).fill('a').join('/')
  const long = [...Array(12).fill('x'.repeat(255)), 'x'].join('/')
  t.equal(long.length, 3_073)
  const table = [
    '', '.', '..', '../a', 'a/../../b', 'a/..', 'a/.', './a', '/a', '/etc/passwd', 'a/', 'a//b', '/', '\0', 'a\0b', 'a/\0', 'a\nb', 'a\\b', 'C:\\a', '\u0085', '\ud800', 'a/\udc00/b',
    '.piecemeal', 'a/.piecemeal', '.piecemeal/x', 'a/.piecemeal-1000-0123456789abcdef0123456789abcdef/b', 'x'.repeat(256), `a/${'é'.repeat(128)}`, long, deep(65), deep(5_000), 'x'.repeat(100_000),
  ]
  for (const path of table) {
    const name = path.length > 40 ? `${path.slice(0, 20)}… (${path.length})` : path
    for (const entry of [file(path), folder(path), link(path, 'a')]) {
      refusal(t, manifestOf([entryLine(entry)], headLine(entry.kind === 'file' ? { files: 1, size: 1 } : { files: 0, size: 0 })), 'E_NAME', 'is no path in a folder', JSON.stringify(name))
    }
  }
  for (const path of [deep(64), long.slice(0, 3_071), '.piecemeal2', '__proto__/constructor', '-rf', ' ', '...']) {
    t.doesNotThrow(() => readManifest(manifestOf([entryLine(file(path))])), path.slice(0, 20))
  }
})

await t.test('entries that do not fit one another', async (t) => {
  const table: Array<[what: string, entries: Entry[], names: string]> = [
    ['a path twice', [file('a'), file('a')], '"a" does not come after "a"'],
    ['a path twice, as two kinds', [file('a'), link('a', 'b')], '"a" does not come after "a"'],
    ['not in order', [file('b'), file('a')], '"a" does not come after "b"'],
    ['in the order of characters, but not of this', [file('a-b'), file('a/b')], '"a/b" does not come after "a-b"'],
    ['in the order of UTF-16, but not of bytes', [file('😀'), file('\uff5e')], 'does not come after'],
    ['below a file', [file('a'), file('a/b')], '"a/b" is below "a"'],
    ['far below a file', [file('a'), file('a/b/c/d')], '"a/b/c/d" is below "a"'],
    ['through a link', [link('a', 'x'), file('a/b')], '"a/b" is below "a"'],
    ['an empty folder that is not', [folder('a'), file('a/b')], '"a/b" is below "a"'],
    ['a time here and none there', [file('a', 1, { mtimeMs: 1 }), file('b')], '"b": either all'],
    ['no time here and one there', [file('a'), { kind: 'folder', path: 'b', mtimeMs: 1 }], '"b": either all'],
  ]
  for (const [what, entries, names] of table) {
    const files = entries.filter(({ kind }) => kind === 'file').length
    refusal(t, manifestOf(entries.map(entryLine), headLine({ files, size: files })), 'E_PROTOCOL', names, what)
    const builder = new ManifestBuilder()
    t.throws(() => entries.forEach((entry) => builder.add(entry)), { code: 'E_PROTOCOL' }, `${what}, on a disk`)
  }
  t.doesNotThrow(() => readManifest(manifestOf([file('a'), file('a-'), file('a-/b'), file('a0'), file('ab'), file('\uff5e'), file('😀')].map(entryLine).toSpliced(1, 1), headLine({ files: 6, size: 6 }))), 'beside, not below')
})

await t.test('sizes and digests', async (t) => {
  const line = (size: unknown, digests: unknown, x: unknown = 0): string => JSON.stringify(['f', 'a', size, x, digests])
  const table: Array<[what: string, lines: string[], head: string, message: string]> = [
    ['more bytes than it says', [line(1, DIGEST)], '["piecemeal/folder",1,1,0]', 'first line'],
    ['fewer bytes than it says', [line(1, DIGEST)], '["piecemeal/folder",1,1,2]', 'first line'],
    ['more files than it says', [line(1, DIGEST)], '["piecemeal/folder",1,0,1]', 'first line'],
    ['fewer files than it says', [], '["piecemeal/folder",1,1,0]', 'first line'],
    ['a link counted', [entryLine(link('a', 'b'))], '["piecemeal/folder",1,1,0]', 'first line'],
    ['a size that is no number', [line('1', DIGEST)], '["piecemeal/folder",1,1,1]', 'line 2'],
    ['a size below 0', [line(-1, '')], '["piecemeal/folder",1,1,-1]', 'line 1'],
    ['a size of no whole bytes', [line(1.5, DIGEST)], '["piecemeal/folder",1,1,1]', 'line 2'],
    ['a size that no double holds', ['["f","a",9007199254740993,0,""]'], '["piecemeal/folder",1,1,1]', 'line 2'],
    ['a size beyond them all', [line(1e300, DIGEST)], '["piecemeal/folder",1,1,1]', 'line 2'],
    ['no digest for a byte', [line(1, '')], '["piecemeal/folder",1,1,1]', '"a": the digests'],
    ['a digest for nothing', [line(0, DIGEST)], '["piecemeal/folder",1,1,0]', '"a": the digests'],
    ['two digests for one piece', [line(1, digestsFor(2 ** 21, 'a').toString('base64'))], '["piecemeal/folder",1,1,1]', '"a": the digests'],
    ['half a digest', [line(1, Buffer.alloc(16).toString('base64'))], '["piecemeal/folder",1,1,1]', '"a": the digests'],
    ['a digest and a byte', [line(1, Buffer.alloc(33).toString('base64'))], '["piecemeal/folder",1,1,1]', '"a": the digests'],
    ['one digest for what needs 8192', [line(8 * GiB, DIGEST)], `["piecemeal/folder",1,1,${8 * GiB}]`, '"a": the digests'],
    ['an x that is neither 0 nor 1', [line(1, DIGEST, 2)], '["piecemeal/folder",1,1,1]', 'line 2'],
    ['an x that is true', [line(1, DIGEST, true)], '["piecemeal/folder",1,1,1]', 'line 2'],
  ]
  for (const [what, lines, head, message] of table) refusal(t, manifestOf(lines, head), 'E_PROTOCOL', message, what)
  const most = [file('a', MOST), file('b', MOST)].map(entryLine)
  refusal(t, manifestOf(most, `["piecemeal/folder",1,2,${MOST}]`), 'E_LIMIT', '"b": the folder has more than 9007199254740991 bytes', 'sizes that overflow')
  t.equal(readManifest(manifestOf(most.slice(0, 1), `["piecemeal/folder",1,1,${MOST}]`)).head.size, MOST)
})

await t.test('what is not canonical', async (t) => {
  const canonical = `["f","a",1,0,"${DIGEST}"]`
  t.doesNotThrow(() => readManifest(manifestOf([canonical])))
  const lines = [
    '', ' ', 'null', '{}', '[]', '"f"', '[', `${canonical} `, ` ${canonical}`, `${canonical}\r`, canonical.replace(',', ', '), canonical.replace('"a"', '"\\u0061"'),
    canonical.replace('1,0', '1.0,0'), canonical.replace('1,0', '1e0,0'), canonical.replace('1,0', '1,-0'), canonical.replace(']', ',1.5]'), canonical.replace(']', ',null]'), canonical.replace(']', ',-0]'),
    canonical.replace(']', ',1,2]'), canonical.replace(']', ',9007199254740992]'), canonical.replace('=', ''), canonical.replace('"f"', '"F"'), canonical.replace('"f"', '"x"'), '["f","a",1,0]', '["f"]',
    `["f",["a"],1,0,"${DIGEST}"]`, canonical.replace(DIGEST, ` ${DIGEST}`), canonical.replace(DIGEST, DIGEST.replaceAll('/', '_').replaceAll('+', '-').replace('=', '')),
    '["d","a",1,2]', '["d",1]', '["l","a"]', '["l","a",null]', '["l","a","b",1]', `${'['.repeat(1_000)}${']'.repeat(1_000)}`, `${canonical}${canonical}`, `\ufeff${canonical}`,
  ]
  for (const line of lines) refusal(t, manifestOf([line], '["piecemeal/folder",1,1,1]'), 'E_PROTOCOL', 'line 2 of the manifest is not canonical', JSON.stringify(line.slice(0, 60)))
  const heads = [
    '', '[]', 'null', '["piecemeal/folder"]', '["piecemeal/folder",1]', '["piecemeal/folder",1,1]', '["piecemeal/folder",1,1,1,1]', '["piecemeal/folder", 1,1,1]', '["piecemeal/folder","1",1,1]',
    '["piecemeal/folder",0,1,1]', '["piecemeal/file",1,1,1]', '["piecemeal/folder",1,1,9007199254740992]', '["piecemeal/folder",1,-1,1]', canonical,
  ]
  for (const head of heads) refusal(t, manifestOf([canonical], head), 'E_PROTOCOL', 'line 1 of the manifest is not canonical', JSON.stringify(head))
  refusal(t, manifestOf([canonical], '["piecemeal/folder",2,"and more"]'), 'E_PROTOCOL', 'needs a newer piecemeal', 'a later version')
  refusal(t, manifestOf([canonical]).subarray(0, -1), 'E_PROTOCOL', 'ends within a line', 'no newline at the end')
  refusal(t, Buffer.concat([manifestOf([canonical]), Buffer.from('\n')]), 'E_PROTOCOL', 'line 3 of', 'a newline more')
  refusal(t, Buffer.alloc(0), 'E_PROTOCOL', 'first line', 'nothing')
  refusal(t, Buffer.from('["piecemeal/folder",1,1,1]\n["f","\xff",1,0,""]\n', 'latin1'), 'E_PROTOCOL', 'line 2 of the manifest is not canonical', 'not UTF-8')
})

await t.test('too much', async (t) => {
  refusal(t, manifestOf(['x'.repeat(MANIFEST_LINE_BYTES + 1)]), 'E_LIMIT', `line 2 of the manifest has more than ${MANIFEST_LINE_BYTES} bytes`, 'a line')
  const endless = new ManifestReader()
  t.throws(() => { for (let i = 0; i < 10_000; i++) endless.take(Buffer.alloc(100, 'x')) }, { code: 'E_LIMIT' }, 'a line without an end')

  const reader = new ManifestReader()
  reader.take(manifestOf([], headLine({ files: 1, size: 1 })))
  let bytes = 0
  const digests = digestsFor(8 * GiB)
  t.throws(() => {
    for (let i = 0; ; i++) {
      const line = Buffer.from(`${entryLine({ kind: 'file', path: `${i}`.padStart(4, '0'), size: 8 * GiB, isExecutable: false, digests })}\n`)
      bytes += line.length
      reader.take(line)
    }
  }, { code: 'E_LIMIT', message: `the manifest has more than ${MANIFEST_BYTES} bytes` })
  t.ok(bytes > MANIFEST_BYTES - 400_000 && bytes < MANIFEST_BYTES + 400_000, 'and no sooner')
})

await t.test('more entries than a million', async (t) => {
  const builder = new ManifestBuilder()
  t.throws(() => { for (let i = 0; ; i++) builder.add({ kind: 'folder', path: String.fromCodePoint(0x4e00 + (i >> 10), 0x4e00 + (i & 1_023)) }) }, { code: 'E_LIMIT', message: 'more than 1000000 files, links and empty folders' })
  t.equal(builder.build().entryCount, FOLDER_ENTRIES)
})

await t.test('a folder of more bytes than its manifest may have is not written', async (t) => {
  const builder = new ManifestBuilder()
  const digests = digestsFor(8 * GiB)
  for (let i = 1_000; i < 1_400; i++) builder.add({ kind: 'file', path: `${i}`, size: 8 * GiB, isExecutable: false, digests })
  const manifest = builder.build()
  t.throws(() => bytesOf(manifest), { code: 'E_LIMIT' })
})

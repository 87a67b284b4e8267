import fc from 'fast-check'
import t from 'tap'
import { parseCommand } from '../../lib/cli/commands.js'

const DIGEST = '0123456789abcdef'.repeat(4)

await t.test('commands', async (t) => {
  const upload = (...files: string[]): object => ({ name: 'upload', files })
  const download = (...files: string[]): object => ({ name: 'download', files })
  const table: Array<[line: string, wanted: object | undefined]> = [
    ['torrent -setMode upload a.png', upload('a.png')],
    ['torrent -m upload a.png b.png', upload('a.png', 'b.png')],
    ['  torrent   -m\tupload  a.png  ', upload('a.png')],
    ['torrent -setMode download a.png', download('a.png')],
    ['torrent -m download a b c', download('a', 'b', 'c')],
    [`torrent -m download a --digest ${DIGEST}`, { ...download('a'), digest: DIGEST }],
    [`torrent -m download --digest ${DIGEST} a`, { ...download('a'), digest: DIGEST }],
    ['torrent -m download a --digest 01234567', { ...download('a'), digest: '01234567' }],
    ['torrent -m download a --digest blake3:0123456789ab', { ...download('a'), digest: 'blake3:0123456789ab' }],
    ['torrent -m download a --digest 0123ABCD', { ...download('a'), digest: '0123abcd' }],
    ['torrent -m upload /data/a.iso ./b', upload('/data/a.iso', './b')],
    ['torrent -m upload /data/a.iso --as b', { ...upload('/data/a.iso'), as: 'b' }],
    ['torrent -m upload --as', upload('--as')],
    ['torrent list', { name: 'list', prefix: '' }],
    ['torrent list my', { name: 'list', prefix: 'my' }],
    ['torrent list "my f"', { name: 'list', prefix: 'my f' }],
    ['torrent -m download a --to "/x/new name"', { ...download('a'), to: '/x/new name' }],
    [`torrent -m download --to . a --digest ${DIGEST}`, { ...download('a'), digest: DIGEST, to: '.' }],
    ['torrent -m download a b --to /x', { ...download('a', 'b'), to: '/x/' }],
    ['torrent -m download --to', download('--to')],
    ["torrent -m download D --only 'a/**' --only b --to /x", { ...download('D'), to: '/x', only: ['a/**', 'b'] }],
    ['torrent -m download --only', download('--only')],
    ['torrent -m download D --skip-missing', { ...download('D'), skipMissing: true }],
    ['torrent -m download -- --skip-missing', download('--skip-missing')],
    ['torrent cancel a --to /x', { name: 'cancel', files: ['a'], to: '/x' }],
    ['torrent cancel a "b c"', { name: 'cancel', files: ['a', 'b c'] }],
    ['torrent unshare -- -x', { name: 'unshare', files: ['-x'] }],
    ['torrent verify', { name: 'verify', files: [] }],
    ['torrent verify a b', { name: 'verify', files: ['a', 'b'] }],
    ['torrent status', { name: 'status' }],
    ['torrent limit', { name: 'limits' }],
    ['torrent limit up 50M', { name: 'limit', direction: 'up', bytesPerSecond: 52_428_800 }],
    ['torrent limit down off', { name: 'limit', direction: 'down', bytesPerSecond: undefined }],
    ['torrent exit', { name: 'exit' }],
    ['torrent help', { name: 'help' }],
    ['', undefined],
    ['   \t', undefined],
    ['# torrent -m upload a', undefined],
    ['  #', undefined],
    ['\uFEFF', undefined],
    ['\uFEFF# a comment', undefined],
    ['\uFEFFtorrent -m upload a', upload('a')],
    ['torrent -m upload \uFEFFa', upload('\uFEFFa')],
    ['torrent -m upload -- -x --', upload('-x', '--')],
    ['torrent -m upload a -- b', upload('a', 'b')],
    ['torrent -m upload --digest', upload('--digest')],
    ['torrent -m download --digest', download('--digest')],
    ["torrent -m download '--digest'", download('--digest')],
    ['torrent -m download -- --digest', download('--digest')],
    ['torrent -m download -- --digest 01234567', download('--digest', '01234567')],
    ['torrent -m download --digest 01234567 -- --digest', { ...download('--digest'), digest: '01234567' }],
    ['torrent list -- --digest', { name: 'list', prefix: '--digest' }],
  ]
  for (const [line, wanted] of table) t.strictSame(parseCommand(line), wanted, line)
})

await t.test('files are quoted as in a shell, and otherwise taken byte for byte', async (t) => {
  const table: Array<[words: string, files: string[]]> = [
    ['"my file.png"', ['my file.png']],
    ['\'my file.png\'', ['my file.png']],
    ['my\\ file.png', ['my file.png']],
    ['"a\\"b"', ['a"b']],
    ['"\\$HOME \\`id\\` \\\\ \\a"', ['$HOME `id` \\ \\a']],
    ['"a\\\'b" \'a\\\'', ['a\\\'b', 'a\\']],
    ["'a\\\\'\"b\"", ['a\\\\b']],
    ['$"a" $\'b\'', ['$a', '$b']],
    ['"" \'\'a', ['', 'a']],
    ['\'a"b\'', ['a"b']],
    ['"it\'s"', ['it\'s']],
    ['"it"s', ['its']],
    ['#1.png', ['#1.png']],
    ['a#b.png c', ['a#b.png', 'c']],
    ['"a # b"', ['a # b']],
    ['50%&?.png', ['50%&?.png']],
    ['a;b|c>d', ['a;b|c>d']],
    ['$HOME *.png ~ `x`', ['$HOME', '*.png', '~', '`x`']],
    ['-x --digests', ['-x', '--digests']],
    ['.hidden ..a', ['.hidden', '..a']],
    ['__proto__ constructor', ['__proto__', 'constructor']],
    ['日本語 😀', ['日本語', '😀']],
    ['e\u0301 \u00e9', ['e\u0301', '\u00e9']],
    ['a\u00a0b', ['a\u00a0b']],
    ['""', ['']],
  ]
  for (const [words, files] of table) t.strictSame(parseCommand(`torrent -m upload ${words}`), { name: 'upload', files }, words)
})

/** As in any shell: nothing is special within single quotes. */
function quote (name: string): string {
  return `'${name.replaceAll('\'', '\'\\\'\'')}'`
}

await t.test('property: any name comes through when it is quoted, after --', async (t) => {
  const name = fc.string({ unit: fc.oneof(fc.constantFrom('a', ' ', '"', '\'', '\\', '#', '$', '-', '\t', '&'), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 })), minLength: 1, maxLength: 12 })
    .filter((name) => !name.includes('\n'))
  fc.assert(fc.property(fc.array(name, { minLength: 1, maxLength: 3 }), (files) =>
    JSON.stringify(parseCommand(`torrent -m upload -- ${files.map(quote).join(' ')}`)) === JSON.stringify({ name: 'upload', files })), { numRuns: 500 })
  t.pass('500 commands')
})

await t.test('what is mistyped is told, with what is wrong about it', async (t) => {
  const table: Array<[line: string, message: RegExp]> = [
    ['torrent', /help/],
    ['upload a.png', /"upload"/],
    ['Torrent list', /"Torrent"/],
    ['torrents list', /"torrents"/],
    ['torrent upload a.png', /"upload"/],
    ['torrent -x', /"-x"/],
    ['torrent "" a', /""/],
    ['torrent -setMode', /upload or download/],
    ['torrent -m', /upload or download/],
    ['torrent -m steal a', /"steal"/],
    ['torrent -setmode upload a', /"-setmode"/],
    ['torrent -m upload', /file/],
    ['torrent -m download', /file/],
    [`torrent -m download --digest ${DIGEST}`, /file/],
    ['torrent -m download a --digest', /--digest/],
    ['torrent -m download a --digest x', /--digest/],
    ['torrent -m download a --digest 0123456', /--digest/],
    [`torrent -m download a --digest ${DIGEST}0`, /--digest/],
    [`torrent -m download a b --digest ${DIGEST}`, /--digest/],
    ['torrent list a b', /"b"/],
    ['torrent cancel', /file/],
    ['torrent -m download a --to', /--to wants/],
    ['torrent -m download --to a', /file/],
    ['torrent unshare --', /file/],
    ['torrent status now', /status/],
    ['torrent limit up', /rate/],
    ['torrent limit up 5M 5M', /one rate/],
    ['torrent limit sideways 5M', /"sideways"/],
    ['torrent limit 5M', /"5M"/],
    ['torrent limit down 0', /"0" is no rate/],
    ['torrent exit now', /exit/],
    ['torrent help me', /help/],
    ['torrent -m upload "my file', /quote/],
    ['torrent -m upload it\'s', /quote/],
    ['torrent -m upload x\\', /backslash/],
    ['"" torrent list', /begins with torrent/],
    ['torrent fly', /"fly"/],
    ['torrent -mode upload x', /"-mode"/],
    ['torrent -m upload --', /file/],
    ['torrent -m download a --digest --digest', /--digest/],
    [`torrent -m download --digest ${DIGEST} -- a b`, /one file/],
    ['torrent constructor', /"constructor"/],
    ['torrent __proto__', /"__proto__"/],
    ['GET / HTTP/1.1', /"GET"/],
  ]
  for (const [line, message] of table) t.throws(() => parseCommand(line), { code: 'E_USAGE', message }, line)
})

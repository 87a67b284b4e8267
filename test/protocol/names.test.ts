import fc from 'fast-check'
import t from 'tap'
import { assertFileName, assertNodeName, printable, quote } from '../../lib/protocol/names.js'

const GOOD_FILE_NAMES = [
  'a', 'a.png', 'my file.png', ' a', 'a ', '-rf', '--digest', '.hidden', '...', '..a', 'a"b', 'a\'b', '#%&?', 'a:b*c|d<e>', '$HOME', '`x`',
  '__proto__', 'constructor', 'toString', 'lock', 'x.part', '.piecemeal2', 'piecemeal', '.piecemeal-1000-notes', '.piecemeal-1000-0123456789abcdef', '.piecemeal-1000-0123456789abcdef0123456789abcdef0', '.piecemeal--0123456789abcdef0123456789abcdef', '😀', '日本語.txt', '\u00e9', 'e\u0301',
  'a\u00a0b', 'a\u202eb', 'a\u2028b', 'a'.repeat(255), `${'\u00e9'.repeat(127)}a`, '😀'.repeat(63),
]
const BAD_FILE_NAMES = [
  '', '.', '..', '/', 'a/b', '/etc/passwd', '../a', 'a/..', 'a/', '\\', 'a\\b', 'C:\\a', '\u0000', 'a\u0000b', 'a\nb', 'a\rb', 'a\tb', '\u001b[2J',
  'a\u007fb', 'a\u0085b', 'a\u009fb', 'a'.repeat(256), '\u00e9'.repeat(128), '😀'.repeat(64), '\ud83d', '\ude00', 'a\ud800b', '\ude00\ud83d', '.piecemeal', '.piecemeal-1000-0123456789abcdef0123456789abcdef',
]

/** U+2028 and the like would end a line of the test's own report. */
function label (name: string): string {
  return JSON.stringify(name).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16)}`)
}

await t.test('file names that are allowed, byte for byte', async (t) => {
  for (const name of GOOD_FILE_NAMES) t.doesNotThrow(() => assertFileName(name), label(name))
})

await t.test('file names that are not', async (t) => {
  for (const name of BAD_FILE_NAMES) t.throws(() => assertFileName(name), { code: 'E_NAME' }, label(name))
})

await t.test('a refused name stands JSON-quoted in the message', async (t) => {
  t.throws(() => assertFileName('a\nb'), { message: /"a\\nb"/ })
  t.throws(() => assertFileName('a\u001b/'), { message: /"a\\u001b\/"/ })
})

await t.test('property: any string is a file name exactly when the contract says so', async (t) => {
  const isAllowed = (name: string): boolean => {
    const bytes = Buffer.from(name)
    return bytes.length >= 1 && bytes.length <= 255 && bytes.toString() === name &&
      !['.', '..', '.piecemeal'].includes(name) &&
      [...name].every((character) => character !== '/' && character !== '\\' && !/\p{Cc}/u.test(character))
  }
  const unit = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom('a', 'Z', '.', '-', ' ', '\u00e9', '😀', '"') },
    { weight: 1, arbitrary: fc.constantFrom('/', '\\', '\u0000', '\n', '\u0085', '\ud800') },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)) }
  )
  fc.assert(fc.property(fc.string({ unit, maxLength: 300 }), (name) => {
    let code
    try {
      assertFileName(name)
    } catch (error) {
      code = (error as { code?: string }).code ?? 'none'
    }
    return code === (isAllowed(name) ? undefined : 'E_NAME')
  }), { numRuns: 1_000 })
  t.pass('1000 names')
})

await t.test('node names', async (t) => {
  for (const name of ['NodeA', 'a', '7', '007', 'a.b_c-D', 'constructor', 'a'.repeat(64)]) t.doesNotThrow(() => assertNodeName(name), name)
  const bad = ['', 'a'.repeat(65), '-a', '.a', '_a', '__proto__', 'a b', 'a/b', 'é', 'a\n', '\na', 'a\u0000', '\ud800', 'a:b', '😀']
  for (const name of bad) t.throws(() => assertNodeName(name), { code: 'E_NAME' }, label(name))
})

await t.test('a name is printed as it is only where that is harmless', async (t) => {
  for (const name of ['my file.png', '日本語', '😀', 'a"b', 'e\u0301', '#%&?']) t.equal(printable(name), name)
  const table: Array<[string, string]> = [
    ['a\nb', '"a\\nb"'],
    ['\u001b[2Jx', '"\\u001b[2Jx"'],
    ['a\u202eb', '"a\\u202eb"'],
    ['a\u2028b', '"a\\u2028b"'],
    ['a\u200bb', '"a\\u200bb"'],
    ['\ud800', '"\\ud800"'],
    ['a\u007f', '"a\\u007f"'],
  ]
  for (const [name, printed] of table) t.equal(printable(name), printed)
})

await t.test('property: a quoted name is one line of printable characters that JSON gives back', async (t) => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (name) => {
    const quoted = quote(name)
    return JSON.parse(quoted) === name && /^"[\p{L}\p{M}\p{N}\p{P}\p{S} ]*"$/u.test(quoted)
  }), { numRuns: 300 })
  t.ok(quote('x'.repeat(100_000)).length < 400, 'a name of any length fits a line')
})

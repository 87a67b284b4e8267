import assert from 'node:assert/strict'
import { pipeline } from 'node:stream/promises'
import fc from 'fast-check'
import t from 'tap'
import { LineBound, LineGuard, splitLines, type Line } from '../../lib/protocol/framing.js'

const MAX = 64

/** What comes out of a connection that brings these chunks: values, or the codes of lines that are none. The same as a stream and at once. */
async function read (chunks: Uint8Array[], maxLineBytes = MAX): Promise<{ lines: unknown[], fault: string | undefined }> {
  const guard = new LineGuard(maxLineBytes)
  const lines: unknown[] = []
  await pipeline(chunks, guard, splitLines(), async (source: AsyncIterable<Line>) => {
    for await (const { value, fault } of source) lines.push(fault === undefined ? value : fault.code)
  })
  const bound = new LineBound(maxLineBytes)
  const atOnce = chunks.flatMap((chunk) => bound.fault === undefined ? bound.linesOf(Buffer.from(chunk)) : []).map(({ value, fault }) => fault === undefined ? value : fault.code)
  const isOver = lines.some((line) => typeof line === 'string')
  assert.deepStrictEqual(atOnce, guard.fault === undefined || isOver ? lines : [...lines, guard.fault.code])
  return { lines, fault: guard.fault?.code }
}

function bytes (text: string): Buffer {
  return Buffer.from(text)
}

/** As TCP might: cut at these places, whatever stands there. */
function cut (whole: Buffer, places: readonly number[]): Buffer[] {
  const sorted = [0, ...places.map((place) => place % (whole.length + 1)).sort((a, b) => a - b), whole.length]
  return sorted.slice(1).map((end, i) => whole.subarray(sorted[i], end))
}

await t.test('several lines in one chunk, with and without \\r', async (t) => {
  t.strictSame(await read([bytes('{"n":1}\n{"n":2}\r\n{"n":3}\n')]), { lines: [{ n: 1 }, { n: 2 }, { n: 3 }], fault: undefined })
})

await t.test('a line split at every byte', async (t) => {
  const whole = bytes('{"n":1}\r\n{"name":"é😀"}\n{"n":2}\n')
  const wanted = { lines: [{ n: 1 }, { name: 'é😀' }, { n: 2 }], fault: undefined }
  for (let at = 0; at <= whole.length; at++) t.strictSame(await read(cut(whole, [at])), wanted, `at byte ${at}`)
  t.strictSame(await read(Array.from(whole, (_, i) => whole.subarray(i, i + 1))), wanted, 'byte by byte')
})

await t.test('a line that is no message comes as a fault, and nothing comes after it', async (t) => {
  for (const bad of ['null', '', '[]']) {
    t.strictSame((await read([bytes(`{"n":1}\n${bad}\n{"n":2}\n\n`)])).lines, [{ n: 1 }, 'E_PROTOCOL'])
  }
})

await t.test('a line without its end is dropped, even if it looks whole', async (t) => {
  t.strictSame(await read([bytes('{"n":1}\n{"n":2}')]), { lines: [{ n: 1 }], fault: undefined })
  t.strictSame(await read([bytes('{"n":2}')]), { lines: [], fault: undefined })
  t.strictSame(await read([]), { lines: [], fault: undefined })
})

await t.test('length is counted in bytes, before anything is decoded', async (t) => {
  const fits = `{"a":"${'x'.repeat(MAX - 8)}"}`
  t.equal(fits.length, MAX)
  t.strictSame(await read([bytes(`${fits}\n`)]), { lines: [JSON.parse(fits)], fault: undefined })
  t.strictSame(await read([bytes(fits), bytes('\n')]), { lines: [JSON.parse(fits)], fault: undefined })
  const short = `{"a":"${'é'.repeat(30)}"}`
  t.ok(short.length < MAX && Buffer.byteLength(short) > MAX, 'short in characters, long in bytes')
  t.strictSame(await read([bytes(`{"n":1}\n${short}\n{"n":2}\n`)]), { lines: [{ n: 1 }], fault: 'E_LIMIT' })
})

await t.test('a line that is too long ends the stream, wherever it is noticed', async (t) => {
  const long = 'x'.repeat(MAX + 1)
  for (const chunks of [[long], [`${long}\n`], [`{"n":1}\n${long}`], [`{"n":1}\n${long}\n{"n":2}\n`], [long.slice(0, MAX), 'x\n'], ['x'.repeat(1_000_000), '\n{"n":2}\n']]) {
    const { lines, fault } = await read(chunks.map(bytes))
    t.equal(fault, 'E_LIMIT')
    t.strictSame(lines, chunks[0]?.startsWith('{') ? [{ n: 1 }] : [])
  }
})

await t.test('bad UTF-8 in the middle: what came before it still counts, what comes after does not', async (t) => {
  const bad = Buffer.concat([bytes('{"a":"'), Buffer.from([0xff]), bytes('"}\n')])
  const whole = Buffer.concat([bytes('{"n":1}\n{"n":2}\n'), bad, bytes('{"n":3}\n')])
  t.strictSame(await read([whole]), { lines: [{ n: 1 }, { n: 2 }], fault: 'E_PROTOCOL' })
  for (let at = 0; at <= whole.length; at++) {
    t.strictSame(await read(cut(whole, [at])), { lines: [{ n: 1 }, { n: 2 }], fault: 'E_PROTOCOL' }, `split at byte ${at}`)
  }
})

await t.test('200,000 brackets in one line are a fault, not a stack', async (t) => {
  t.strictSame(await read([bytes(`${'['.repeat(200_000)}\n`)], 1_000_000), { lines: ['E_LIMIT'], fault: undefined })
})

await t.test('a line that has begun is known by when, so that it can be given up', async (t) => {
  const bound = new LineBound(MAX)
  const take = (text: string): unknown => bound.linesOf(bytes(text))
  t.equal(bound.lineBegunMs, undefined)
  take('{"n"')
  const begun = bound.lineBegunMs
  t.type(begun, 'number')
  take(':')
  t.equal(bound.lineBegunMs, begun, 'more of it is no new beginning')
  take('1}\n')
  t.equal(bound.lineBegunMs, undefined)
  take('{}\n{')
  t.type(bound.lineBegunMs, 'number')
})

await t.test('property: however the bytes are cut, the lines are the same', async (t) => {
  const line = fc.oneof(
    fc.record({ name: fc.string({ unit: 'grapheme', maxLength: 5 }) }).map((value) => JSON.stringify(value)),
    fc.constantFrom('', 'null', '[[', '{"n":1}\r', 'x'.repeat(MAX + 1))
  ).map(bytes)
  const lines = fc.array(fc.oneof({ weight: 9, arbitrary: line }, { weight: 1, arbitrary: fc.constant(Buffer.from([0x7b, 0xff])) }), { maxLength: 8 })
  await fc.assert(fc.asyncProperty(lines, fc.array(fc.nat(1_000), { maxLength: 12 }), async (content, places) => {
    const whole = Buffer.concat(content.flatMap((one) => [one, bytes('\n')]))
    const [inOne, inMany] = [await read([whole]), await read(cut(whole, places))]
    return JSON.stringify(inOne) === JSON.stringify(inMany)
  }), { numRuns: 200 })
  t.pass('200 streams')
})

await t.test('who begins TLS is told at once that there is none', async (t) => {
  t.strictSame(await read([Buffer.of(0x16)]), { lines: [], fault: 'E_AUTH' })
  t.strictSame(await read([Buffer.of(0x16, 0x03, 0x01, 0x0a, 0x0a)]), { lines: [], fault: 'E_AUTH' })
  t.strictSame(await read([bytes('{"n":1}\n'), Buffer.of(0x16)]), { lines: [{ n: 1 }], fault: 'E_AUTH' })
})

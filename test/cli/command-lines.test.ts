import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import fc from 'fast-check'
import split2 from 'split2'
import t from 'tap'
import { CommandLines } from '../../lib/cli/command-lines.js'

const LIMIT = 65_536

/** The lines that come through, as `bin/node` splits them, and the codes of what was told. */
async function read (...chunks: Array<string | Buffer>): Promise<{ lines: string[], faults: string[] }> {
  const lines: string[] = []
  const faults: string[] = []
  await pipeline(Readable.from(chunks.map((chunk) => Buffer.from(chunk as string))), new CommandLines(({ code }) => faults.push(code)), split2(), async (source: AsyncIterable<string>) => {
    for await (const line of source) lines.push(line)
  })
  return { lines, faults }
}

await t.test('lines, however they come', async (t) => {
  const wanted = { lines: ['torrent list', 'torrent -m upload é😀', 'torrent exit'], faults: [] }
  const text = 'torrent list\r\ntorrent -m upload é😀\ntorrent exit\n'
  t.strictSame(await read(text), wanted)
  t.strictSame(await read(...Array.from(Buffer.from(text), (byte) => Buffer.of(byte))), wanted)
  t.strictSame(await read(text.trimEnd()), wanted, 'a last line without its newline is a line')
  t.strictSame(await read(), { lines: [], faults: [] })
})

await t.test('a line that is too long is told about once and skipped, and the next one counts', async (t) => {
  const long = 'x'.repeat(2 * LIMIT)
  const wanted = { lines: ['a', 'b'], faults: ['E_USAGE'] }
  t.strictSame(await read(`a\n${long}\nb\n`), wanted)
  t.strictSame(await read('a\n', long, long, long, '\nb\n'), wanted)
  t.strictSame(await read(`a\n${long.slice(0, LIMIT)}`, `${long}\nb`), wanted)
  t.strictSame(await read(`${long}\n${long}\na`), { lines: ['a'], faults: ['E_USAGE', 'E_USAGE'] })
  t.strictSame(await read(`a\n${long}`), { lines: ['a'], faults: ['E_USAGE'] }, 'also the last one')
  t.strictSame(await read('é'.repeat(LIMIT / 2 + 1), '\na'), { lines: ['a'], faults: ['E_USAGE'] }, 'counted in bytes')
  t.strictSame(await read(`${long.slice(0, LIMIT - 1)}\n`), { lines: [long.slice(0, LIMIT - 1)], faults: [] })
})

await t.test('a line of 10 MiB is told about while it comes, and not kept', async (t) => {
  let told = 0
  const lines = new CommandLines(() => { told++ })
  lines.resume()
  const chunk = Buffer.alloc(1_048_576, 'x')
  for (let i = 0; i < 10; i++) {
    await new Promise<void>((resolve) => { lines.write(chunk, () => resolve()) })
    t.equal(told, 1)
  }
  t.equal(lines.readableLength, 0)
  lines.destroy()
})

await t.test('what is not UTF-8 is told about, not repaired into another name', async (t) => {
  const { lines, faults } = await read(Buffer.from([0x00, 0xff, 0xfe, 0x0a, 0x80]), Buffer.from('\na\n'))
  t.strictSame(lines, ['a'])
  t.strictSame(faults, ['E_USAGE', 'E_USAGE'])
})

await t.test('property: however the bytes are cut, the lines are the same', async (t) => {
  const line = fc.oneof({ weight: 5, arbitrary: fc.string({ maxLength: 10 }).map((text) => text.replaceAll(/[\r\n]/g, '')) }, { weight: 1, arbitrary: fc.constant('x'.repeat(LIMIT + 5)) })
  await fc.assert(fc.asyncProperty(fc.array(line, { maxLength: 6 }), fc.array(fc.nat(200_000), { maxLength: 6 }), async (content, places) => {
    const whole = Buffer.from(content.map((one) => `${one}\n`).join(''))
    const cuts = [0, ...places.map((place) => place % (whole.length + 1)).sort((a, b) => a - b), whole.length]
    const cut = await read(...cuts.slice(1).map((end, i) => whole.subarray(cuts[i], end)))
    const short = content.filter((one) => one.length < LIMIT)
    return JSON.stringify(cut) === JSON.stringify({ lines: short, faults: Array(content.length - short.length).fill('E_USAGE') })
  }), { numRuns: 60 })
  t.pass('60 inputs')
})

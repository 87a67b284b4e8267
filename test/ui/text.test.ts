import t from 'tap'
import { parseCommand } from '../../lib/cli/commands.js'
import type { Reports } from '../../lib/ui/reporter.js'
import { textReporter } from '../../lib/ui/text.js'
import { DIGEST, REPORTS, written } from './reports.js'

const OTHER_DIGEST = `blake3:${'f'.repeat(64)}`

function told<Name extends keyof Reports> (name: Name, data: Partial<Reports[Name]> = {}): { out: string[], err: string[] } {
  return written(textReporter, (reporter) => reporter.report(name, { ...REPORTS[name], ...data }))
}

await t.test('lines that scripts rely on, word for word', async (t) => {
  t.strictSame(told('listening'), { out: ['NodeC listening: input 127.0.0.1:8082, output 127.0.0.1:9092'], err: [] })
  const address = { host: '::1', port: 1 }
  t.strictSame(told('listening', { input: address, output: address }).out, ['NodeC listening: input [::1]:1, output [::1]:1'])
  t.match(told('sharing'), { out: [/^sharing a\.png/], err: [] })
  t.match(told('failed'), { out: [], err: [/^failed a\.png: E_NO_OWNER /] })
  t.match(told('saved'), { out: [/^saved a\.png/], err: [] })
})

await t.test('a saved file: size, owners, time and rate', async (t) => {
  const { out: [line] } = told('saved')
  t.match(line, /3\.00 KiB/)
  t.match(line, /2 owners: NodeA 2\.00 KiB, NodeB 1\.00 KiB/)
  t.match(line, /1\.50 s/)
  t.match(line, /2\.00 KiB\/s/)
  t.match(told('saved', { resumed: 2_048 }).out, [/2\.00 KiB kept/], 'and what was there before')
  t.match(told('saved', { here: 2_048 }).out, [/2\.00 KiB were here/], 'and in other shares')
  t.match(told('saved', { resumed: 2_048, seconds: 1 }).out, [/1\.00 KiB\/s/], 'which is no part of the rate')
  t.match(told('saved', { files: 3, without: 2 }).out, [/^saved a\.png without 2 files \(3 files, /], 'a folder that lacks some')
  t.match(told('saved', { zeros: 2_048, seconds: 1 }).out, [/, 2\.00 KiB of zeros\) in 1 s, 1\.00 KiB\/s/], 'nor is what nobody sent')
  t.match(told('saved', { bytes: 0, owners: [], seconds: 0 }).out, [/^saved a\.png \(0 B from 0 owners\)/], 'an empty file')
})

await t.test('what a download waits for', async (t) => {
  const line = (waiting: Partial<Reports['waiting']>): string => told('waiting', waiting).out.join('|')
  t.equal(line({}), 'waiting for NodeA: a.png, no byte for 12 s')
  t.equal(line({ owners: ['a', 'b', 'c'], seconds: 0.4 }), 'waiting for a, b, c: a.png, no byte for 0 s')
  t.equal(line({ owners: ['a', 'b', 'c', 'd', 'e'] }), 'waiting for a, b, c and 2 more: a.png, no byte for 12 s')
  t.equal(line({ owners: [] }), 'waiting for an owner: a.png, no byte for 12 s')
  for (const [what, text] of [['disk', 'the disk'], ['tracker', 'the tracker'], ['slot', 'a free slot']] as const) {
    t.equal(line({ for: what, owners: [] }), `waiting for ${text}: a.png, no byte for 12 s`)
  }
})

await t.test('what was cancelled, is shared no more, or was looked at again', async (t) => {
  t.strictSame(told('cancelled').out, ['cancelled a.png; nothing is kept of it'])
  t.strictSame(told('unshared').out, ['no longer sharing a.png'])
  t.strictSame(told('changed').out, ['changed b/c: it is no longer shared in a; the other files are'])
  t.strictSame(told('sharing', { files: 3 }).out, ['sharing a.png (3 files, 1.50 KiB, blake3:0123456789ab)'])
  t.strictSame(told('verified').out, ['verified a.png (1.50 KiB): as it was announced, in 0.50 s'])
})

await t.test('what goes wrong goes to stderr, all else to stdout', async (t) => {
  for (const name of Object.keys(REPORTS) as Array<keyof Reports>) {
    const { out, err } = told(name)
    const isWrong = ['failed', 'lost', 'unreachable', 'withdrawn', 'warning'].includes(name)
    t.equal(isWrong ? out.length : err.length, 0, name)
    if (name !== 'progress') t.ok((isWrong ? err : out).length > 0, name)
  }
  t.strictSame(told('progress'), { out: [], err: [] }, 'progress is for bars')
})

await t.test('a failure that is about no file', async (t) => {
  t.strictSame(told('failed', { file: undefined, code: 'E_USAGE', message: 'torrent what?' }).err, ['failed: E_USAGE torrent what?'])
})

await t.test('a conflict: the versions, and the command that picks each', async (t) => {
  for (const file of ['a.png', 'my file.png', 'it\'s "x" & $y', '#1', '-x', '--', '--digest', '日本語']) {
    const versions = [{ digest: DIGEST, size: 5, owners: 2 }, { digest: OTHER_DIGEST, size: 6, owners: 1 }]
    const { err: [first, ...lines] } = told('failed', { file, code: 'E_CONFLICT', message: 'two', versions })
    t.match(first, /E_CONFLICT/)
    t.equal(lines.length, 2)
    for (const [i, line] of lines.entries()) {
      const [command = '', about = ''] = line.trim().split(/ {2,}(?=\()/)
      t.match(about, i === 0 ? '(5 B, 2 owners)' : '(6 B, 1 owner)')
      const digest = versions[i]?.digest.slice(0, 'blake3:'.length + 12)
      t.strictSame(parseCommand(command), { name: 'download', files: [file], digest }, command)
    }
  }
})

await t.test('the list', async (t) => {
  t.strictSame(told('list').out, ['a.png  1.50 KiB  2 owners  blake3:0123456789ab', '1 file'])
  t.strictSame(told('list', { files: [] }).out, ['0 files'])
  const folder = { filename: 'a', size: 50, digest: DIGEST, owners: 1, kind: 'folder', files: 3, filesSize: 1_536 }
  t.strictSame(told('list', { files: [folder, { ...folder, kind: 'volume' }] }).out, ['a/  1.50 KiB  1 owner  blake3:0123456789ab', 'a  50 B  1 owner  blake3:0123456789ab', '2 files'])
  t.match(told('list', { truncated: true }).out.at(-1), /torrent list PREFIX/)
})

await t.test('the status', async (t) => {
  const { out } = told('status')
  t.match(out[0], /tracker connected; sharing 1, fetching 1, serving 1/)
  t.match(out.slice(1), [/shares a\.png/, /fetches b\.png: 1\.00 KiB of 2\.00 KiB, 512 B\/s, waiting for NodeA$/, /serves a\.png to 127\.0\.0\.1: 512 B of 1\.50 KiB, 256 B\/s/, /limits: up 50\.0 MiB\/s, down off/])
  t.match(told('status', { tracker: { connected: false } }).out[0], /tracker away/)
})

await t.test('the limits', async (t) => {
  t.strictSame(told('limits').out, ['limits: up off, down 1.00 KiB/s'])
})

await t.test('names that hold anything but printable characters are JSON-quoted, wherever they stand', async (t) => {
  for (const [file, shown] of [['a\nsaved b', '"a\\nsaved b"'], ['\u001b[2Jx', '"\\u001b[2Jx"'], ['x\u202egnp.exe', '"x\\u202egnp.exe"'], ['a\u200bb', '"a\\u200bb"'], ['a\rb', '"a\\rb"']] as const) {
    const reports = [
      told('sharing', { file }), told('saved', { file }), told('failed', { file }), told('withdrawn', { file }), told('unshared', { file }), told('verified', { file }), told('cancelled', { file }), told('waiting', { file }),
      told('list', { files: [{ filename: file, size: 1, digest: DIGEST, owners: 1 }] }),
      told('status', { sharing: [{ file, bytes: 1, digest: DIGEST }] }),
      told('status', { fetching: [{ file, bytes: 1, size: 1, rate: 1 }] }), told('waiting', { owners: [file] }),
      told('status', { serving: [{ file, peer: '127.0.0.1', bytes: 1, size: 1, rate: 1 }] }),
    ]
    for (const { out, err } of reports) {
      const text = [...out, ...err].join('|')
      t.ok(text.includes(shown), text)
      t.ok(isPrintable(text))
    }
  }
  for (const file of ['my file.png', '日本語', 'a"b', '😀']) t.ok(told('sharing', { file }).out[0]?.startsWith(`sharing ${file} (`), file)
})

await t.test('words of others neither end a line nor command a terminal', async (t) => {
  // A tracker or an owner may say anything in the message of an error.
  const message = 'no\nsaved a.png (1 B)\r\u001b[2J\u202e'
  for (const { err } of [told('failed', { message }), told('lost', { message }), told('withdrawn', { message })]) {
    t.equal(err.length, 1)
    t.ok(isPrintable(err[0] ?? ''), JSON.stringify(err[0]))
  }
})

await t.test('help is printed as it is', async (t) => {
  t.strictSame(told('help').out, ['commands:', '  torrent exit'])
})

function isPrintable (text: string): boolean {
  return /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u.test(text)
}

await t.test('a tracker that does not let us in is not just away', async (t) => {
  t.strictSame(told('lost', { code: 'E_AUTH', message: 'it wants a secret' }).err, ['tracker 127.0.0.1:12340 does not let us in, trying again: E_AUTH it wants a secret'])
})

/** A folder of a node over its gateway, as curl and tar see it, and whoever wants out of it. */
import { once } from 'node:events'
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { request, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { MiB } from '../../lib/protocol/units.js'
import { pseudoRandomBytes } from '../helpers/files.js'
import { Gateways, run } from './clients.js'

const BIG = pseudoRandomBytes(2 * MiB + 7, 'folder')
const LONG = 'ü'.repeat(110)

await t.test('an index, a file of it, and all of it as tar', { timeout: 60_000 }, async (t) => {
  const dir = t.testdir({ secret: 'beside the folder', out: {}, tree: { 'a<b>.html': '<script>', sub: { deep: { x: 'x' }, [LONG]: 'long' }, none: {}, empty: '' } })
  const [tree, out] = [join(dir, 'tree'), join(dir, 'out')]
  writeFileSync(join(tree, 'big.mp4'), BIG)
  chmodSync(join(tree, 'sub/deep/x'), 0o755)
  symlinkSync('deep/x', join(tree, 'sub/link'))
  const gateways = await Gateways.start(t, dir)
  const { node, url } = await gateways.node('Owner')
  const { url: otherUrl } = await gateways.node('Other')
  const { url: smallUrl } = await gateways.node('Small', { cacheBytes: MiB })
  const { digest } = await node.upload(tree)
  const curl = async (path: string, ...more: string[]): Promise<string> => (await run(out, 'curl', '-s', '--path-as-is', '-w', '%{http_code}', ...more, `${url}/folders/${path}`)).stdout

  const page = await curl('tree/', '-D', '-')
  t.match(page, /content-type: text\/html[^]*<a href="\/folders\/tree\/a%3Cb%3E.html">a&lt;b&gt;.html<\/a>[^]*<a href="\/folders\/tree\/sub\/">sub\/<\/a>[^]*200$/i)
  t.equal(page.match(/<tr>/g)?.length, 5)
  const index = async (path: string): Promise<Record<string, unknown>> => JSON.parse((await run(out, 'curl', '-s', '-H', 'Accept: application/json', `${url}/folders/${path}`)).stdout) as Record<string, unknown>
  t.match(await index('tree'), { folder: { name: 'tree', digest, files: 5 }, path: '', entries: [{ name: 'a<b>.html', kind: 'file', size: 8, here: true }, { name: 'big.mp4' }, { name: 'empty' }, { name: 'none', kind: 'folder' }, { name: 'sub', kind: 'folder' }] })
  t.match(await index('tree/sub/'), { path: 'sub', entries: [{ name: 'deep', kind: 'folder' }, { name: 'link', kind: 'link', target: 'deep/x', href: undefined }, { name: LONG }] })
  t.strictSame((await index('tree/none/')).entries, [])

  const file = await run(out, 'curl', '-sI', `${url}/folders/tree/big.mp4`)
  t.match(file.stdout, /last-modified: /i, 'as it is said elsewhere, though nobody else has it')
  t.match((await run(out, 'curl', '-sI', '-r', '0-1', `${url}/folders/tree/big.mp4`)).stdout, /200 OK/, 'a range is of GET alone')
  t.match(file.stdout, new RegExp(`200 OK[^]*content-type: video/mp4[^]*content-length: ${BIG.length}`, 'i'))
  const [etag = ''] = /"blake3:[^"]*"/.exec(file.stdout) ?? []
  t.equal(await curl('tree/big.mp4', '-o', 'big'), '200')
  t.ok(readFileSync(join(out, 'big')).equals(BIG))
  t.equal(await curl('tree/big.mp4', '-o', 'part', '-r', '1048570-1048589'), '206')
  t.ok(readFileSync(join(out, 'part')).equals(BIG.subarray(1_048_570, 1_048_590)))
  t.equal(await curl('tree/big.mp4', '-H', `If-None-Match: ${etag}`), '304')
  t.equal(await curl('tree/empty'), '200')
  t.equal(await curl(`tree/sub/${encodeURIComponent(LONG)}`), 'long200')
  t.match(await curl('tree/a%3Cb%3E.html', '-D', '-'), /application\/octet-stream[^]*attachment/)
  t.match(await curl(`tree/sub/deep/x?digest=${digest}`, '-D', '-'), /immutable[^]*x200$/)

  t.equal(await curl('tree/?format=tar', '-o', 'tree.tar'), '200')
  t.match(await run(out, 'tar', '-xf', 'tree.tar'), { status: 0, stderr: '' })
  t.ok(readFileSync(join(out, 'tree/big.mp4')).equals(BIG))
  t.equal(readFileSync(join(out, 'tree/sub', LONG), 'utf8'), 'long')
  t.equal(readlinkSync(join(out, 'tree/sub/link')), 'deep/x')
  t.ok(statSync(join(out, 'tree/none')).isDirectory())
  t.equal(statSync(join(out, 'tree/sub/deep/x')).mode & 0o111, 0o111)
  t.equal(lstatSync(join(out, 'tree/empty')).size, 0)
  await curl('tree/sub/deep/?format=tar', '-o', 'deep.tar')
  t.equal((await run(out, 'tar', '-tf', 'deep.tar')).stdout, 'tree/\ntree/sub/deep/x\n')

  t.match(await run(out, 'curl', '-s', '-w', '%{http_code}', `${url}/files/tree`), { stdout: /^E_NO_OWNER .*\/folders\/tree\/\n404$/ })
  await t.test('through a node that has nothing of it', async (t) => {
    const other = async (path: string, ...more: string[]): Promise<string> => (await run(out, 'curl', '-s', '-w', '%{http_code}', ...more, `${otherUrl}/folders/${path}`)).stdout
    const { entries, folder } = JSON.parse((await run(out, 'curl', '-s', '-H', 'Accept: application/json', `${otherUrl}/folders/tree/`)).stdout) as Record<string, unknown>
    t.match({ folder, entries }, { folder: { name: 'tree', digest, files: 5 }, entries: [{ name: 'a<b>.html', here: false }, { name: 'big.mp4', here: false }, {}, {}, {}] })
    t.equal(await other('tree/big.mp4', '-o', 'part', '-r', '1048570-1048589'), '206')
    t.ok(readFileSync(join(out, 'part')).equals(BIG.subarray(1_048_570, 1_048_590)))
    t.equal(await other('tree/big.mp4', '-o', 'big'), '200')
    t.ok(readFileSync(join(out, 'big')).equals(BIG))
    t.match(await other('tree/big.mp4', '-I'), new RegExp(`etag: ${etag}`, 'i'), 'the same as where it is')
    t.equal(await other('tree/sub/deep/x'), 'x200')
    t.match([await other('tree/nothing'), await other('tree/sub/link')], [/^E_NO_OWNER .*\n404$/, /^E_NO_OWNER .*\n404$/])
    t.equal(await other('tree/?format=tar', '-o', 'other.tar'), '200')
    mkdirSync(join(out, 'other'))
    t.match(await run(out, 'tar', '-xf', 'other.tar', '-C', 'other'), { status: 0, stderr: '' })
    t.match(await run(out, 'diff', '-r', '--no-dereference', 'tree', 'other/tree'), { status: 0, stdout: '' })
    t.match(await run(out, 'curl', '-s', '-w', '%{http_code}', `${otherUrl}/files/tree`), { stdout: /^E_NO_OWNER .*\n404$/ })
    for (const method of ['GET', 'HEAD']) t.equal((await fetch(`${smallUrl}/folders/tree/?format=tar`, { method })).status, 507, 'what can not be whole is not begun')
    t.match(await run(out, 'sh', '-c', 'curl -sf "$0" | tar -t', `${smallUrl}/folders/tree/sub/?format=tar`), { status: 0, stdout: /deep\/x/ }, 'and what can be is')
    const { node: part, url: partUrl } = await gateways.node('Part')
    await part.download('tree', { only: ['sub'] })
    t.equal((await run(out, 'curl', '-s', '-w', '%{http_code}', `${partUrl}/folders/tree/a%3Cb%3E.html`)).stdout, '<script>200', 'what a node lacks that has a part')
    await part.close()
    t.strictSame(readdirSync(join(dir, 'Other')).filter((name) => !name.startsWith('.')), [], 'nothing of it is a share there')
    t.notOk(existsSync(join(dir, 'Other/.piecemeal/cache', `${digest.slice(7)}.file`)), 'a manifest is no file that is kept')
  })

  await t.test('nothing but what is in the manifest', async (t) => {
    const outs = ['..', '../secret', '../../secret', '%2e%2e/secret', '.%2e/secret', '%2E%2E%2Fsecret', '..%2fsecret', '..%5csecret', '%252e%252e/secret', '..%c0%afsecret', '%c0%ae%c0%ae/secret', 'sub/../../secret', 'sub/..', '%2e', '%2e/big.mp4', './../secret',
      'sub/%2e/deep/x', 'sub//deep/x', '/big.mp4', '/etc/passwd', '%2fetc%2fpasswd', 'sub%2fdeep%2fx', 'sub/deep/x%00', 'big.mp4%00.html', '%ff', 'sub/link', 'sub/link/', 'big.mp4/', 'big.mp4/..', 'big.mp4/x', '.piecemeal', 'nothing', 'su', '..;/secret', '%u002e%u002e/secret', 'sub/%E3%80%82%E3%80%82/secret']
    for (const path of outs) {
      const { status, body } = await getAsIs(`${url}/folders/tree/${path}`)
      t.match(status, /^40[034]$/, path)
      t.notMatch(body, /beside the folder|root:|^x$/, path)
    }
    for (const path of ['', '..', '../tree/big.mp4', '%2e%2e', '.%2f', '..%2ftree/', 'none/', '/tree/', '%2ftree%2f']) t.match((await getAsIs(`${url}/folders/${path}`)).status, /^40[034]$/, path)
  })

  await t.test('what was swapped for something else is not sent', async (t) => {
    rmSync(join(tree, 'sub', LONG))
    t.match(await run(out, 'curl', '-s', '-o', 'broken.tar', '-w', '%{http_code}', `${url}/folders/tree/?format=tar`), { status: 18, stdout: '200' }, 'an archive that can not be whole breaks')
    t.match(gateways.errors.splice(0), [{ code: 'E_CHANGED', message: /an answer with "tree" broke/ }])
    t.match(await curl('tree/sub/?format=tar'), /^E_NOT_SHARED .*\n404$/, 'and is not begun again')
    mkdirSync(join(dir, 'outside'))
    writeFileSync(join(dir, 'outside/x'), 'y')
    renameSync(join(tree, 'sub/deep'), join(dir, 'was'))
    symlinkSync('../../outside', join(tree, 'sub/deep'))
    const changed = once(node, 'changed', { signal: AbortSignal.timeout(20_000) })
    t.match(await curl('tree/sub/deep/x'), /^E_BUSY .*\n503$/)
    t.match(await changed, [{ file: 'tree', path: 'sub/deep/x' }])
    t.match(await curl('tree/sub/deep/x'), /^E_NOT_SHARED .*\n404$/)
    t.match(await curl('tree/?format=tar'), /^E_NOT_SHARED .*\n404$/, 'nor an archive that lacks it')
    writeFileSync(join(tree, 'big.mp4'), '')
    t.match(await curl('tree/big.mp4'), /^E_BUSY .*\n503$/)
    symlinkSync('../../secret', join(tree, 'sub/again'))
    t.match(await curl('tree/sub/again'), /^E_NO_OWNER .*\n404$/, 'what came later is not in it')
    t.match(await curl('tree/a%3Cb%3E.html'), /^<script>200$/, 'all else is as it was')
  })
  t.strictSame(gateways.errors, [])
})

/** As it is written: no client in between makes a path shorter. */
async function getAsIs (url: string): Promise<{ status: string, body: string }> {
  const { hostname, port } = new URL(url)
  const asking = request({ hostname, port, path: url.slice(url.indexOf('/folders')), agent: false }).end()
  const [answer] = await once(asking, 'response') as [IncomingMessage]
  let body = ''
  for await (const chunk of answer.setEncoding('utf8')) body += chunk
  return { status: String(answer.statusCode), body }
}

/** A node's gateway, and the programs that people fetch with. */
import { once } from 'node:events'
import { mkdirSync, readFileSync, statSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { MiB } from '../../lib/protocol/units.js'
import { pseudoRandomBytes } from '../helpers/files.js'
import { Gateways, run } from '../gateway/clients.js'

const BIG = pseudoRandomBytes(24 * MiB + 7, 'gateway')
const PYTHON = `
import http.client, sys
from urllib.parse import urlsplit
u = urlsplit(sys.argv[1])
c = http.client.HTTPConnection(u.hostname, u.port)
for start, end in ((0, 9), (20000000, 20000099)):
    c.request('GET', u.path, headers={'Range': 'bytes=%d-%d' % (start, end)})
    r = c.getresponse()
    print(r.status, r.getheader('Content-Range'), r.read().hex())
`

await t.test('curl, wget, aria2 and python, with a file that is elsewhere and one that is here', { timeout: 120_000 }, async (t) => {
  const dir = t.testdir({})
  const out = join(dir, 'out')
  mkdirSync(out)
  const gateways = await Gateways.start(t, dir)
  const { node: owner, url: ownerUrl } = await gateways.node('Owner')
  const { url } = await gateways.node('Gate')
  writeFileSync(join(owner.folder, 'big'), BIG)
  writeFileSync(join(owner.folder, 'ü <b>.html'), '<script>alert(1)</script>')
  await owner.upload('big')
  await owner.upload('ü <b>.html')
  const isBig = (name: string): boolean => readFileSync(join(out, name)).equals(BIG)
  const big = `${url}/files/big`

  t.match(await run(out, 'curl', '-sI', big), { status: 0, stdout: new RegExp(`200 OK[^]*content-length: ${BIG.length}`, 'i') }, 'asking fetches nothing')
  t.match(await run(out, 'curl', '-sf', '-r', '20000000-20000009', '-o', 'far', '-w', '%{http_code}', big), { status: 0, stdout: '206' })
  t.ok(readFileSync(join(out, 'far')).equals(BIG.subarray(20_000_000, 20_000_010)))
  writeFileSync(join(out, 'part'), BIG.subarray(0, 5_000_000))
  t.match(await run(out, 'curl', '-sf', '-C', '-', '-o', 'part', '-w', '%{http_code}', big), { status: 0, stdout: '206' })
  t.ok(isBig('part'), 'what was begun goes on')
  t.match(await run(out, 'curl', '-s', '-C', '-', '-o', 'part', '-w', '%{http_code}', big), { stdout: '416' })
  t.ok(isBig('part'), 'what is whole stays as it is')
  t.match(await run(out, 'wget', '-q', '-N', big), { status: 0 })
  t.ok(isBig('big'))
  t.match(await run(out, 'wget', '-N', big), { status: 0, stderr: /304 Not Modified/ }, 'the second time nothing moves')
  t.match(await run(out, 'aria2c', '-q', '--allow-overwrite', '-x4', `${url}/files/big.meta4`), { status: 0 })
  t.ok(isBig('big'), 'aria2 has checked it by SHA-256')
  const meta4 = (await run(out, 'curl', '-s', `${ownerUrl}/files/big.meta4`)).stdout
  t.equal(meta4.match(/<hash>/g)?.length, 25)
  t.match(meta4, new RegExp(`<url priority="1">${ownerUrl}/files/big\\?digest=`))
  t.match(await run(out, 'python3', '-c', PYTHON, big), { status: 0, stdout: `206 bytes 0-9/${BIG.length} ${BIG.subarray(0, 10).toString('hex')}\n206 bytes 20000000-20000099/${BIG.length} ${BIG.subarray(20_000_000, 20_000_100).toString('hex')}\n` })
  t.match(await run(out, 'curl', '-sf', '--compressed', '-D', '-', `${url}/files/${encodeURIComponent('ü <b>.html')}`), {
    status: 0, stdout: /content-type: application\/octet-stream\r\ncontent-disposition: attachment; filename="_ <b>\.html"; filename\*=UTF-8''%C3%BC%20%3Cb%3E\.html\r\n[^]*<script>/i,
  })
  const digest = /"blake3:([0-9a-f]{64})"/.exec((await run(out, 'curl', '-sI', big)).stdout)?.[1] ?? ''
  t.match(await run(out, 'curl', '-s', '-o', 'none', '-w', '%{http_code}', '-H', `If-None-Match: "blake3:${digest}"`, big), { stdout: '304' })
  t.match(await run(out, 'curl', '-s', '-o', 'whole', '-w', '%{http_code}', '-r', '0-9', '-H', `If-Range: W/"blake3:${digest}"`, big), { stdout: '200' })
  t.match(await run(out, 'curl', '-s', '-r', '0-2,5-6', big), { stdout: /bytes 0-2\/[^]*bytes 5-6\// })
  t.match(await run(out, 'curl', '-sI', `${big}?digest=${digest}`), { stdout: /immutable/ })
  t.match(await run(out, 'curl', '-sI', '-H', 'Want-Repr-Digest: sha-256=10', `${ownerUrl}/files/big`), { stdout: /repr-digest: sha-256=:[\w+/]{43}=:/i })
  t.match(await run(out, 'curl', '-s', '-w', '%{http_code}', `${url}/files/nobody%20has%20it`), { stdout: /^E_NO_OWNER .*\n404$/ })
  for (const path of ['../../etc/passwd', '%2e%2e%2fetc%2fpasswd', '..%5c..%5cetc', 'a%00b', '%2e%2e', '']) {
    t.match(await run(out, 'curl', '-s', '--path-as-is', '-o', 'x', '-w', '%{http_code}', `${url}/files/${path}`), { stdout: /^40[04]$/ }, path)
  }
  await owner.close()
  t.match(await run(out, 'curl', '-sf', '-o', 'cached', `${big}?digest=${digest}`), { status: 0 }, 'from the cache, when nobody has it any more')
  t.ok(isBig('cached'))
  t.strictSame(gateways.errors, [])
})

await t.test('several versions, the last owner that goes, and what does not fit', { timeout: 120_000 }, async (t) => {
  const dir = t.testdir({})
  const gateways = await Gateways.start(t, dir)
  const { node: one } = await gateways.node('One', { up: 4 * MiB })
  const { node: other } = await gateways.node('Other')
  const { url } = await gateways.node('Gate', { deadlines: { ownerWaitMs: 500 } })
  const { url: smallUrl } = await gateways.node('Small', { cacheBytes: MiB })
  for (const node of [one, other]) {
    writeFileSync(join(node.folder, 'x'), node.name)
    await node.upload('x')
  }
  writeFileSync(join(one.folder, 'big'), BIG)
  await one.upload('big')

  const conflict = await run(dir, 'curl', '-sf', '-o', 'saved', `${url}/files/x`)
  t.equal(conflict.status, 22, 'no program takes it for the file')
  const { versions } = JSON.parse((await run(dir, 'curl', '-s', '-H', 'Accept: application/json', `${url}/files/x`)).stdout) as { versions: Array<{ digest: string, href: string }> }
  const bodies = await Promise.all(versions.map(async ({ href }) => (await run(dir, 'curl', '-sf', url + href)).stdout))
  t.strictSame(bodies.sort(), ['One', 'Other'])
  t.match(await run(dir, 'curl', '-s', '-H', 'Accept: text/html', `${url}/files/x`), { stdout: /<h1>Several[^]*<a href="\/files\/x\?digest=blake3:/ })
  t.match(await run(dir, 'curl', '-s', '-o', 'x', '-w', '%{http_code}', `${smallUrl}/files/big`), { stdout: '507' }, 'before the first byte')

  const watcher = watch(dir)
  t.teardown(() => watcher.close())
  const broken = run(dir, 'curl', '-s', '-o', 'broken', '-w', '%{http_code}', `${url}/files/big`)
  const brokenRanges = run(dir, 'curl', '-s', '-o', 'ranges', '-r', '0-99,1048576-25000000', `${url}/files/big`)
  while ((statSync(join(dir, 'broken'), { throwIfNoEntry: false })?.size ?? 0) < 2 * MiB) await once(watcher, 'change')
  await one.close()
  t.match(await broken, { status: 18, stdout: '200' }, 'fewer bytes than were said')
  t.match(await brokenRanges, { status: 18 })
  t.match(gateways.errors, [{ message: /an answer with "big" broke/ }, { message: /an answer with "big" broke/ }])
  t.match(await run(dir, 'curl', '-s', '-w', '%{http_code}', `${url}/files/big`), { stdout: /^E_NO_OWNER .*\n404$/ })
})

await t.test('a Metalink of three owners, one of whom goes while aria2 fetches', { timeout: 120_000 }, async (t) => {
  const dir = t.testdir({ out: {} })
  const out = join(dir, 'out')
  const gateways = await Gateways.start(t, dir)
  const owners = []
  for (const name of ['One', 'Two', 'Three']) {
    const owner = await gateways.node(name, { up: 8 * MiB })
    writeFileSync(join(owner.node.folder, 'big'), BIG)
    await owner.node.upload('big')
    owners.push(owner)
  }
  const [{ url = '' } = {}, , last] = owners
  const meta4 = (await run(out, 'curl', '-s', `${url}/files/big.meta4`)).stdout
  for (const { url } of owners) t.ok(meta4.includes(`>${url}/files/big?digest=`), url)

  const watcher = watch(out)
  t.teardown(() => watcher.close())
  const fetched = run(out, 'aria2c', '-q', '--file-allocation=none', '-s3', '-x1', '-k1M', '-m2', '--retry-wait=0', `${url}/files/big.meta4`)
  while ((statSync(join(out, 'big'), { throwIfNoEntry: false })?.size ?? 0) < MiB) await once(watcher, 'change')
  await last?.close()
  t.match(await fetched, { status: 0 })
  t.ok(readFileSync(join(out, 'big')).equals(BIG))
})

import { readdirSync } from 'node:fs'
import t from 'tap'
import { assertNotExposed, isExposed } from '../../lib/secret/exposure.js'
import { deriveKeys } from '../../lib/secret/keys.js'
import { Node } from '../../lib/node/node.js'
import { Tracker } from '../../lib/tracker/tracker.js'
import { testDir } from '../helpers/files.js'

const secret = { current: deriveKeys(Buffer.from('the secret of this network')) }
const REFUSED = { code: 'E_AUTH', exitStatus: 22, message: /--secret-file.*--insecure/ }

await t.test('without a secret only this machine may connect', async (t) => {
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', 'localhost', '::ffff:127.0.0.1']) {
    t.notOk(isExposed({ host }), host)
    t.doesNotThrow(() => assertNotExposed({ host }))
  }
  for (const host of ['0.0.0.0', '::', '192.168.1.10', '10.0.0.1', 'fe80::1', 'lab-7', '127.lab', '1270.0.0.1', '']) {
    t.ok(isExposed({ host }), host)
    t.throws(() => assertNotExposed({ host }), REFUSED, host)
    t.throws(() => assertNotExposed({ host, insecure: false }), REFUSED)
    t.doesNotThrow(() => assertNotExposed({ host, insecure: true }), 'unless that is meant')
    t.notOk(isExposed({ host, secret }), 'or there is a secret')
    t.doesNotThrow(() => assertNotExposed({ host, secret }))
  }
})

await t.test('a name is as exposed as the addresses that it stands for', async (t) => {
  const [host, inside, outside] = ['lab-7', '127.0.1.1', '192.168.1.7']
  t.notOk(isExposed({ host, addresses: [inside, '::1'] }))
  t.ok(isExposed({ host, addresses: [inside, outside] }))
  t.throws(() => assertNotExposed({ host, addresses: [outside] }), { ...REFUSED, message: /lab-7/ })
})

await t.test('so it is for those who use it as a library, before anything is bound', async (t) => {
  const dir = testDir(t)
  for (const host of ['0.0.0.0', '::', '[::]']) {
    await t.rejects(new Tracker({ host, port: 0 }).start(), REFUSED)
    await t.rejects(new Node({ name: 'NodeA', host, dir }).start(), REFUSED)
  }
  for (const host of ['no-such-host.invalid', '']) {
    await t.rejects(new Tracker({ host, port: 0, secret }).start(), { code: 'E_USAGE' })
    await t.rejects(new Node({ name: 'NodeA', host, dir, secret }).start(), { code: 'E_USAGE' })
  }
  t.strictSame(readdirSync(dir), [], 'nor is a folder made')
  const tracker = new Tracker({ host: '0.0.0.0', port: 0, secret })
  t.match(await tracker.start(), { host: '0.0.0.0' })
  await tracker.close()
})

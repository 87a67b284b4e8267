import t from 'tap'
import { assertNotExposed, isExposed } from '../../lib/secret/exposure.js'
import { deriveKeys } from '../../lib/secret/keys.js'
import { Node } from '../../lib/node/node.js'
import { Tracker } from '../../lib/tracker/tracker.js'

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

await t.test('so it is for those who use it as a library', async (t) => {
  t.throws(() => new Tracker({ host: '0.0.0.0' }), REFUSED)
  t.throws(() => new Node({ name: 'NodeA', host: '0.0.0.0' }), REFUSED)
  t.doesNotThrow(() => new Tracker({ host: '0.0.0.0', secret }))
  t.doesNotThrow(() => new Node({ name: 'NodeA', host: '0.0.0.0', insecure: true }))
})

import t from 'tap'
import { jsonReporter } from '../../lib/ui/json.js'
import type { Reports } from '../../lib/ui/reporter.js'
import { DIGEST, REPORTS, written } from './reports.js'

await t.test('one JSON object a line on stdout, with the event and its facts', async (t) => {
  for (const name of Object.keys(REPORTS) as Array<keyof Reports>) {
    const { out, err } = written(jsonReporter, (reporter) => reporter.report(name, REPORTS[name]))
    t.equal(out.length, 1, name)
    t.strictSame(err, [], name)
    t.notMatch(out[0], /\n/)
    t.strictSame(JSON.parse(out[0] ?? ''), { event: name, ...REPORTS[name] })
    t.ok(out[0]?.startsWith(`{"event":"${name}",`))
  }
})

await t.test('the facts that scripts rely on', async (t) => {
  const line = <Name extends keyof Reports>(name: Name, data: Reports[Name] = REPORTS[name]): object =>
    JSON.parse(written(jsonReporter, (reporter) => reporter.report(name, data)).out[0] ?? '') as object
  t.match(line('saved'), { event: 'saved', file: 'a.png', bytes: 3_072, seconds: 1.5, digest: DIGEST, owners: [{ name: 'NodeA', bytes: 2_048 }, { name: 'NodeB', bytes: 1_024 }] })
  t.match(line('sharing'), { event: 'sharing', file: 'a.png', bytes: 1_536, digest: DIGEST })
  t.match(line('failed'), { event: 'failed', file: 'a.png', code: 'E_NO_OWNER', message: 'nobody owns "a.png"' })
  t.match(line('progress'), { event: 'progress', file: 'a.png', bytes: 5 })
  const versions = [{ digest: DIGEST, size: 5, owners: 2 }]
  t.match(line('failed', { code: 'E_CONFLICT', message: 'two', file: 'a', versions }), { versions })
})

await t.test('names of any kind are one line, and come back as they were', async (t) => {
  for (const file of ['a\nb', '\u001b[2J', '\u202e', '\u2028', '"', '__proto__', '\ud800', '日本語']) {
    const { out } = written(jsonReporter, (reporter) => reporter.report('failed', { file, code: 'E_NAME', message: 'x' }))
    t.equal(out.length, 1)
    t.notMatch(out[0], /[\n\u2028]/, 'for every reader')
    t.equal((JSON.parse(out[0] ?? '') as { file: string }).file, file)
  }
})

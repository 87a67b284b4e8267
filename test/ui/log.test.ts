import t from 'tap'
import { jsonLog } from '../../lib/ui/log.js'
import { REPORTS } from './reports.js'
import { isReport } from '../../lib/ui/text.js'

await t.test('a log has all but progress, one object a line, with time and level', (t) => {
  const lines: string[] = []
  const log = jsonLog({ out: (line) => lines.push(line), err: () => t.fail('nothing goes elsewhere') })
  log.out('tracker listening on 127.0.0.1:1')
  log.err('warning: it is\nodd')
  log.err('failed: E_PORT taken')
  log.err('the registry is back')
  for (const name of Object.keys(REPORTS)) if (isReport(name)) log.report(name, REPORTS[name])
  const objects = lines.map((line) => JSON.parse(line) as { time: string, level: string, message?: string, event?: string })
  for (const { time, level } of objects) t.ok(!Number.isNaN(Date.parse(time)) && ['info', 'warning', 'error'].includes(level))
  t.match(objects, [
    { level: 'info', message: 'tracker listening on 127.0.0.1:1' }, { level: 'warning', message: 'it is\nodd' }, { level: 'error', message: 'E_PORT taken' }, { level: 'warning', message: 'the registry is back' },
  ])
  t.equal(objects.find(({ event }) => event === 'failed')?.level, 'error')
  t.notOk(objects.some(({ event }) => event === 'progress'))
  t.notOk(lines.some((line) => line.includes('\n')))
  t.end()
})

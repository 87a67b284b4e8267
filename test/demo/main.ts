/** `npm run demo`: which of the two stories. */
import { spawnSync } from 'node:child_process'

const [story = 'one tracker', ...others] = process.argv.slice(2)
if (others.length > 0 || (story !== 'one tracker' && story !== 'cluster')) {
  process.stderr.write('usage: npm run demo, or npm run demo -- cluster\n')
  process.exitCode = 2
} else if (story === 'cluster' && spawnSync('redis-server', ['--version']).status !== 0) {
  process.stderr.write('FAILED: the demo of a cluster needs redis-server: apt-get install redis-server\n')
  process.exitCode = 1
} else {
  await import(story === 'cluster' ? './cluster.js' : './demo.js')
}

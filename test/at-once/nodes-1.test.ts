import { runGroup } from './run-group.js'

await runGroup('nodes', { number: 1, of: 2 })

import { runGroup } from './run-group.js'

await runGroup('nodes', { number: 2, of: 2 })

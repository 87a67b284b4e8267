/** What owners, swarms and kills do with a secret: the same tests as without one, which `npm test` runs. */
import t from 'tap'
import { BOTH_WAYS } from '../at-once/rooms.js'
import { runBare } from '../helpers/bare-test.js'

t.setTimeout(300_000)

for (const file of BOTH_WAYS) runBare(t, file, 'with a secret')

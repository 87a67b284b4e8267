/** Said at the end of `npm test`: what it has not run. */
import { readdirSync } from 'node:fs'

const files = readdirSync('test/field').filter((file) => file.endsWith('.test.ts'))
console.log(`Left out: ${files.length} files of test/field, which need root, mounts or minutes (npm run test:field): ${files.map((file) => file.replace('.test.ts', '')).join(', ')}`)

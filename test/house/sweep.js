/** What was built of sources that are gone: the compiler leaves it, and a test of them would still run. Part of `npm run build`. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

for (const folder of ['lib', 'workers', 'test']) {
  for (const path of readdirSync(join('dist', folder), { recursive: true })) {
    const source = path.replace(/(?:\.d\.ts|\.js(?:\.map)?)$/, '.ts')
    if (source !== path && !existsSync(join(folder, source))) rmSync(join('dist', folder, path))
  }
}

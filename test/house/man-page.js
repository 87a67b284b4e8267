/** The man page of what was built, from its own table of commands; part of `npm run build`. */
import { readFileSync, writeFileSync } from 'node:fs'
import { manPage } from '../../dist/lib/command/help.js'

const { man, version } = JSON.parse(readFileSync('package.json', 'utf8'))
writeFileSync(man, manPage(version))

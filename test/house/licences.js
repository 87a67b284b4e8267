/** `npm run licences`: whose terms come with the packages that piecemeal runs with, all that are installed on any platform. */
import { readFileSync } from 'node:fs'

/** None of them asks for more than to be named. */
const PERMISSIVE = new Set(['0BSD', 'Apache-2.0', 'BlueOak-1.0.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT'])

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'))
const found = Object.entries(packages)
  .filter(([path, { dev, devOptional }]) => path !== '' && !dev && !devOptional)
  .map(([path, { version, license = 'none' }]) => ({ name: path.replace(/^.*node_modules\//, ''), version, license }))
  .sort((a, b) => a.license.localeCompare(b.license) || a.name.localeCompare(b.name))
for (const { name, version, license } of found) console.log(`${license.padEnd(12)} ${name} ${version}`)
const others = found.filter(({ license }) => !PERMISSIVE.has(license))
for (const { name, license } of others) console.error(`look at the licence of ${name}: ${license}`)
process.exitCode = found.length === 0 || others.length > 0 ? 1 : 0

/**
 * Files that import one another in a circle, types included: the linter's own rule does not see
 * those of `import type`. Part of `npm run lint`.
 */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'

/** File → those of the project that it imports. */
function readImports (folders) {
  const files = folders.flatMap((folder) => ts.sys.readDirectory(folder, ['.ts']))
  return new Map(files.map((file) => [file, ts.preProcessFile(readFileSync(file, 'utf8')).importedFiles
    .filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => join(dirname(file), fileName).replace(/\.js$/, '.ts'))]))
}

/** @returns each circle once, as the files on the way round. */
function findCircles (imports) {
  const circles = []
  const finished = new Set()
  const visit = (file, path) => {
    const at = path.indexOf(file)
    if (at >= 0) return circles.push([...path.slice(at), file])
    if (finished.has(file)) return
    for (const imported of imports.get(file) ?? []) visit(imported, [...path, file])
    finished.add(file)
  }
  for (const file of imports.keys()) visit(file, [])
  return circles
}

const imports = readImports(['lib', 'workers'])
const circles = findCircles(imports)
for (const circle of circles) console.error(`a circle of imports: ${circle.join(' -> ')}`)
if (imports.size === 0) console.error('no files found')
process.exitCode = circles.length > 0 || imports.size === 0 ? 1 : 0

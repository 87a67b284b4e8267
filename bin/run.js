const { promises } = require('node:fs')

/**
 * Node's file calls and name look-ups share a few threads; four of them that wait for a disk would be
 * all. More can be had only before the first is used, which in an ES module it has been: so these files
 * are CommonJS.
 */
process.env.UV_THREADPOOL_SIZE ??= '16'

/** Modules that are open at the same time. */
const MODULES_AT_ONCE = 4

/** Runs a built command, or says in one line why there is none. */
exports.run = async function run (name) {
  openFewModulesAtOnce()
  try {
    await import(`../dist/lib/cli/${name}-command.js`)
  } catch (error) {
    if (error.code === 'EMFILE' || error.code === 'ENFILE') {
      console.error('failed: E_LIMIT cannot start: out of file descriptors, raise ulimit -n')
      process.exitCode = 23
      return
    }
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || !error.message.includes(`${name}-command.js`)) throw error
    console.error('piecemeal is not built yet: run "npm ci", or "npm run build" in a checkout that has its packages')
    process.exitCode = 1
  }
}

/**
 * Node opens all modules that one level of imports names before it reads the first of them, which are
 * more than there may be descriptors. It reads them by their URLs; whoever reads a path is left alone.
 */
function openFewModulesAtOnce () {
  const { readFile } = promises
  const turns = Array.from({ length: MODULES_AT_ONCE }, () => Promise.resolve())
  promises.readFile = (file, ...options) => {
    if (!(file instanceof URL)) return readFile(file, ...options)
    const read = turns.shift().then(() => readFile(file, ...options))
    turns.push(read.catch(() => {}))
    return read
  }
}

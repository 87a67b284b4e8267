const { existsSync, readFileSync, readdirSync } = require('node:fs')
const { join } = require('node:path')

const LIB = join(__dirname, '..', 'dist', 'lib')
/** Each imports from those before it alone. */
const LAYERS = ['protocol', 'metrics', 'threads', 'secret', 'content', 'net', 'disk', 'schedule', 'share']

/**
 * Node's file calls and name look-ups share a few threads; four of them that wait for a disk would be
 * all. More can be had only before the first is used, which in an ES module it has been: so these files
 * are CommonJS. Where there are few descriptors four have to do: each of them holds a file while the
 * command is loaded.
 */
const isShort = hasFewDescriptors()
process.env.UV_THREADPOOL_SIZE ??= isShort ? '4' : '16'

/** Runs a built command, or says in one line why there is none. */
exports.run = async function run (name) {
  try {
    if (isShort) await loadOneByOne()
    await import(`../dist/lib/cli/${name}-command.js`)
  } catch (error) {
    if (isOutOfDescriptors(error)) {
      console.error('failed: E_LIMIT cannot start: out of file descriptors, raise ulimit -n')
      process.exitCode = 23
      return
    }
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || !error.message.includes(`${name}-command.js`)) throw error
    console.error('piecemeal is not built yet: run "npm ci", or "npm run build" in a checkout that has its packages')
    process.exitCode = 1
  }
}

/** Node opens all that a module imports at the same time: of what is there already it opens nothing. */
async function loadOneByOne () {
  for (const layer of LAYERS) {
    for (const file of readdirSync(join(LIB, layer))) if (file.endsWith('.js')) await import(join(LIB, layer, file))
  }
}

/** Where Node can't open a package it says that there is none. */
function isOutOfDescriptors ({ code }) {
  return code === 'EMFILE' || code === 'ENFILE' || (code === 'ERR_MODULE_NOT_FOUND' && isShort && existsSync(LIB))
}

function hasFewDescriptors () {
  try {
    const [, most] = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return Number(most) < 128
  } catch {
    // No Linux: there is no telling.
    return false
  }
}

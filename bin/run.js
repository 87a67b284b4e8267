'use strict'
/*
 * What the commands do before they load anything: nothing here is newer than Node 12, so that an old Node
 * says that it is too old instead of what it can't read. (Node 12 knows no `??`, `?.` and no `node:`.)
 */
const { existsSync, readFileSync, readdirSync } = require('fs')
const { join } = require('path')
const { pathToFileURL } = require('url')

const ROOT = join(__dirname, '..')
/** A checkout runs what it built file by file, a package what was bundled of it; the tests say that they want what is packed. */
const LIB = [process.env.PIECEMEAL_BUILT || 'dist', 'dist', 'bundle'].map((built) => join(ROOT, built, 'lib')).find(existsSync) || join(ROOT, 'dist', 'lib')
const LEAST_NODE = [20, 17]
/** Each imports from those before it alone. */
const LAYERS = ['protocol', 'metrics', 'threads', 'secret', 'content', 'net', 'disk', 'schedule', 'share']
/** What the commands can't work without; help, version and the doctor can. */
const NATIVE_PARTS = ['@napi-rs/blake-hash']

/**
 * Node's file calls and name look-ups share a few threads; four of them that wait for a disk would be
 * all. More can be had only before the first is used, which in an ES module it has been: so these files
 * are CommonJS. Where there are few descriptors four have to do: each of them holds a file while the
 * command is loaded.
 */
const isShort = hasFewDescriptors()
if (process.env.UV_THREADPOOL_SIZE === undefined) process.env.UV_THREADPOOL_SIZE = isShort ? '4' : '16'

/** Runs a built command, or says in one line why there is none. `module` is its file in `lib`, without `.js`. */
exports.run = async function run (module, needsNativeParts) {
  if (isTooOld()) return fail(`piecemeal needs Node.js ${LEAST_NODE.join('.')} or later, and this is ${process.versions.node} at ${process.execPath}`)
  const missing = needsNativeParts ? NATIVE_PARTS.find((name) => !canLoad(name)) : undefined
  if (missing !== undefined) return fail(`piecemeal needs ${missing}, which is not there for ${process.platform} ${process.arch}: install again without --omit=optional, and not with node_modules of another machine (${ROOT})`)
  try {
    if (isShort) await loadOneByOne()
    await import(pathToFileURL(join(LIB, `${module}.js`)))
  } catch (error) {
    if (isOutOfDescriptors(error)) {
      console.error('failed: E_LIMIT cannot start: out of file descriptors, raise ulimit -n')
      process.exitCode = 23
      return
    }
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || !error.message.includes(`${module}.js`)) throw error
    console.error('piecemeal is not built yet: run "npm ci", or "npm run build" in a checkout that has its packages')
    process.exitCode = 1
  }
}

/** Whether a word asks for nothing but words. */
exports.wantsNoNativeParts = function wantsNoNativeParts (argv) {
  return argv.length === 0 || ['--help', '-h', 'help', '--version', 'version', 'doctor', 'completion', '__complete'].includes(argv[0]) || argv.includes('--help')
}

function isTooOld () {
  const [major, minor] = process.versions.node.split('.').map(Number)
  return major < LEAST_NODE[0] || (major === LEAST_NODE[0] && minor < LEAST_NODE[1])
}

function canLoad (name) {
  // Where there are no packages at all it is not built: that is told when it is loaded.
  if (isShort || !existsSync(LIB)) return true
  try {
    require(name)
    return true
  } catch (error) {
    return false
  }
}

function fail (message) {
  console.error(message)
  process.exitCode = 2
}

/** Node opens all that a module imports at the same time: of what is there already it opens nothing. */
async function loadOneByOne () {
  for (const layer of LAYERS.filter((layer) => existsSync(join(LIB, layer)))) {
    for (const file of readdirSync(join(LIB, layer))) if (file.endsWith('.js')) await import(pathToFileURL(join(LIB, layer, file)))
  }
}

/** Where Node can't open a package it says that there is none. */
function isOutOfDescriptors ({ code }) {
  return code === 'EMFILE' || code === 'ENFILE' || (code === 'ERR_MODULE_NOT_FOUND' && isShort && existsSync(LIB))
}

function hasFewDescriptors () {
  try {
    const found = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))
    return found !== null && Number(found[1]) < 128
  } catch (error) {
    // No Linux: there is no telling.
    return false
  }
}

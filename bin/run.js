/**
 * Node's file calls and name look-ups share a few threads; four of them that wait for a disk would be
 * all. More can be had only before the first is used, which in an ES module it has been: so these files
 * are CommonJS.
 */
process.env.UV_THREADPOOL_SIZE ??= '16'

/** Runs a built command, or says in one line why there is none. */
exports.run = async function run (name) {
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

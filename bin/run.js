/** Runs a built command, or says in one line that there is none. */
export async function run (name) {
  const command = new URL(`../dist/lib/cli/${name}-command.js`, import.meta.url)
  try {
    await import(command.href)
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || !error.message.includes(`${name}-command.js`)) throw error
    console.error('piecemeal is not built yet: run "npm ci", or "npm run build" in a checkout that has its packages')
    process.exit(1)
  }
}

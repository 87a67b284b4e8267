/** Functions of Node that fail, or say something else, for a while. Whoever has imported one by its name gets the other one; threads do not. */
import { syncBuiltinESMExports } from 'node:module'
import type { Scope } from './command.js'

/**
 * Until the test is over, or until what is returned is called.
 *
 * @param module as its default import gives it
 * @param replacements of some of its functions, which are given as they really are
 */
export function replace<Module extends object> (t: Scope, module: Module, replacements: (real: Module) => Partial<Module>): () => void {
  const real = { ...module }
  const replaced = replacements(real)
  Object.assign(module, replaced)
  syncBuiltinESMExports()
  const restore = (): void => {
    for (const name of Object.keys(replaced) as Array<keyof Module>) module[name] = real[name]
    syncBuiltinESMExports()
  }
  t.teardown(restore)
  return restore
}

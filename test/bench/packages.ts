/** Packages that are compared with and no dependency: measured where somebody has installed them. */

/** All at once, for npm removes what an earlier command has installed so. Their scripts only fetch and build what is not used here. */
const INSTALL = 'npm install --no-save --ignore-scripts webtorrent@3 bittorrent-tracker'

/** Undefined if the package is there, otherwise the command that installs it. */
export function hintUnlessInstalled (specifier: string): string | undefined {
  try {
    import.meta.resolve(specifier)
    return undefined
  } catch {
    return INSTALL
  }
}

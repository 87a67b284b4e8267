/** What is in a folder, as a page of ours or as JSON; in pieces, for there may be a million of them. */
import { contentDigest } from '../content/digest.js'
import { childrenOf, type Child } from '../manifest/entries-at.js'
import { pieceLengthFor } from '../protocol/content.js'
import type { ReadFolder } from '../reading/read-folders.js'
import { escape } from './metalink.js'
import { encodeName } from './representation.js'

export interface Shown {
  share: ReadFolder['share']
  /** In the folder; `''` is the folder itself. */
  path: string
  /** What all links end with. */
  question: string
}

/** Where a path of a folder is. */
export function hrefOf (filename: string, path: string): string {
  return ['', 'folders', filename, ...(path === '' ? [] : path.split('/'))].map(encodeName).join('/')
}

export function * indexPage ({ share, path, ...shown }: Shown): Generator<string, void> {
  const question = escape(shown.question)
  const title = escape(path === '' ? share.filename : `${share.filename}/${path}`)
  const above = path === '' ? '' : `<tr><td><a href="${hrefOf(share.filename, path.split('/').slice(0, -1).join('/'))}/${question}">../</a></td><td></td></tr>\n`
  const tar = `${hrefOf(share.filename, path)}/${question === '' ? '?' : `${question}&amp;`}format=tar`
  yield `<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="color-scheme" content="light dark">\n<title>${title}</title>\n<link rel="stylesheet" href="/assets/look.css">\n<main class="listing">\n<h1>${title}</h1>\n<p><a href="${tar}">all of it as tar</a></p>\n<table>\n${above}`
  for (const child of childrenOf(share.manifest, path)) {
    const { name, kind, href, size, target } = describe(share, path, child)
    const shown = escape(kind === 'folder' ? `${name}/` : name)
    const more = kind === 'link' ? `link to ${escape(target ?? '')}` : size === undefined ? '' : `${size} bytes`
    yield `<tr><td>${href === undefined ? shown : `<a href="${href}${question}">${shown}</a>`}</td><td>${more}</td></tr>\n`
  }
  yield '</table>\n</main>\n</html>\n'
}

export function * indexJson ({ share, path, question }: Shown): Generator<string, void> {
  const { filename, digest, manifest: { head: { files, size } } } = share
  yield `{"folder":${JSON.stringify({ name: filename, digest, files, size })},"path":${JSON.stringify(path)},"entries":[`
  let comma = ''
  for (const child of childrenOf(share.manifest, path)) {
    const described = describe(share, path, child)
    yield `${comma}\n${JSON.stringify({ ...described, ...(described.href !== undefined && { href: described.href + question }) })}`
    comma = ','
  }
  yield '\n]}\n'
}

interface Described {
  name: string
  kind: 'file' | 'folder' | 'link'
  /** Of a link none: it is not followed. */
  href?: string
  size?: number
  digest?: string
  executable?: boolean
  /** Of a file: whether all of it is here. */
  here?: boolean
  target?: string
}

function describe ({ filename, manifest, lacks }: ReadFolder['share'], folder: string, { name, entry: index }: Child): Described {
  const href = hrefOf(filename, folder === '' ? name : `${folder}/${name}`)
  const entry = index === undefined ? undefined : manifest.entry(index)
  if (index === undefined || entry === undefined || entry.kind === 'folder') return { name, kind: 'folder', href: `${href}/` }
  if (entry.kind === 'link') return { name, kind: 'link', target: entry.target }
  const { size, digests, isExecutable } = entry
  const missing = lacks?.firstFrom(manifest.firstPieceOf(index)) ?? Infinity
  return { name, kind: 'file', href, size, digest: contentDigest(size, pieceLengthFor(size), digests), executable: isExecutable, here: missing >= manifest.firstPieceOf(index + 1) }
}

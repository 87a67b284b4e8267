/** Files of pages, served as they are: they hold no secret, so nobody has to log in for them. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import { PAGE_POLICY } from './login-page.js'

const TYPES: ReadonlyMap<string, string> = new Map([
  ['css', 'text/css; charset=utf-8'],
  ['js', 'text/javascript; charset=utf-8'],
  ['svg', 'image/svg+xml'],
])

/** Name under `/assets/` → where it lies. */
export type Assets = ReadonlyMap<string, URL>

export function assetsIn (folder: URL, names: readonly string[]): Assets {
  return new Map(names.map((name) => [name, new URL(name, folder)]))
}

export function serveAssets (routes: FastifyInstance, assets: Assets): void {
  for (const [name, url] of assets) {
    const type = TYPES.get(name.split('.').at(-1) ?? '') ?? 'application/octet-stream'
    let reading: Promise<{ bytes: Buffer, tag: string }> | undefined
    routes.get(`/assets/${name}`, { config: { access: 'open' } }, async (request, reply) => {
      reading ??= readAsset(url)
      const { bytes, tag } = await reading
      // A worker goes by the policy of its own file.
      reply.headers({ 'Cache-Control': 'no-cache', ETag: tag, 'Content-Security-Policy': PAGE_POLICY })
      if (request.headers['if-none-match'] === tag) return await reply.code(304).send()
      return await reply.type(type).send(bytes)
    })
  }
}

async function readAsset (url: URL): Promise<{ bytes: Buffer, tag: string }> {
  const bytes = await readFile(url)
  return { bytes, tag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"` }
}

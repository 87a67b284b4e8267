/** The page itself: files that are served as they lie there, those of packages too. */
import type { FastifyInstance } from 'fastify'
import { assetsIn, serveAssets } from '../web/assets.js'
import { PAGE_HEADERS } from '../web/login-page.js'

const OURS = ['page.css', 'main.js', 'overview.js', 'model.js', 'feed.js', 'feed-worker.js', 'swarm.js', 'traffic.js', 'files.js', 'file.js', 'nodes.js', 'format.js', 'parts.js']
/** Name under `/assets/` → a file of a package. */
const THEIRS = new Map([
  ['preact.js', 'preact'],
  ['htm.js', 'htm'],
  ['uplot.js', 'uplot/dist/uPlot.esm.js'],
  ['uplot.css', 'uplot/dist/uPlot.min.css'],
])

/** @param hasLogin whether there is anything to log out of */
const pageOf = (hasLogin: boolean): string => `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>piecemeal</title>
<link rel="icon" href="/assets/icon.svg">
<link rel="stylesheet" href="/assets/look.css">
<link rel="stylesheet" href="/assets/uplot.css">
<link rel="stylesheet" href="/assets/page.css">
<script type="module" src="/assets/main.js"></script>
<div id="page"${hasLogin ? ' data-login' : ''}><noscript><p class="notice">This page shows what happens as it happens, which takes JavaScript. The same is at <a href="/api/v1/files">/api/v1/files</a>, <a href="/api/v1/nodes">nodes</a> and <a href="/api/v1/transfers">transfers</a>.</p></noscript></div>
`

export function addPage (routes: FastifyInstance, hasLogin: boolean): void {
  const theirs = new Map([...THEIRS].map(([name, path]) => [name, new URL(import.meta.resolve(path))]))
  serveAssets(routes, new Map([...assetsIn(new URL('../../../lib/page/assets/', import.meta.url), OURS), ...theirs]))
  routes.get('/', async (_request, reply) => await reply.type('text/html; charset=utf-8').headers(PAGE_HEADERS).send(pageOf(hasLogin)))
}

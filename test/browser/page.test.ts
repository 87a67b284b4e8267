/// <reference lib="dom" />
/**
 * The tracker's page in Debian's chromium, as people use it. Without that browser it is skipped, and says
 * so; on a build server that is a failure.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { deriveKeys } from '../../lib/secret/keys.js'
import { httpToken } from '../../lib/secret/http-token.js'
import { GiB, MiB } from '../../lib/protocol/units.js'
import { pseudoRandomBytes } from '../helpers/files.js'
import { openNodeSite } from '../../lib/cli/node-site.js'
import { Node } from '../../lib/index.js'
import { digestOf, stage } from '../page/stage.js'

const CHROMIUM = '/usr/bin/chromium'
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const SECRET = { current: deriveKeys(Buffer.from('the secret of this network')) }
const WAIT_MS = 15_000
const NASTY = ['<img src=x onerror=alert(1)>', '"><script>alert(2)<', '\u202Etxt.exe', '=HYPERLINK("evil.example")', '__proto__', '%2e%2e%2f', '\'; rm -rf ~ #']

if (!existsSync(CHROMIUM)) {
  if (process.env.CI === 'true') t.fail(`there is no ${CHROMIUM}: apt-get install chromium`)
  else {
    console.error(`SKIPPED: the tests of the page, as there is no ${CHROMIUM}: apt-get install chromium`)
    t.pass('skipped', { skip: `there is no ${CHROMIUM}` })
  }
} else {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
  t.teardown(async () => await browser.close())
  await tests(browser)
}

/** A page of which whatever goes wrong is a failure: an error in its console, a request to another host, a dialog. */
async function open (t: Test, browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Page> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
  t.teardown(async () => await context.close())
  const page = await context.newPage()
  page.setDefaultTimeout(WAIT_MS)
  page.on('console', (message) => { if (message.type() === 'error' && !/status of 401/.test(message.text())) t.fail(`console: ${message.text()}`) })
  page.on('pageerror', (error) => t.fail(`error: ${error.message}`))
  page.on('dialog', (dialog) => t.fail(`dialog: ${dialog.message()}`))
  context.on('request', (request) => { if (new URL(request.url()).origin !== new URL(url).origin) t.fail(`request to ${request.url()}`) })
  await page.goto(url)
  return page
}

/** What axe finds, as rules and where they are broken. */
async function violations (page: Page): Promise<string[]> {
  // The page's own policy lets no foreign script in.
  await page.evaluate(AXE)
  return await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run: () => Promise<{ violations: Array<{ id: string, nodes: Array<{ target: unknown, failureSummary?: string }> }> }> } }
    return (await axe.run()).violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${String(target)} ${failureSummary}`).join('; ')}`)
  })
}

async function tests (browser: Browser): Promise<void> {
  await t.test('files appear as they are shared, a download moves, and both go away', async (t) => {
    const { url, node } = await stage(t)
    const page = await open(t, browser, url)
    await page.getByText('Nobody shares anything yet').waitFor()
    t.strictSame(await violations(page), [])

    const [a, c] = [await node('NodeA'), await node('NodeC')]
    await a.have('mandelbrot.png', { size: 283_805 })
    await page.getByRole('link', { name: 'mandelbrot.png' }).waitFor()
    t.match(await page.getByRole('row', { name: /mandelbrot/ }).innerText(), /277 KiB/)

    const progress = async (bytes: number): Promise<void> => await c.report({ down: [['mandelbrot.png', digestOf('mandelbrot.png').slice(7, 23), bytes, 283_805, 50_000, [['NodeA', 50_000]]]], up: 0 })
    await progress(70_951)
    await page.getByRole('progressbar').and(page.locator('[aria-valuenow="24"]')).waitFor()
    t.strictSame(await page.locator('.swarm li').allInnerTexts(), ['NodeA', 'NodeC'])
    await progress(141_903)
    await page.locator('[role=progressbar][aria-valuenow="50"]').waitFor()
    t.strictSame(await violations(page), [])
    await c.report({ down: [], up: 0 })
    await page.getByText('Nothing moves right now.').waitFor()
    await a.leave()
    await page.getByText('No files are shared.').waitFor()
  })

  await t.test('ten thousand files, searched and sorted by keyboard alone, on a telephone in the dark', async (t) => {
    const { url, node, tracker: { registry } } = await stage(t)
    await (await node('NodeA')).have('sample-0.h5', { size: 1_000 })
    for (let i = 1; i < 9_999; i++) await registry.have('NodeA', { filename: `sample-${i}.h5`, size: 1_000 + i, digest: digestOf(String(i)), pieceLength: MiB, host: '127.0.0.1', inputPort: 1, outputPort: 2, complete: true })
    await (await node('NodeB')).have('big.tar', { size: 40 * GiB })
    const page = await open(t, browser, url, { viewport: { width: 390, height: 800 }, colorScheme: 'dark' })
    await page.getByText('10,000 files', { exact: true }).waitFor()
    t.ok(await page.locator('tbody tr').count() < 100, 'a window of rows')
    t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'nothing is wider than the screen')

    await page.getByRole('button', { name: 'Size' }).focus()
    await page.keyboard.press('Enter')
    const first = page.getByRole('region', { name: 'list of files' }).locator('tbody tr:not(.gap)').first()
    await first.getByText('big.tar').waitFor()
    await page.keyboard.press('Enter')
    await first.getByText('sample-0.h5').waitFor()
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('Shift+Tab')
    t.equal(await page.evaluate('document.activeElement.getAttribute("aria-label")'), 'search files')
    await page.keyboard.type('SAMPLE-77')
    await page.getByText('111 files of 10,000').waitFor()
    t.strictSame(await violations(page), [])
    await page.getByRole('link', { name: 'sample-77.h5' }).press('Enter')
    await page.getByRole('heading', { name: 'sample-77.h5' }).waitFor()
    await page.getByText('torrent -m download sample-77.h5').waitFor()
    t.strictSame(await violations(page), [])
    await page.goBack()
    await page.getByText('10,000 files', { exact: true }).waitFor()
  })

  await t.test('names of others are names, whatever they look like', async (t) => {
    const { url, node } = await stage(t)
    const a = await node('NodeA')
    for (const name of NASTY) await a.have(name)
    const page = await open(t, browser, url)
    for (const name of NASTY) await page.getByRole('link', { name, exact: true }).waitFor()
    t.equal(await page.locator('#page img, #page script').count(), 0)
    for (const name of NASTY) {
      await page.goto(`${url}/#file=${encodeURIComponent(name)}`)
      await page.getByRole('heading', { name, exact: true }).waitFor()
      await page.getByText('Owners', { exact: true }).first().waitFor()
    }
  })

  await t.test('the token opens the page, and a logout closes it', async (t) => {
    const { url, node } = await stage(t, { secret: SECRET })
    await (await node('NodeA')).have('a.png', { size: 3 * MiB })
    const page = await open(t, browser, url)
    t.strictSame(await violations(page), [])
    await page.getByLabel('Token').fill('wrong')
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByRole('alert').waitFor()
    await page.getByLabel('Token').fill(httpToken(SECRET))
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'a.png' }).waitFor()
    t.strictSame(await page.context().cookies().then((cookies) => cookies.map(({ httpOnly, sameSite }) => ({ httpOnly, sameSite }))), [{ httpOnly: true, sameSite: 'Strict' }])

    const other = await page.context().newPage()
    await other.goto(url)
    await other.getByRole('link', { name: 'a.png' }).waitFor()
    await other.close()
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByLabel('Token').waitFor()
  })

  await t.test('its link downloads a file through a gateway, and opens a folder there, though nobody has logged in at that', async (t) => {
    const { url, tracker } = await stage(t, { secret: SECRET })
    const at = { host: '127.0.0.1', port: tracker.port }
    const node = new Node({ name: 'NodeA', dir: t.testdir(), tracker: at })
    // The tracker's port has no secret here, its page and the gateway have.
    const site = await openNodeSite(node, { port: 0, tracker: at, secret: SECRET, onError: (error) => t.error(error) })
    t.teardown(async () => {
      await site.close()
      await node.close()
    })
    const gateway = await site.listen()
    await node.start()
    const bytes = pseudoRandomBytes(3 * MiB + 1, 'link')
    writeFileSync(join(node.folder, 'a <b>.bin'), bytes)
    mkdirSync(join(node.folder, 'tree/sub'), { recursive: true })
    writeFileSync(join(node.folder, 'tree/sub/x.bin'), bytes)
    for (const name of ['a <b>.bin', 'tree']) await node.upload(name)

    const page = await open(t, browser, url)
    await page.getByLabel('Token').fill(httpToken(SECRET))
    await page.keyboard.press('Enter')
    page.context().removeAllListeners('request')
    page.context().on('request', (request) => { if (![url, gateway.slice(0, -1)].includes(new URL(request.url()).origin)) t.fail(`request to ${request.url()}`) })
    const downloaded = async (link: string): Promise<Buffer> => {
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: link }).click()])
      return readFileSync(await download.path())
    }
    await page.getByRole('link', { name: 'a <b>.bin' }).click()
    t.ok((await downloaded('Download a <b>.bin')).equals(bytes))
    await page.getByRole('link', { name: 'All files' }).click()
    await page.getByRole('link', { name: 'tree' }).click()
    await page.getByRole('link', { name: 'Open tree' }).click()
    await page.getByRole('link', { name: 'sub/' }).click()
    t.ok((await downloaded('x.bin')).equals(bytes))
  })

  await t.test('a link from another site opens logged in', async (t) => {
    const { url } = await stage(t, { secret: SECRET })
    const elsewhere = await stage(t)
    const page = await open(t, browser, url)
    await page.getByLabel('Token').fill(httpToken(SECRET))
    await page.keyboard.press('Enter')
    await page.getByText('Nobody shares anything yet').waitFor()
    page.context().removeAllListeners('request')
    // Another host of this machine is another site.
    await page.goto(elsewhere.url.replace('127.0.0.1', 'localhost'))
    await page.evaluate(`location.href = '${url}/'`)
    await page.getByRole('button', { name: 'Log out' }).waitFor()
  })

  await t.test('a tracker that goes away is told of, and what was known is kept', async (t) => {
    const { url, node, web } = await stage(t)
    await (await node('NodeA')).have('a.png')
    const page = await open(t, browser, url)
    await page.getByRole('link', { name: 'a.png' }).waitFor()
    page.removeAllListeners('console')
    await web.close()
    await page.getByText(/^no connection to the tracker since/).waitFor()
    t.ok(await page.getByRole('link', { name: 'a.png' }).isVisible())
    t.equal(await page.locator('main.stale').count(), 1)
  })
}

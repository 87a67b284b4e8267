// The page: what is known, shown again whenever it changes.
import { render } from './preact.js'
import { Feed } from './feed.js'
import { FilePage } from './file.js'
import { Model } from './model.js'
import { Overview } from './overview.js'
import { html } from './parts.js'

const root = document.getElementById('page')
let model = new Model()
let state = { word: 'connecting', since: Date.now() }
let isDrawing = false

// The session is there, so a later link from elsewhere may go the long way again.
sessionStorage.removeItem('again')
const wake = connect()
addEventListener('hashchange', draw)
addEventListener('online', wake)
document.addEventListener('visibilitychange', () => { if (!document.hidden) wake() })
// Ages and "since" go on by themselves.
setInterval(draw, 10_000)
draw()

function draw () {
  if (isDrawing) return
  isDrawing = true
  requestAnimationFrame(() => {
    isDrawing = false
    const name = nameInHash()
    render(name === undefined ? html`<${Overview} model=${model} state=${state} />` : html`<${FilePage} key=${name} name=${name} model=${model} state=${state} />`, root)
  })
}

function nameInHash () {
  const [, name] = /^#file=(.+)$/.exec(location.hash) ?? []
  try {
    return name && decodeURIComponent(name)
  } catch {
    return undefined
  }
}

/** With one connection for all tabs, where a browser can. */
function connect () {
  const take = (message, options) => {
    model.apply(message, options)
    draw()
  }
  const become = (now) => {
    state = now
    // The session has ended: the form for the token is what is there instead of this page.
    if (state.word === 'login') location.reload()
    draw()
  }
  if (typeof SharedWorker === 'undefined') {
    const feed = new Feed(take, become)
    return () => feed.wake()
  }
  const { port } = new SharedWorker('/assets/feed-worker.js', { type: 'module', name: 'piecemeal' })
  port.onmessage = ({ data }) => {
    if (data.tables) model = new Model(data.tables)
    if (data.message) take(data.message, data.options)
    // What it was before this tab came is not this tab's.
    if (data.state && !(data.tables && data.state.word === 'login')) become(data.state)
  }
  addEventListener('pagehide', () => port.postMessage('bye'))
  addEventListener('pageshow', ({ persisted }) => { if (persisted) location.reload() })
  return () => port.postMessage('wake')
}

// What several views are made of.
import { Component, h } from './preact.js'
import htm from './htm.js'
import { fullDate, span } from './format.js'

export const html = htm.bind(h)

/** A time, with the full date behind it. */
export function Ago ({ seconds }) {
  if (!seconds) return html`<span class="quiet">unknown</span>`
  return html`<time datetime=${new Date(seconds * 1000).toISOString()} title=${fullDate(seconds)}>${span(Date.now() / 1000 - seconds)} ago</time>`
}

export class Copy extends Component {
  render ({ text, what }, { isDone }) {
    return html`<button class="copy" onClick=${() => this.copy(text)} aria-label=${`copy ${what}`}>${isDone ? 'copied' : 'copy'}</button>`
  }

  async copy (text) {
    await writeClipboard(text)
    this.setState({ isDone: true })
    setTimeout(() => this.setState({ isDone: false }), 1500)
  }
}

/** Enough of it to tell contents apart by eye, and to ask for one. */
export function Digest ({ digest }) {
  return html`<span class="digest"><code title=${digest}>${digest.slice(0, 12)}</code><${Copy} text=${digest} what="digest" /></span>`
}

export function Command ({ text }) {
  return html`<div class="command"><code tabindex="0">${text}</code><${Copy} text=${text} what="command" /></div>`
}

/** How far a download is, coloured by those who send now, as much of each as its part of the rate. */
export function Strip ({ transfer: { bytes, size, owners } }) {
  const done = size > 0 ? Math.min(1, bytes / size) : 1
  const all = owners.reduce((sum, { rate }) => sum + rate, 0)
  const parts = all > 0 ? owners.map(({ name, rate }, i) => ({ name, share: rate / all, colour: Math.min(i, 5) })) : [{ name: '', share: 1, colour: 0 }]
  return html`<div class="strip" role="progressbar" aria-label="progress" aria-valuemin="0" aria-valuemax="100" aria-valuenow=${Math.floor(done * 100)}>
    ${parts.map(({ name, share, colour }) => html`<span class=${`c${colour}`} style=${{ width: `${100 * done * share}%` }} title=${name}></span>`)}
  </div>`
}

// Beyond this machine and without TLS a page has no clipboard of its own.
async function writeClipboard (text) {
  if (navigator.clipboard) return await navigator.clipboard.writeText(text)
  const area = document.body.appendChild(Object.assign(document.createElement('textarea'), { value: text }))
  area.select()
  document.execCommand('copy')
  area.remove()
}

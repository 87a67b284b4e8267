// One file: who has it, who fetches it, and how to get it.
import { Component } from './preact.js'
import * as format from './format.js'
import { Ago, Command, Digest, html, Strip } from './parts.js'
import { Head, isStale } from './overview.js'

const ASK_MS = 3_000

export class FilePage extends Component {
  #asking
  #controller = new AbortController()

  render ({ name, state, model }, { file, failure }) {
    const transfers = [...model.transfers.values()].map(([, transfer]) => transfer).filter(({ filename }) => filename === name)
    return html`
      <${Head} state=${state} />
      <main class=${`rows ${isStale(state) ? 'stale' : ''}`}>
        <p><a href="#">All files</a></p>
        <h1>${name}</h1>
        ${failure && html`<p class="failed" role="alert">${failure}</p>`}
        ${!file && !failure && html`<p class="quiet">asking</p>`}
        ${file && html`<${Versions} file=${file} /><${Get} file=${file} />${transfers.length > 0 && html`<${Transfers} transfers=${transfers} />`}<${Owners} file=${file} />`}
      </main>`
  }

  componentDidMount () {
    this.#ask()
  }

  componentWillUnmount () {
    clearTimeout(this.#asking)
    this.#controller.abort()
  }

  async #ask () {
    const { name } = this.props
    try {
      const answer = await fetch(`/api/v1/files/${encodeURIComponent(name)}`, { headers: { Accept: 'application/json' }, signal: this.#controller.signal })
      if (answer.status === 401) return location.reload()
      const body = await answer.json()
      this.setState(answer.ok ? { file: body, failure: undefined } : { failure: answer.status === 404 ? 'Nobody shares that file now.' : body.error.message })
    } catch (error) {
      if (error.name === 'AbortError') return
      // The head says that the tracker is away.
    }
    this.#asking = setTimeout(() => this.#ask(), ASK_MS)
  }
}

function Versions ({ file: { versions } }) {
  if (versions.length === 1) {
    const [{ size, digest, since, owners }] = versions
    return html`<dl class="facts">
      <dt>Size</dt><dd>${format.bytes(size)} (${size.toLocaleString('en')} bytes)</dd>
      <dt>Owners</dt><dd>${owners.toLocaleString('en')}</dd>
      <dt>Shared</dt><dd><${Ago} seconds=${since} /></dd>
      <dt>Digest</dt><dd><${Digest} digest=${digest.slice('blake3:'.length)} /></dd>
    </dl>`
  }
  return html`<section><h2>${format.count(versions.length, 'content')} have this name</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="list of contents"><table>
      <thead><tr><th class="w-digest"><span>Digest</span></th><th class="w-size number"><span>Size</span></th><th class="w-count number"><span>Owners</span></th><th class="w-age"><span>Shared</span></th></tr></thead>
      <tbody>${versions.map(({ digest, size, owners, since, older }) => html`<tr key=${digest}>
        <td><${Digest} digest=${digest.slice('blake3:'.length)} /></td><td class="number">${format.bytes(size)}</td><td class="number">${owners}</td><td><${Ago} seconds=${since} />${older && html` <span class="older">older</span>`}</td>
      </tr>`)}</tbody>
    </table></div>
  </section>`
}

function Get ({ file: { filename, digest, versions, owners } }) {
  const { url } = owners.find((owner) => owner.url) ?? {}
  const isFolder = versions.find((version) => version.digest === digest)?.kind === 'folder'
  const isOneOfSeveral = digest === undefined
  const command = `torrent -m download ${format.shellQuote(filename)}${isOneOfSeveral ? ` --digest ${versions[0].digest.slice('blake3:'.length, 'blake3:'.length + 12)}` : ''}`
  return html`<section><h2>Get it</h2>
    ${url && html`<p><a href=${url} rel="noreferrer">${isFolder ? 'Open' : 'Download'} ${filename}</a></p>`}
    <p>${url ? 'Or tell' : 'Tell'} a node of yours, on its standard input:</p>
    <${Command} text=${command} />
  </section>`
}

function Transfers ({ transfers }) {
  return html`<section><h2>Being fetched</h2>${transfers.map((transfer) => {
    const { node, bytes, size, rate, owners } = transfer
    return html`<div class="notice" key=${node}>
      <div class="over"><span>${node}</span><span class="quiet">${format.bytes(bytes)} of ${format.bytes(size)}, ${rate > 0 ? format.rate(rate) : html`<span class="waiting">waiting</span>`}</span></div>
      <${Strip} transfer=${transfer} />
      <ul class="legend">${owners.map(({ name, rate }, i) => html`<li key=${name}><i class=${`c${Math.min(i, 5)}`}></i>${name} ${format.rate(rate)}</li>`)}</ul>
    </div>`
  })}</section>`
}

function Owners ({ file: { owners } }) {
  if (owners.length === 0) return null
  return html`<section><h2>Owners</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="list of owners"><table>
      <thead><tr><th><span>Name</span></th><th><span>Address</span></th><th class="w-count"><span>Has</span></th></tr></thead>
      <tbody>${owners.map(({ name, host, complete }) => html`<tr key=${name}><td title=${name}>${name}</td><td class="mono">${host}</td><td>${complete ? 'all' : 'a part'}</td></tr>`)}</tbody>
    </table></div>
  </section>`
}

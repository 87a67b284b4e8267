// All files: searched, sorted, and shown as a window of rows, for there may be ten thousand.
import { Component, createRef } from './preact.js'
import * as format from './format.js'
import { Ago, Digest, html } from './parts.js'

const ROW = 36
const BEYOND = 8
const PREFIX_MS = 300
/** Where a row has what: `[key, filename, digest, size, owners, since, flags]`. */
const COLUMNS = { name: 1, size: 3, owners: 4, since: 5 }
const names = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' })

export class Files extends Component {
  state = { search: '', by: 'name', isDown: false, top: 0, height: 640, found: [] }
  #place = createRef()
  #rows = []
  #shown
  #asking

  render ({ files, version, isTruncated }, { search, by, isDown, top, height, found }) {
    const shown = `${version} ${search} ${by} ${isDown} ${found.length}`
    if (shown !== this.#shown) this.#rows = this.#choose(files)
    this.#shown = shown
    const rows = this.#rows
    const first = Math.max(0, Math.floor(top / ROW) - BEYOND)
    const end = Math.min(rows.length, Math.ceil((top + height) / ROW) + BEYOND)
    return html`<section aria-labelledby="files">
      <div class="over"><h2 id="files">Files</h2>
        <input type="search" placeholder="Search" aria-label="search files" value=${search} onInput=${({ target }) => this.#search(target.value)} />
      </div>
      ${isTruncated && html`<p class="waiting">There are more than 10,000: of the others those are found whose names begin with what you search for.</p>`}
      ${rows.length === 0
        ? html`<p class="quiet">${search === '' ? 'No files are shared.' : 'No file has that in its name.'}</p>`
        : html`<div class="scroll" ref=${this.#place} tabindex="0" role="region" aria-label="list of files" onScroll=${({ target }) => this.setState({ top: target.scrollTop, height: target.clientHeight })}>
          <table aria-rowcount=${rows.length + 1}>
            <thead><tr aria-rowindex="1">
              <${Heading} of=${this} column="name" text="Name" />
              <${Heading} of=${this} column="size" text="Size" kind="w-size number" />
              <${Heading} of=${this} column="owners" text="Owners" kind="w-count number" />
              <${Heading} of=${this} column="since" text="Shared" kind="w-age narrow-no" />
              <th class="w-digest narrow-no"><span>Digest</span></th>
            </tr></thead>
            <tbody>
              <tr class="gap" aria-hidden="true"><td style=${{ height: `${first * ROW}px` }}></td></tr>
              ${rows.slice(first, end).map((row, i) => html`<${Row} key=${row[0]} row=${row} index=${first + i + 2} />`)}
              <tr class="gap" aria-hidden="true"><td style=${{ height: `${(rows.length - end) * ROW}px` }}></td></tr>
            </tbody>
          </table>
        </div>`}
      <p class="quiet">${rows.length === files.size ? format.count(rows.length, 'file') : `${format.count(rows.length, 'file')} of ${files.size.toLocaleString('en')}`}</p>
    </section>`
  }

  sort (column) {
    const { by, isDown } = this.state
    // The largest and the newest first; names from A on.
    this.setState({ by: column, isDown: by === column ? !isDown : column !== 'name' })
    if (this.#place.current) this.#place.current.scrollTop = 0
  }

  #search (search) {
    this.setState({ search, top: 0, found: [] })
    if (this.#place.current) this.#place.current.scrollTop = 0
    clearTimeout(this.#asking)
    if (this.props.isTruncated && search !== '') this.#asking = setTimeout(() => this.#askFor(search), PREFIX_MS)
  }

  async #askFor (prefix) {
    const answer = await fetch(`/api/v1/files?${new URLSearchParams({ prefix })}`, { headers: { Accept: 'application/json' } })
    if (!answer.ok || this.state.search !== prefix) return
    const { files } = await answer.json()
    this.setState({
      found: files.map(({ filename, digest, size, owners, since, older }) => {
        const short = digest.slice('blake3:'.length, 'blake3:'.length + 16)
        return [`${short}/${filename}`, filename, short, size, owners, since ?? 0, older ? 'o' : '']
      })
    })
  }

  #choose (files) {
    const { search, by, isDown, found } = this.state
    const wanted = search.toLowerCase()
    const all = found.length === 0 ? [...files.values()] : [...new Map([...found.map((row) => [row[0], row]), ...files]).values()]
    const rows = wanted === '' ? all : all.filter(([, name]) => name.toLowerCase().includes(wanted))
    const column = COLUMNS[by]
    rows.sort(by === 'name' ? (a, b) => names.compare(a[1], b[1]) : (a, b) => a[column] - b[column] || names.compare(a[1], b[1]))
    return isDown ? rows.reverse() : rows
  }
}

function Heading ({ of, column, text, kind = '' }) {
  const { by, isDown } = of.state
  const sort = by !== column ? 'none' : isDown ? 'descending' : 'ascending'
  return html`<th class=${kind} aria-sort=${sort}><button onClick=${() => of.sort(column)}>${text}${sort === 'none' ? '' : isDown ? ' ↓' : ' ↑'}</button></th>`
}

function Row ({ row: [, name, digest, size, owners, since, flags], index }) {
  return html`<tr aria-rowindex=${index}>
    <td title=${name}><a href=${`#file=${encodeURIComponent(name)}`}>${name}${flags.includes('d') ? '/' : ''}</a>${flags.includes('o') && html` <span class="older">older</span>`}</td>
    <td class="number" title=${`${size.toLocaleString('en')} bytes`}>${format.bytes(size)}</td>
    <td class="number">${owners.toLocaleString('en')}</td>
    <td class="narrow-no"><${Ago} seconds=${since} /></td>
    <td class="narrow-no"><${Digest} digest=${digest} /></td>
  </tr>`
}

// What moves right now: who sends to whom, as a picture and as a list.
import * as format from './format.js'
import { html, Strip } from './parts.js'

const ROW = 28
const MOST = 12
const THICKEST = 10

export function Swarm ({ transfers }) {
  const moving = transfers.filter(({ rate }) => rate > 0).length
  return html`<section aria-labelledby="now">
    <div class="over"><h2 id="now">Right now</h2><span class="quiet">${transfers.length > 0 && `${format.count(transfers.length, 'download')}${moving < transfers.length ? `, ${transfers.length - moving} waiting` : ''}`}</span></div>
    ${transfers.length === 0 ? html`<p class="quiet">Nothing moves right now.</p>` : html`<${Picture} transfers=${transfers} /><${List} transfers=${transfers} />`}
  </section>`
}

function Picture ({ transfers }) {
  const streams = transfers.flatMap(({ node, owners }) => owners.map(({ name, rate }) => ({ from: name, to: node, rate })))
  if (streams.length === 0) return null
  const [from, to] = [rank(streams, 'from'), rank(streams, 'to')]
  const height = Math.max(from.length, to.length) * ROW
  const place = (all, name) => {
    const at = all.findIndex((one) => one.name === name)
    return ((at < 0 ? all.length - 1 : at) + 0.5) * ROW + (height - all.length * ROW) / 2
  }
  const fastest = Math.max(...streams.map(({ rate }) => rate))
  for (const stream of streams) stream.width = 1 + THICKEST * Math.sqrt(stream.rate / fastest)
  const [starts, ends] = [stack(streams, 'from', (name) => place(from, name)), stack(streams, 'to', (name) => place(to, name))]
  const pad = (all) => ({ paddingTop: `${(height - all.length * ROW) / 2}px` })
  return html`<div class="swarm">
    <ul class="from" style=${pad(from)} aria-label="those who send">${from.map(({ name, rate }) => html`<li title=${`${name}: ${format.rate(rate)}`}>${name}</li>`)}</ul>
    <svg viewBox=${`0 0 100 ${height}`} height=${height} preserveAspectRatio="none" aria-hidden="true">
      ${streams.map((stream) => {
        const [y, z] = [starts.get(stream), ends.get(stream)]
        return html`<path key=${`${stream.from}/${stream.to}`} d=${`M0 ${y}C50 ${y} 50 ${z} 100 ${z}`} style=${{ strokeWidth: `${stream.width}px` }} />`
      })}
    </svg>
    <ul class="to" style=${pad(to)} aria-label="those who fetch">${to.map(({ name, rate }) => html`<li title=${`${name}: ${format.rate(rate)}`}>${name}</li>`)}</ul>
  </div>`
}

/** Streams of one node side by side, around its place: stream → where its middle is. */
function stack (streams, side, place) {
  const wide = new Map()
  for (const stream of streams) wide.set(stream[side], (wide.get(stream[side]) ?? 0) + stream.width)
  const next = new Map([...wide].map(([name, width]) => [name, place(name) - Math.min(ROW - 4, width) / 2]))
  return new Map(streams.map((stream) => {
    const name = stream[side]
    const width = stream.width * Math.min(1, (ROW - 4) / wide.get(name))
    const at = next.get(name)
    next.set(name, at + width)
    return [stream, at + width / 2]
  }))
}

/** The busiest ones; the others are one. */
function rank (streams, side) {
  const rates = new Map()
  for (const stream of streams) rates.set(stream[side], (rates.get(stream[side]) ?? 0) + stream.rate)
  const all = [...rates].map(([name, rate]) => ({ name, rate })).sort((a, b) => b.rate - a.rate)
  if (all.length <= MOST) return all
  const rest = all.slice(MOST - 1)
  return [...all.slice(0, MOST - 1), { name: `and ${rest.length} more`, rate: rest.reduce((sum, { rate }) => sum + rate, 0) }]
}

function List ({ transfers }) {
  const rows = [...transfers].sort((a, b) => b.rate - a.rate)
  return html`<div class="scroll" tabindex="0" role="region" aria-label="list of downloads"><table>
    <thead><tr><th class="w-node"><span>To</span></th><th><span>File</span></th><th class="w-strip"><span>Progress</span></th><th class="w-rate number"><span>Rate</span></th><th class="w-rate number narrow-no"><span>Left</span></th></tr></thead>
    <tbody>${rows.map((transfer) => html`<${Row} key=${`${transfer.node}/${transfer.filename}`} transfer=${transfer} />`)}</tbody>
  </table></div>`
}

function Row ({ transfer }) {
  const { node, filename, bytes, size, rate } = transfer
  return html`<tr>
    <td title=${node}>${node}</td>
    <td title=${filename}><a href=${`#file=${encodeURIComponent(filename)}`}>${filename}</a></td>
    <td title=${`${format.bytes(bytes)} of ${format.bytes(size)}`}><${Strip} transfer=${transfer} /></td>
    <td class="number">${rate > 0 ? format.rate(rate) : html`<span class="waiting">waiting</span>`}</td>
    <td class="number narrow-no">${rate > 0 ? format.span((size - bytes) / rate) : ''}</td>
  </tr>`
}

// The first page: is the network well, what moves right now, where is my file.
import * as format from './format.js'
import { Files } from './files.js'
import { Nodes } from './nodes.js'
import { Command, html } from './parts.js'
import { Swarm } from './swarm.js'
import { Traffic } from './traffic.js'

const { login } = document.getElementById('page').dataset
const hasLogin = login !== undefined

export function Overview ({ model, state }) {
  const figures = model.figures.get('')?.[1]
  return html`
    <${Head} state=${state} />
    <main class=${`rows ${isStale(state) ? 'stale' : ''}`}>
      ${figures && html`<${Figures} figures=${figures} />`}
      ${figures?.nodes === 0 && figures.files === 0
? html`<${Empty} port=${figures.port} />`
: model.isKnown && html`
        <${Swarm} transfers=${[...model.transfers.values()].map(([, transfer]) => transfer)} />
        <${Traffic} marks=${model.traffic} rate=${figures?.rate ?? 0} version=${`${model.versions.traffic} ${figures?.rate}`} />
        <${Files} files=${model.files} version=${model.versions.files} isTruncated=${figures?.isTruncated} />
        <${Nodes} nodes=${model.nodes} />`}
    </main>`
}

export function Head ({ state }) {
  return html`<header class="head">
    <h1><a href="#">piecemeal</a></h1>
    <div class="state"><span role="status"><${State} state=${state} /></span>${hasLogin && html`<form method="post" action="/logout"><button class="plain">Log out</button></form>`}</div>
  </header>`
}

function State ({ state: { word, since } }) {
  const time = new Date(since).toLocaleTimeString()
  switch (word) {
    case 'live': return html`<span class="well">live</span>`
    case 'polling': return html`<span class="waiting">asked every few seconds, as very many look on</span>`
    case 'lost': return html`<span class="failed">no connection to the tracker since ${time}; what was known then is shown, and it is tried again</span>`
    default: return html`<span class="waiting">connecting</span>`
  }
}

export function isStale ({ word }) {
  return word === 'lost'
}

function Figures ({ figures: { nodes, files, bytes, rate, trackers, records, memoryBytes, isDegraded, isTruncated } }) {
  return html`<dl class="figures">
    <${Figure} value=${nodes.toLocaleString('en')} name=${nodes === 1 ? 'node' : 'nodes'} />
    <${Figure} value=${files.toLocaleString('en')} name=${files === 1 ? 'file' : 'files'} />
    <${Figure} value=${`${format.bytes(bytes)}${isTruncated ? ' or more' : ''}`} name="shared" />
    <${Figure} value=${format.rate(rate)} name="right now" />
    <${Figure} value=${trackers} name=${trackers === 1 ? 'tracker' : 'trackers'} />
    ${memoryBytes !== undefined && html`<${Figure} value=${`${records.toLocaleString('en')}, ${format.bytes(memoryBytes)}`} name="records in Redis" />`}
    ${isDegraded && html`<div><dt>registry</dt><dd class="failed">away</dd></div>`}
  </dl>`
}

function Figure ({ value, name }) {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>`
}

/** Nobody is here yet: the two commands that change that. */
function Empty ({ port }) {
  const host = location.hostname
  return html`<section class="notice">
    <h2>Nobody shares anything yet</h2>
    <p>Start a node on a machine that has a file:</p>
    <${Command} text=${`bin/node -n NodeA -t ${host}:${port}`} />
    <p>and tell it, on its standard input, what to share:</p>
    <${Command} text="torrent -m upload ./FILE" />
    <p class="quiet">The file appears here as soon as it is shared.</p>
  </section>`
}

// Who is connected.
import * as format from './format.js'
import { Ago, html } from './parts.js'

export function Nodes ({ nodes }) {
  const rows = [...nodes.values()].map(([, node]) => node).sort((a, b) => a.name < b.name ? -1 : 1)
  return html`<section aria-labelledby="nodes">
    <div class="over"><h2 id="nodes">Nodes</h2><span class="quiet">${format.count(rows.length, 'node')}</span></div>
    ${rows.length > 0 && html`<div class="scroll" tabindex="0" role="region" aria-label="list of nodes"><table>
      <thead><tr><th><span>Name</span></th><th><span>Address</span></th><th class="w-count number"><span>Files</span></th><th class="w-age narrow-no"><span>Connected</span></th></tr></thead>
      <tbody>${rows.map(({ name, host, files, since }) => html`<tr key=${name}>
        <td title=${name}>${name}</td><td class="mono">${host}</td><td class="number">${files.toLocaleString('en')}</td><td class="narrow-no"><${Ago} seconds=${since} /></td>
      </tr>`)}</tbody>
    </table></div>`}
  </section>`
}

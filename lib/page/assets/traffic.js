// The rate of the last hour.
import uPlot from './uplot.js'
import { Component, createRef } from './preact.js'
import * as format from './format.js'
import { html } from './parts.js'

const HEIGHT = 148
const HOUR_S = 3_600
const FONT = '12px system-ui, sans-serif'

export class Traffic extends Component {
  #place = createRef()
  #plot
  #watch
  #dark = matchMedia('(prefers-color-scheme: dark)')
  #redraw = () => this.#draw()

  render ({ marks, rate }) {
    const most = Math.max(0, rate, ...[...marks.values()].map(([, rate]) => rate))
    return html`<section aria-labelledby="traffic">
      <div class="over"><h2 id="traffic">Traffic of the last hour</h2><span class="quiet">${most > 0 ? `at most ${format.rate(most)}` : 'none'}</span></div>
      <div ref=${this.#place} class="chart" role="img" aria-label=${`file data that arrived in the last hour, at most ${format.rate(most)}`} hidden=${most === 0}></div>
    </section>`
  }

  componentDidMount () {
    this.#watch = new ResizeObserver(([{ contentRect: { width } }]) => { if (width > 0) this.#plot?.setSize({ width, height: HEIGHT }) })
    this.#watch.observe(this.#place.current)
    this.#dark.addEventListener('change', this.#redraw)
    this.#draw()
  }

  componentDidUpdate ({ version }) {
    if (version === this.props.version) return
    if (this.#plot && !this.#place.current.hidden) this.#plot.setData(this.#data)
    else this.#draw()
  }

  componentWillUnmount () {
    this.#watch.disconnect()
    this.#dark.removeEventListener('change', this.#redraw)
    this.#plot?.destroy()
  }

  get #data () {
    const rows = [...this.props.marks.values()].map(([seconds, rate]) => [Number(seconds), rate]).sort(([a], [b]) => a - b)
    // What is so now is a mark as well.
    rows.push([Math.max(Date.now() / 1000, rows.at(-1)?.[0] ?? 0), this.props.rate])
    return [rows.map(([seconds]) => seconds), rows.map(([, rate]) => rate)]
  }

  #draw () {
    this.#plot?.destroy()
    this.#plot = undefined
    const place = this.#place.current
    if (place.hidden) return
    const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
    const axis = { stroke: colour('--quiet'), font: FONT, grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } }
    this.#plot = new uPlot({
      width: place.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { range: () => [Date.now() / 1000 - HOUR_S, Date.now() / 1000] }, y: { range: (_plot, _least, most) => [0, Math.max(1024, most * 1.1)] } },
      axes: [
        { ...axis, size: 28, space: 80, values: (_plot, at) => at.map((seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })) },
        { ...axis, size: 88, space: 36, incrs: [...Array(40).keys()].flatMap((power) => [2 ** power]), values: (_plot, at) => at.map((rate) => format.rate(rate)) },
      ],
      series: [{}, { stroke: colour('--accent'), fill: colour('--accent-soft'), width: 1.5, points: { show: false } }],
    }, this.#data, place)
  }
}

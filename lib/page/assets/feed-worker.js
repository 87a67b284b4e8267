// All tabs of a browser share one stream: it allows six connections to a host.
import { Feed } from './feed.js'
import { Model } from './model.js'

const ports = new Set()
const model = new Model()
const tell = (data) => { for (const port of ports) port.postMessage(data) }
const feed = new Feed((message, options) => {
  model.apply(message, options)
  tell({ message, options })
}, (state) => tell({ state }))

self.onconnect = ({ ports: [port] }) => {
  ports.add(port)
  port.onmessage = ({ data }) => {
    if (data === 'bye') ports.delete(port)
    else feed.wake()
  }
  port.postMessage({ tables: model.tables, state: feed.state })
  if (feed.state.word === 'login') feed.wake()
}

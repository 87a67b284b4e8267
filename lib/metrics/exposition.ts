/** Measures as Prometheus reads them, beside those of this process. The only file that knows prom-client, which is loaded with it. */
import { collectDefaultMetrics, Registry, type Metric, type RegistryContentType } from 'prom-client'
import type { Measure } from './measures.js'

export interface Exposition {
  contentType: string
  text: () => Promise<string>
}

/** Prometheus' own check takes `_total` for counters alone, which these of prom-client are not. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

export function exposition (measures: readonly Measure[]): Exposition {
  const registry = new Registry<RegistryContentType>()
  collectDefaultMetrics({ register: registry })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
  for (const measure of measures) registry.registerMetric(collected(measure))
  return { contentType: registry.contentType, text: async () => await registry.metrics() }
}

/** What a registry asks of a metric is its `get` alone. */
function collected (measure: Measure): Metric {
  const { name, help, type } = measure
  const metric = {
    name,
    get: async () => ({
      name,
      help,
      type,
      aggregator: 'sum',
      values: (await measure.samples()).map(({ name: metricName = name, labels, value }) => ({ metricName, labels, value })),
    }),
    reset: () => {},
  }
  return metric as unknown as Metric
}

// Writes deploy/grafana/dashboard.json: `node scripts/dashboard.mjs`; the rows below are its panels.
import { writeFileSync } from 'node:fs'

const panels = [
  [
    'Ready',
    'stat',
    'grocerd_readiness{status="ready",instance=~"$instance"}',
    '{{instance}}',
    'short',
  ],
  [
    'Reasons',
    'timeseries',
    'sum by (code) (grocerd_reasons{instance=~"$instance"})',
    '{{code}}',
    'short',
  ],
  [
    'Cameras',
    'timeseries',
    'grocerd_camera_status{instance=~"$instance"} == 1',
    '{{instance}} {{camera}} {{status}}',
    'short',
  ],
  [
    'Frames',
    'timeseries',
    'sum by (camera, result) (rate(grocerd_frames_total{instance=~"$instance"}[5m]))',
    '{{camera}} {{result}}',
    'short',
  ],
  [
    'Events by decision',
    'timeseries',
    'sum by (action, decision) (rate(grocerd_events_total{instance=~"$instance"}[15m])) * 3600',
    '{{action}} {{decision}} an hour',
    'short',
  ],
  [
    'Capture to publish, 95 %',
    'timeseries',
    'histogram_quantile(0.95, sum by (instance, le) (rate(grocerd_capture_to_publish_seconds_bucket{instance=~"$instance"}[15m])))',
    '{{instance}}',
    's',
  ],
  [
    'Time of a stage',
    'timeseries',
    'sum by (stage) (rate(grocerd_stage_seconds_sum{instance=~"$instance"}[5m])) / sum by (stage) (rate(grocerd_stage_seconds_count{instance=~"$instance"}[5m]))',
    '{{stage}}',
    's',
  ],
  ['Outbox', 'timeseries', 'grocerd_outbox_depth{instance=~"$instance"}', '{{instance}}', 'short'],
  [
    'Broker',
    'timeseries',
    'grocerd_mqtt_connected{instance=~"$instance"}',
    '{{instance}}',
    'short',
  ],
  [
    'Memory against the budget',
    'timeseries',
    'grocerd_memory_used_bytes{instance=~"$instance"}',
    '{{instance}} {{kind}}',
    'bytes',
  ],
]

const dashboard = {
  uid: 'grocerd',
  title: 'grocerd',
  tags: ['grocerd'],
  schemaVersion: 39,
  refresh: '30s',
  time: { from: 'now-6h', to: 'now' },
  templating: {
    list: [
      { name: 'source', type: 'datasource', query: 'prometheus', label: 'Prometheus' },
      {
        name: 'instance',
        type: 'query',
        datasource: { type: 'prometheus', uid: '${source}' },
        query: 'label_values(grocerd_build_info, instance)',
        refresh: 2,
        multi: true,
        includeAll: true,
        allValue: '.*',
        current: { text: 'All', value: '$__all' },
      },
    ],
  },
  panels: panels.map(([title, type, expr, legendFormat, unit], index) => ({
    id: index + 1,
    title,
    type,
    datasource: { type: 'prometheus', uid: '${source}' },
    gridPos: { x: (index % 2) * 12, y: Math.floor(index / 2) * 8, w: 12, h: 8 },
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    targets: [{ refId: 'A', expr, legendFormat }],
  })),
}
writeFileSync('deploy/grafana/dashboard.json', `${JSON.stringify(dashboard, null, 2)}\n`)

import type { Dashboard, Panel } from './panel.ts'

// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own variable
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' }
const SIZES = {
  stat: { w: 4, h: 4 },
  timeseries: { w: 12, h: 8 },
  table: { w: 12, h: 8 },
} as const
const WIDTH = 24

/** What Grafana reads from a file: its dashboard model (schema 41), the same text for the same definition. */
export function renderDashboard({ uid, title, description, panels }: Dashboard): string {
  return `${JSON.stringify(
    {
      uid,
      title,
      description,
      tags: ['pacs'],
      schemaVersion: 41,
      version: 1,
      editable: false,
      graphTooltip: 1,
      refresh: '30s',
      time: { from: 'now-6h', to: 'now' },
      timezone: 'browser',
      links: [
        {
          type: 'dashboards',
          title: 'PACS',
          icon: 'external link',
          tooltip: '',
          tags: ['pacs'],
          asDropdown: true,
          includeVars: false,
          keepTime: true,
          targetBlank: false,
        },
      ],
      annotations: { list: [releases] },
      templating: { list: [datasource, instance] },
      panels: place(panels),
    },
    null,
    2,
  )}\n`
}

/** A mark at the moment at which a release is first seen. */
const releases = {
  name: 'Releases',
  datasource: DATASOURCE,
  enable: true,
  iconColor: 'blue',
  expr: 'count by (version, commit) (pacs_build_info) unless count by (version, commit) (pacs_build_info offset 2m)',
  step: '1m',
  titleFormat: 'Release {{version}}',
  textFormat: '{{commit}}',
}

const datasource = {
  name: 'datasource',
  label: 'Data source',
  type: 'datasource',
  query: 'prometheus',
  current: { text: 'Prometheus', value: 'prometheus' },
  hide: 0,
}

const instance = {
  name: 'instance',
  label: 'Instance of the API',
  type: 'query',
  datasource: DATASOURCE,
  query: { query: 'label_values(up{job="app"}, instance)', refId: 'instance' },
  refresh: 2,
  includeAll: true,
  multi: true,
  allValue: '.*',
  current: { text: 'All', value: '$__all' },
  hide: 0,
}

function place(panels: readonly Panel[]) {
  let x = 0
  let y = 0
  let rowHeight = 0
  return panels.map((panel, index) => {
    const { w, h } = SIZES[panel.kind]
    if (x + w > WIDTH || (rowHeight !== 0 && rowHeight !== h)) {
      x = 0
      y += rowHeight
      rowHeight = 0
    }
    const gridPos = { x, y, w, h }
    x += w
    rowHeight = h
    return { id: index + 1, gridPos, ...bodyOf(panel) }
  })
}

function bodyOf({ title, description, unit, kind, queries, thresholds }: Panel) {
  const instant = kind !== 'timeseries'
  return {
    type: kind,
    title,
    description,
    datasource: DATASOURCE,
    fieldConfig: {
      defaults: {
        unit,
        ...(kind === 'timeseries' ? { custom: { lineWidth: 1, fillOpacity: 10, showPoints: 'never' } } : {}),
        thresholds: { mode: 'absolute', steps: stepsOf(thresholds) },
      },
      overrides: [],
    },
    options: optionsOf(kind),
    targets: Object.entries(queries).map(([legend, expr], index) => ({
      refId: String.fromCharCode(65 + index),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
      instant,
      range: !instant,
      ...(kind === 'table' ? { format: 'table' } : {}),
    })),
  }
}

function stepsOf(thresholds: Panel['thresholds']) {
  if (thresholds === undefined) return [{ color: 'text', value: null }]
  const [yellow, red] = thresholds
  return yellow <= red
    ? [
        { color: 'green', value: null },
        { color: 'yellow', value: yellow },
        { color: 'red', value: red },
      ]
    : [
        { color: 'red', value: null },
        { color: 'yellow', value: red },
        { color: 'green', value: yellow },
      ]
}

function optionsOf(kind: Panel['kind']) {
  if (kind === 'timeseries')
    return {
      legend: { showLegend: true, displayMode: 'list', placement: 'bottom', calcs: [] },
      tooltip: { mode: 'multi', sort: 'none' },
    }
  if (kind === 'table') return { showHeader: true, frameIndex: 0 }
  return {
    reduceOptions: { calcs: ['lastNotNull'], values: false },
    orientation: 'auto',
    colorMode: 'value',
    graphMode: 'none',
    justifyMode: 'auto',
    textMode: 'auto',
    wideLayout: true,
    showPercentChange: false,
    percentChangeColorMode: 'standard',
  }
}

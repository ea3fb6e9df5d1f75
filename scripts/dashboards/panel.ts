/** Units by Grafana's names. */
export type Unit =
  | 'short'
  | 's'
  | 'ms'
  | 'percentunit'
  | 'reqps'
  | 'bytes'
  | 'Bps'
  | 'ops'
  | 'bool_yes_no'
  | 'bool_on_off'
  | 'dateTimeFromNow'

/** One panel: a question, what it means for a reader, and in which unit it is answered. */
export interface Panel {
  title: string
  description: string
  unit: Unit
  /** `stat` shows the newest value, `table` the newest of each series, `timeseries` all of them. */
  kind: 'timeseries' | 'stat' | 'table'
  /** Legend (`{{label}}` of the series) → PromQL. */
  queries: Readonly<Record<string, string>>
  /** Values from which on the figure is yellow and red; the other way round when the second is the lower one. */
  thresholds?: readonly [yellow: number, red: number]
}

export interface Dashboard {
  /** Also the name of its file. */
  uid: string
  title: string
  description: string
  panels: readonly Panel[]
}

type Rest = readonly [description: string, unit: Unit, queries: Panel['queries'], thresholds?: Panel['thresholds']]

const panel =
  (kind: Panel['kind']) =>
  (title: string, ...[description, unit, queries, thresholds]: Rest): Panel => ({
    title,
    description,
    unit,
    kind,
    queries,
    ...(thresholds === undefined ? {} : { thresholds }),
  })

export const graph = panel('timeseries')
export const stat = panel('stat')
export const table = panel('table')

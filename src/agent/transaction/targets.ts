import type { State } from './state.ts'

/**
 * Prometheus targets (`file_sd`) as a pure function of the state: every container of a living instance whose service has
 * `x-pacs.metrics`, named itself, since an alias would mix releases. In a fixed order, so that only a change of what lives is one.
 */
export function targetsOf({ serving, candidate, warm }: State): string {
  const living = [serving, candidate, warm?.instance ?? null].filter((one) => one !== null)
  const targets = living.flatMap(({ i8, release, services }) =>
    services.flatMap(({ name, containers, metrics }) =>
      metrics === null
        ? []
        : containers.map((container) => ({
            targets: [`${container}:${metrics.port}`],
            // Replicas differ by their container alone, and two targets must not have the same labels.
            labels: { __metrics_path__: metrics.path, service: name, instance: i8, release, container },
          })),
    ),
  )
  const byContainer = new Map(targets.map((target) => [target.labels.container, target]))
  const sorted = [...byContainer.values()].sort((a, b) => (a.labels.container < b.labels.container ? -1 : 1))
  return `${JSON.stringify(sorted, null, 1)}\n`
}

import { Gauge } from 'prom-client'

/**
 * Figures that are asked for when Prometheus comes, each within its own time limit: what the app depends on, and the findings that
 * nobody has acknowledged. A figure that cannot be had is absent, not 0.
 * @param {import('prom-client').Registry} registry
 * @param {{
 *   release: import('../config.js').Config['release'],
 *   dependencies: import('../dependencies.js').Dependencies,
 *   notifications: import('../records/notifications.js').Notifications,
 * }} parts
 */
export function watchParts(registry, { release, dependencies, notifications }) {
  const registers = [registry]
  new Gauge({
    name: 'pacs_build_info',
    help: 'The release that runs here',
    labelNames: ['version', 'commit'],
    registers,
  }).set({ version: release.version, commit: release.commit }, 1)
  new Gauge({
    name: 'pacs_dependency_up',
    help: '1 when the dependency answers within 2 s, with the login that the app has',
    labelNames: ['dependency'],
    registers,
    async collect() {
      for (const [dependency, { isUp }] of await dependencies.ask()) this.set({ dependency }, isUp ? 1 : 0)
    },
  })
  new Gauge({
    name: 'pacs_dependency_ping_seconds',
    help: 'How long the dependency took to answer, or to be given up',
    labelNames: ['dependency'],
    registers,
    async collect() {
      for (const [dependency, { seconds }] of await dependencies.ask()) this.set({ dependency }, seconds)
    },
  })
  new Gauge({
    name: 'pacs_notifications_open',
    help: 'Findings that nobody has acknowledged; the oldest 100 of a severity are counted',
    labelNames: ['severity'],
    registers,
    async collect() {
      this.reset()
      for (const [severity, ages] of await agesOf(notifications)) this.set({ severity }, ages.length)
    },
  })
  new Gauge({
    name: 'pacs_notification_oldest_open_seconds',
    help: 'Age of the oldest finding that nobody has acknowledged; 0 when there is none',
    labelNames: ['severity'],
    registers,
    async collect() {
      this.reset()
      for (const [severity, ages] of await agesOf(notifications)) this.set({ severity }, Math.max(0, ...ages))
    },
  })
}

/**
 * @param {import('../records/notifications.js').Notifications} notifications
 * @returns {Promise<[severity: string, seconds: number[]][]>} nothing while the database is away
 */
async function agesOf(notifications) {
  const ages = async (/** @type {'critical' | 'urgent'} */ severity) =>
    (await notifications.oldestOpen(severity)).map((one) => (Date.now() - one.createdAt.getTime()) / 1000)
  return Promise.all([ages('critical'), ages('urgent')]).then(
    ([critical, urgent]) => [
      ['critical', critical],
      ['urgent', urgent],
    ],
    () => [],
  )
}

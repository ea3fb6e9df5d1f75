import { type Dashboard, graph, stat, table } from './panel.ts'

const API = 'job="app",instance=~"$instance"'
const PUBLIC = 'job="traefik",entrypoint="websecure"'
const DISKS = 'job="node",fstype!~"tmpfs|ramfs|overlay|squashfs"'
const quantile = (q: number, by: string, bucket: string) =>
  `histogram_quantile(${q}, sum by (le${by && `, ${by}`}) (rate(${bucket}[$__rate_interval])))`

const overview: Dashboard = {
  uid: 'pacs-dashboard',
  title: 'PACS: overview',
  description: 'Whether people are served, what is wrong, and what runs.',
  panels: [
    stat(
      'Open alerts',
      'Alerts that fire now, less the watchdog.',
      'short',
      { alerts: 'count(ALERTS{alertstate="firing",alertname!="Watchdog"}) or vector(0)' },
      [1, 5],
    ),
    stat(
      'Served in 3 days',
      'Share of requests that did not end in 5xx; the objective is 99.9 %.',
      'percentunit',
      { served: '1 - pacs:edge_errors:ratio_rate3d' },
      [0.999, 0.99],
    ),
    stat(
      'Public entry',
      'Whether the probe through Traefik gets an answer.',
      'bool_yes_no',
      { '{{instance}}': 'min(probe_success{job="edge"})' },
      [1, 0.5],
    ),
    stat(
      'DICOM port',
      'Whether Orthanc accepts connections of modalities.',
      'bool_yes_no',
      { dicom: 'probe_success{job="dicom"}' },
      [1, 0.5],
    ),
    stat('Newest backup', 'When the newest good backup ended.', 'dateTimeFromNow', {
      backup: 'pacs_backup_last_success_timestamp_seconds * 1000',
    }),
    stat('Certificate ends', 'When the certificate of the public entry ends.', 'dateTimeFromNow', {
      certificate: 'min(max by (cn, sans) (traefik_tls_certs_not_after)) * 1000',
    }),
    graph('Requests', 'All that comes in, by the first digit of its answer.', 'reqps', {
      '{{class}}xx': `sum by (class) (label_replace(rate(traefik_entrypoint_requests_total{${PUBLIC}}[$__rate_interval]), "class", "$1", "code", "(.).*"))`,
    }),
    graph('Time to answer', 'Half, 95 % and 99 % of requests are faster.', 's', {
      p50: quantile(0.5, '', `traefik_entrypoint_request_duration_seconds_bucket{${PUBLIC}}`),
      p95: quantile(0.95, '', `traefik_entrypoint_request_duration_seconds_bucket{${PUBLIC}}`),
      p99: quantile(0.99, '', `traefik_entrypoint_request_duration_seconds_bucket{${PUBLIC}}`),
    }),
    graph('Dependencies of the API', '1 when it answers with the login that the API has.', 'bool_on_off', {
      '{{dependency}}': 'max by (dependency) (pacs_dependency_up)',
    }),
    table('What fires', 'Name, severity and category of each alert.', 'short', {
      alert: 'ALERTS{alertstate="firing",alertname!="Watchdog"}',
    }),
  ],
}

const api: Dashboard = {
  uid: 'pacs-api',
  title: 'PACS: API',
  description: 'Rate, errors and duration of each route, and the process behind them.',
  panels: [
    graph('Requests by route', 'Patterns, never paths: a path would name a study.', 'reqps', {
      '{{method}} {{route}}': `sum by (method, route) (rate(pacs_http_request_duration_seconds_count{${API}}[$__rate_interval]))`,
    }),
    graph('95 % of answers are faster than', 'By route; archives take long by nature.', 's', {
      '{{route}}': quantile(0.95, 'route', `pacs_http_request_duration_seconds_bucket{${API}}`),
    }),
    graph('Requests in flight', 'An instance at 0 may be stopped.', 'short', {
      '{{instance}}': `sum by (instance) (pacs_http_requests_in_flight{${API}})`,
    }),
    graph('Bytes of answers', 'By route; images and archives are most of it.', 'Bps', {
      '{{route}}': `sum by (route) (rate(pacs_http_response_bytes_total{${API}}[$__rate_interval]))`,
    }),
    graph('Event loop', 'How late a timer comes, at worst in 99 of 100: above 0.25 s all requests wait.', 's', {
      '{{instance}}': `nodejs_eventloop_lag_p99_seconds{${API}}`,
    }),
    graph('Time to reach dependencies', 'A ping with the login of the API.', 's', {
      '{{dependency}}': `max by (dependency) (pacs_dependency_ping_seconds{${API}})`,
    }),
    graph('Heap', 'Used by JavaScript; the container ends at 256 MiB in all.', 'bytes', {
      '{{instance}}': `nodejs_heap_size_used_bytes{${API}}`,
    }),
    graph('Processor', 'Cores in use by instance.', 'short', {
      '{{instance}}': `sum by (instance) (rate(process_cpu_seconds_total{${API}}[$__rate_interval]))`,
    }),
  ],
}

const errors: Dashboard = {
  uid: 'pacs-errors',
  title: 'PACS: errors',
  description: 'What fails, where, and how fast the budget of errors is used.',
  panels: [
    graph(
      'Budget burn',
      'Share of failed requests over the budget of 0.1 %: 14.4 empties a month in two days.',
      'short',
      {
        'last hour': 'pacs:edge_errors:ratio_rate1h / 0.001',
        'last 6 hours': 'pacs:edge_errors:ratio_rate6h / 0.001',
        'last 3 days': 'pacs:edge_errors:ratio_rate3d / 0.001',
      },
    ),
    graph('5xx by service', 'Seen by Traefik, so also those of a service that is away.', 'reqps', {
      '{{service}} {{code}}':
        'sum by (service, code) (rate(traefik_service_requests_total{code=~"5.."}[$__rate_interval]))',
    }),
    graph('5xx by route', 'Seen by the API itself.', 'reqps', {
      '{{route}} {{code}}': `sum by (route, code) (rate(pacs_http_request_duration_seconds_count{${API},code=~"5.."}[$__rate_interval]))`,
    }),
    graph('4xx by route', 'Many at once after a release: page and API do not fit.', 'reqps', {
      '{{route}} {{code}}': `sum by (route, code) (rate(pacs_http_request_duration_seconds_count{${API},code=~"4.."}[$__rate_interval]))`,
    }),
    graph('Broken off', 'Callers that left, and answers that broke off.', 'reqps', {
      '{{route}}': `sum by (route) (rate(pacs_http_requests_aborted_total{${API}}[$__rate_interval]))`,
    }),
  ],
}

const sessions: Dashboard = {
  uid: 'pacs-sessions',
  title: 'PACS: sessions',
  description: 'Who works, counted, never named.',
  panels: [
    stat(
      'Active sessions',
      'That asked for something in the last 5 minutes; one that met two instances counts twice.',
      'short',
      { active: 'sum(pacs_sessions_active)' },
    ),
    stat('Log-ins today', 'Sessions that began in 24 hours.', 'short', {
      sessions: 'sum(increase(pacs_sessions_started_total[24h]))',
    }),
    graph('Active sessions by instance', 'After a release they move to the new one.', 'short', {
      '{{instance}}': `pacs_sessions_active{${API}}`,
    }),
    graph('Log-ins', 'Sessions that begin.', 'ops', {
      started: 'sum(rate(pacs_sessions_started_total[$__rate_interval]))',
    }),
    graph('How sessions end', 'refused: a request came with one that had run out.', 'ops', {
      '{{reason}}': 'sum by (reason) (rate(pacs_sessions_ended_total[$__rate_interval]))',
    }),
    graph('Passwords', 'What became of them at log-in and signing.', 'ops', {
      '{{purpose}} {{result}}': 'sum by (purpose, result) (rate(pacs_auth_attempts_total[$__rate_interval]))',
    }),
  ],
}

const notifications: Dashboard = {
  uid: 'pacs-notifications',
  title: 'PACS: critical findings',
  description: 'Findings that somebody must hear of, until he has said that he did.',
  panels: [
    stat(
      'Open, critical',
      'Nobody has acknowledged them.',
      'short',
      { open: 'max(pacs_notifications_open{severity="critical"})' },
      [1, 5],
    ),
    stat(
      'Oldest, critical',
      'For how long it has waited.',
      's',
      { oldest: 'max(pacs_notification_oldest_open_seconds{severity="critical"})' },
      [900, 3600],
    ),
    stat(
      'Open, urgent',
      'Nobody has acknowledged them.',
      'short',
      { open: 'max(pacs_notifications_open{severity="urgent"})' },
      [5, 20],
    ),
    graph('Findings', 'That were sent, by severity.', 'ops', {
      '{{severity}}': 'sum by (severity) (rate(pacs_notifications_created_total[$__rate_interval]))',
    }),
    graph('Could not be kept', 'Each of these is a finding that its author must send again.', 'ops', {
      failed: 'sum(rate(pacs_notifications_failed_total[$__rate_interval]))',
    }),
    graph('Time to acknowledge', 'Half and 95 % were faster.', 's', {
      p50: quantile(0.5, 'severity', 'pacs_notification_acknowledge_seconds_bucket'),
      p95: quantile(0.95, 'severity', 'pacs_notification_acknowledge_seconds_bucket'),
    }),
    graph('Age of the oldest', 'By severity; 0 when none waits.', 's', {
      '{{severity}}': 'max by (severity) (pacs_notification_oldest_open_seconds)',
    }),
  ],
}

const resources: Dashboard = {
  uid: 'pacs-resources',
  title: 'PACS: resources',
  description: 'The machine: processor, memory, disks, clock.',
  panels: [
    stat(
      'Memory left',
      'Share that programs could still get; a deploy needs room for two releases.',
      'percentunit',
      { left: 'node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes' },
      [0.2, 0.1],
    ),
    stat(
      'Least room on a disk',
      'Share left of the fullest file system.',
      'percentunit',
      { left: `min(node_filesystem_avail_bytes{${DISKS}} / node_filesystem_size_bytes)` },
      [0.2, 0.1],
    ),
    stat(
      'Clock synchronised',
      'Times of the audit trail rest on it.',
      'bool_yes_no',
      { synchronised: 'node_timex_sync_status' },
      [1, 0.5],
    ),
    graph('Processor', 'Share of all cores in use.', 'percentunit', {
      busy: '1 - avg(rate(node_cpu_seconds_total{mode="idle"}[$__rate_interval]))',
    }),
    graph('Memory', 'Available, of all.', 'bytes', {
      available: 'node_memory_MemAvailable_bytes',
      all: 'node_memory_MemTotal_bytes',
    }),
    graph('Room on disks', 'By mount point.', 'bytes', { '{{mountpoint}}': `node_filesystem_avail_bytes{${DISKS}}` }),
    graph('Disks busy', 'Share of time with a request under way.', 'percentunit', {
      '{{device}}': 'rate(node_disk_io_time_seconds_total[$__rate_interval])',
    }),
    graph('Memory by service', 'Resident, of those that tell.', 'bytes', {
      '{{job}} {{instance}}': 'process_resident_memory_bytes',
    }),
    graph('Memory by container', 'Share of its limit, without droppable pages of files.', 'percentunit', {
      '{{name}}': 'pacs_container_memory_bytes / pacs_container_memory_limit_bytes',
    }),
    graph('Processor by container', 'Cores in use.', 'short', {
      '{{name}}': 'rate(pacs_container_cpu_seconds_total[$__rate_interval])',
    }),
    graph('Restarts by container', 'Starts by its restart policy.', 'short', {
      '{{name}}': 'increase(pacs_container_restarts_total[$__rate_interval])',
    }),
    graph('Ended for lack of memory', 'Processes that the kernel ended.', 'short', {
      processes: 'increase(node_vmstat_oom_kill[$__rate_interval])',
    }),
  ],
}

const imaging: Dashboard = {
  uid: 'pacs-imaging',
  title: 'PACS: imaging',
  description: 'Orthanc: what arrives, how fast, and what waits.',
  panels: [
    stat('Studies', 'In the archive.', 'short', { studies: 'orthanc_count_studies' }),
    stat('Instances', 'In the archive.', 'short', { instances: 'orthanc_count_instances' }),
    stat('On disk', 'Megabytes of files.', 'short', { MB: 'orthanc_disk_size_mb' }),
    stat('Requests in Orthanc', 'Of its REST API, that are being answered.', 'short', {
      requests: 'orthanc_rest_api_active_requests',
    }),
    graph('Instances that arrive', 'Per second, over the last minutes.', 'ops', {
      instances: 'deriv(orthanc_count_instances[10m])',
    }),
    graph('Jobs', 'That run and that wait.', 'short', {
      running: 'orthanc_jobs_running',
      waiting: 'orthanc_jobs_pending',
    }),
    graph('Exports', 'Downloads of studies that run.', 'short', { running: 'sum(pacs_exports_running)' }),
    graph('Ends of exports', 'Done and failed, per second.', 'ops', {
      '{{state}}': 'sum by (state) (rate(pacs_export_duration_seconds_count[$__rate_interval]))',
    }),
    graph('DICOM port', 'Whether it accepts connections, and how long that takes.', 's', {
      'time to connect': 'probe_duration_seconds{job="dicom"}',
    }),
  ],
}

const data: Dashboard = {
  uid: 'pacs-data',
  title: 'PACS: data and backups',
  description: 'Stores, backups, and the proof that they restore.',
  panels: [
    stat(
      'Last backup went well',
      'The last attempt, good or not.',
      'bool_yes_no',
      { good: 'pacs_backup_last_attempt_success' },
      [1, 0.5],
    ),
    stat('Last proof of restore', 'When a backup last passed every level.', 'dateTimeFromNow', {
      proved: 'pacs_backup_verification_last_success_timestamp_seconds * 1000',
    }),
    stat(
      'Level that passed',
      'Of the last verification: 0 exists, 2 restores, 4 same content, 5 rules hold, 6 in time.',
      'short',
      { level: 'pacs_backup_verification_level' },
      [6, 4],
    ),
    stat('Time to restore', 'Of the last verification.', 's', { restore: 'pacs_backup_restore_seconds' }),
    graph('Redis: memory', 'Used, and what it may use.', 'bytes', {
      used: 'redis_memory_used_bytes',
      most: 'redis_memory_max_bytes',
    }),
    graph('Redis: commands', 'Of all clients, per second.', 'ops', {
      commands: 'rate(redis_commands_processed_total[$__rate_interval])',
    }),
    graph('MongoDB: time to answer', 'A ping with the login of the API.', 's', {
      mongodb: 'max(pacs_dependency_ping_seconds{dependency="mongodb"})',
    }),
    graph('Backup: size', 'Read, and added to the repository.', 'bytes', {
      read: 'pacs_backup_read_bytes',
      added: 'pacs_backup_added_bytes',
    }),
    graph('Backup: duration', 'Of the newest good one.', 's', { backup: 'pacs_backup_duration_seconds' }),
  ],
}

const security: Dashboard = {
  uid: 'pacs-security',
  title: 'PACS: security and compliance',
  description: 'Log-ins, refusals, TLS, the audit trail and signatures.',
  panels: [
    stat(
      'Wrong passwords in an hour',
      'At log-in and signing.',
      'short',
      { wrong: 'sum(increase(pacs_auth_attempts_total{result="wrong"}[1h]))' },
      [10, 50],
    ),
    stat(
      'Chain of the audit trail',
      'Whether it was whole when it was last verified; empty when no one did in 30 days.',
      'bool_yes_no',
      {
        whole:
          'min(last_over_time(pacs_audit_chain_valid[30d]) and topk by (chain) (1, last_over_time(pacs_audit_chain_verified_timestamp_seconds[30d])))',
      },
      [1, 0.5],
    ),
    stat(
      'Entries not written in a day',
      'Each is in the log of the API.',
      'short',
      { failed: 'sum(increase(pacs_audit_write_failures_total[24h]))' },
      [1, 1],
    ),
    stat(
      'Invalid signatures in a day',
      'Reports that were changed after they were signed.',
      'short',
      { invalid: 'sum(increase(pacs_signature_verifications_total{result="invalid"}[24h]))' },
      [1, 1],
    ),
    graph('Refused at the edge', '401, 403 and 429.', 'reqps', {
      '{{code}}': `sum by (code) (rate(traefik_entrypoint_requests_total{${PUBLIC},code=~"401|403|429"}[$__rate_interval]))`,
    }),
    graph('TLS versions', 'The stack asks for 1.3.', 'reqps', {
      'TLS {{tls_version}}': 'sum by (tls_version) (rate(traefik_entrypoint_requests_tls_total[$__rate_interval]))',
    }),
    graph('Audit entries', 'By action, per second.', 'ops', {
      '{{action}}': 'sum by (action) (rate(pacs_audit_entries_total[$__rate_interval]))',
    }),
    graph('Time to write an entry', '95 % are faster.', 's', {
      p95: quantile(0.95, '', 'pacs_audit_write_duration_seconds_bucket'),
    }),
    graph('Signatures', 'By meaning and result.', 'ops', {
      '{{meaning}} {{result}}': 'sum by (meaning, result) (rate(pacs_signatures_total[$__rate_interval]))',
    }),
    graph('Time to sign', '95 % are faster; the proof of the password is most of it.', 's', {
      p95: quantile(0.95, '', 'pacs_signature_duration_seconds_bucket'),
    }),
  ],
}

const deployments: Dashboard = {
  uid: 'pacs-deployments',
  title: 'PACS: deployments',
  description: 'What runs and since when; blue marks are releases, on every dashboard.',
  panels: [
    table('What runs', 'Version and commit of each instance.', 'short', { release: 'pacs_build_info' }),
    table('Since when', 'Start of each process.', 'dateTimeFromNow', {
      '{{job}}': 'process_start_time_seconds * 1000',
    }),
    graph('Instances by release', 'Two lines for as long as the old release is kept warm.', 'short', {
      '{{version}} {{commit}}': 'count by (version, commit) (pacs_build_info)',
    }),
    graph('Errors around it', 'Share of 5xx at the edge.', 'percentunit', {
      'last 5 minutes': 'pacs:edge_errors:ratio_rate5m',
    }),
    graph('Requests by service of Traefik', 'The switch is where one line ends and the next begins.', 'reqps', {
      '{{service}}': 'sum by (service) (rate(traefik_service_requests_total[$__rate_interval]))',
    }),
    graph('Configurations that Traefik took', 'Each switch is one.', 'short', {
      reloads: 'increase(traefik_config_reloads_total[$__rate_interval])',
    }),
  ],
}

const monitoring: Dashboard = {
  uid: 'pacs-monitoring',
  title: 'PACS: the monitoring itself',
  description: 'Whether the other dashboards can be relied on.',
  panels: [
    table('Targets', '0 is one that cannot be scraped.', 'short', { '{{job}}': 'up' }),
    graph('Time to scrape', 'From 10 s on a target counts as down.', 's', {
      '{{job}}': 'max by (job) (scrape_duration_seconds)',
    }),
    graph('Messages', 'That Alertmanager sent.', 'ops', {
      '{{integration}}': 'sum by (integration) (rate(alertmanager_notifications_total[$__rate_interval]))',
    }),
    graph('Messages that failed', 'A receiver or its secret is wrong.', 'ops', {
      '{{integration}}': 'sum by (integration) (rate(alertmanager_notifications_failed_total[$__rate_interval]))',
    }),
    graph('Series', 'That Prometheus holds.', 'short', { series: 'prometheus_tsdb_head_series' }),
    graph('Its storage', 'Bytes of blocks.', 'bytes', { bytes: 'prometheus_tsdb_storage_blocks_bytes' }),
  ],
}

export const DASHBOARDS: readonly Dashboard[] = [
  overview,
  api,
  errors,
  sessions,
  notifications,
  resources,
  imaging,
  data,
  security,
  deployments,
  monitoring,
]

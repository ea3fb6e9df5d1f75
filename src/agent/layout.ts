import { join } from 'node:path'

/** Where everything lies on a server (design: "The agent"). */
export interface Layout {
  root: string
  bin: string
  state: string
  releases: string
  config: string
  /** What a person edits; a deploy seals it as a revision. */
  configNext: string
  stack: string
  traefik: string
  /** Where Prometheus finds its targets. */
  prometheus: string
  backups: string
  /** What the node exporter's textfile collector reads. */
  metrics: string
  journal: string
  audit: string
  /** Private and gone after a restart: registry logins, the socket. */
  run: string
  socket: string
  /** Where SSH sessions come in, each with the name of the key that it proved. */
  sshSocket: string
}

/** The layout under `root` and the run-time directory `run`. */
export function layout(root = '/opt/pacs', run = '/run/pacs'): Layout {
  return {
    root,
    bin: join(root, 'bin'),
    state: join(root, 'state.json'),
    releases: join(root, 'releases'),
    config: join(root, 'config'),
    configNext: join(root, 'config', 'next'),
    stack: join(root, 'stack'),
    traefik: join(root, 'traefik'),
    prometheus: join(root, 'prometheus'),
    backups: join(root, 'backups'),
    metrics: join(root, 'metrics'),
    journal: join(root, 'journal'),
    audit: join(root, 'audit'),
    run,
    socket: join(run, 'agent.sock'),
    sshSocket: join(run, 'ssh.sock'),
  }
}

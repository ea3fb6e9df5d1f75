import type { Machine } from '../lab/index.ts'

/** A small team's checkout in the runner: one service that is built, one that shares its image, one vendor's image. */
export interface SampleCheckout {
  directory: string
  commit: string
}

/** The files that a test may replace, by path. */
export type SampleFiles = Readonly<Record<string, string>>

/** @param pacs more keys of x-pacs of the built service, in YAML's flow style */
export const composeOf = (vendor: string, pacs = '') => `
name: sample
x-service: &service
  user: "1000:1000"
  restart: unless-stopped
  read_only: true
  security_opt: ["no-new-privileges:true"]
  logging: { driver: local }
  healthcheck: { test: [CMD, "true"] }
  mem_limit: 64M
  cpus: 1
  pids_limit: 10
services:
  api:
    <<: *service
    build: { context: .., dockerfile: stack/Dockerfile, args: { FLAVOUR: plain } }
    image: sample/api:local
    networks: [inner]
    stop_grace_period: 10s
    deploy: { update_config: { order: start-first } }
    x-pacs: { port: 8080, ready: /ready, route: "PathPrefix(\`/\`)", checks: [{ path: / }]${pacs} }
  worker:
    <<: *service
    image: sample/api:local
    command: [work]
    networks: [inner]
  queue:
    <<: *service
    image: ${vendor}
    networks: [inner]
networks:
  inner: { name: sample-inner }
`

const dockerfile = `FROM scratch
COPY src /src
ARG FLAVOUR
ARG COMMIT
ENV FLAVOUR=$FLAVOUR COMMIT=$COMMIT
`

/** Makes and commits the checkout at `directory`. */
export async function makeCheckout(
  runner: Machine,
  directory: string,
  options: { vendor: string; files?: SampleFiles },
): Promise<SampleCheckout> {
  const files: SampleFiles = {
    'src/main': 'the program\n',
    'stack/docker-compose.prod.yml': composeOf(options.vendor),
    'stack/Dockerfile': dockerfile,
    'stack/settings.conf': 'quiet = true\n',
    ...options.files,
  }
  await runner.run(['rm', '-rf', directory])
  for (const [path, content] of Object.entries(files)) {
    await runner.copyIn(Buffer.from(content), `${directory}/${path}`, path.endsWith('.sh') ? 0o755 : 0o644)
  }
  return { directory, commit: await commitAll(runner, directory) }
}

/** Commits everything in a directory that is, or becomes, a repository. */
export async function commitAll(runner: Machine, directory: string): Promise<string> {
  const git = (...args: string[]) =>
    runner.run(['git', '-C', directory, '-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args])
  await git('init', '--quiet')
  await git('add', '--all', '--force')
  await git('commit', '--quiet', '--message', 'state')
  return (await git('rev-parse', 'HEAD')).trim()
}

// What GitHub has for a repository's workflows, as far as its published description goes: what only GitHub has cannot be had here.
import { once } from 'node:events'
import { createServer } from 'node:http'

export interface RepositoryState {
  variables: Readonly<Record<string, string>>
  /** What the organization shares with the repository; left out, the repository is a person's. */
  shared?: Readonly<Record<string, string>>
  /** Names of secrets by environment. */
  environments: Readonly<Record<string, readonly string[]>>
  /** Environments that wait for somebody's approval. */
  reviewed: readonly string[]
}

export interface FakeRepository extends AsyncDisposable {
  url: string
  token: string
}

/** A list by its path, of which a page holds at most `most`, and 10 unless more are asked for. */
function list(path: string, key: string, most: number, all: readonly object[]) {
  const page = (query: URLSearchParams) => {
    const size = Math.min(Number(query.get('per_page') ?? 10), most)
    const from = (Number(query.get('page') ?? 1) - 1) * size
    return { total_count: all.length, [key]: all.slice(from, from + size) }
  }
  return [path, page] as const
}

/** Answers for `org/pacs` to whoever has the token. */
export async function fakeRepository(state: RepositoryState): Promise<FakeRepository> {
  const { variables, shared, environments, reviewed } = state
  const token = 'sentinel-doctor-token'
  const pairs = (values: Readonly<Record<string, string>>) =>
    Object.entries(values).map(([name, value]) => ({ name, value }))
  const lists = new Map([
    list('/repos/org/pacs/actions/variables', 'variables', 30, pairs(variables)),
    ...(shared ? [list('/repos/org/pacs/actions/organization-variables', 'variables', 30, pairs(shared))] : []),
    list(
      '/repos/org/pacs/environments',
      'environments',
      100,
      Object.keys(environments).map((name) => ({
        name,
        protection_rules: reviewed.includes(name) ? [{ id: 1, type: 'required_reviewers' }] : [],
      })),
    ),
    ...Object.entries(environments).map(([name, secrets]) =>
      list(
        `/repos/org/pacs/environments/${name}/secrets`,
        'secrets',
        100,
        secrets.map((secret) => ({ name: secret })),
      ),
    ),
  ])
  const server = createServer((request, response) => {
    const isKnown = request.headers.authorization === `Bearer ${token}`
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://api')
    const found = lists.get(pathname)?.(searchParams)
    response.writeHead(!isKnown ? 401 : found ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(isKnown && found ? found : { message: 'Not Found' }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    token,
    url: typeof address === 'object' && address ? `http://127.0.0.1:${address.port}` : '',
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

// What GitHub has for a repository's workflows, as far as its published description goes: what only GitHub has cannot be had here.
import { once } from 'node:events'
import { createServer } from 'node:http'

export interface RepositoryState {
  variables: Readonly<Record<string, string>>
  /** Names of secrets by environment. */
  environments: Readonly<Record<string, readonly string[]>>
  /** Environments that wait for somebody's approval. */
  reviewed: readonly string[]
}

export interface FakeRepository extends AsyncDisposable {
  url: string
  token: string
}

/** Answers for `org/pacs` to whoever has the token. */
export async function fakeRepository({ variables, environments, reviewed }: RepositoryState): Promise<FakeRepository> {
  const token = 'sentinel-doctor-token'
  const named = (names: readonly string[]) => ({ total_count: names.length, secrets: names.map((name) => ({ name })) })
  const answers = new Map<string, object>([
    [
      '/repos/org/pacs/actions/variables',
      { total_count: 1, variables: Object.entries(variables).map(([name, value]) => ({ name, value })) },
    ],
    [
      '/repos/org/pacs/environments',
      {
        total_count: 1,
        environments: Object.keys(environments).map((name) => ({
          name,
          protection_rules: reviewed.includes(name) ? [{ id: 1, type: 'required_reviewers' }] : [],
        })),
      },
    ],
    ...Object.entries(environments).map(([name, secrets]): [string, object] => [
      `/repos/org/pacs/environments/${name}/secrets`,
      named(secrets),
    ]),
  ])
  const server = createServer((request, response) => {
    const isKnown = request.headers.authorization === `Bearer ${token}`
    const found = answers.get((request.url ?? '').split('?')[0] ?? '')
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

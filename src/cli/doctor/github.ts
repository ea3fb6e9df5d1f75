import { z } from 'zod'
import { messageOf } from '../../lib/index.ts'
import { type Note, type Remark, remarksOf } from './remark.ts'

/** Milliseconds for one request. */
const PATIENCE = 15_000

export interface GitHubAccess {
  /** GitHub's API, also that of an Enterprise Server. */
  api: string
  token: string | undefined
  /** `owner/name`; unknown where the checkout has no remote on GitHub. */
  repository: string | undefined
}

/** Entries on one page of a list: GitHub gives no more of variables. */
const PAGE = 30

const variableSchema = z.object({ name: z.string(), value: z.string() })
const secretSchema = z.object({ name: z.string() })
const environmentSchema = z.object({
  name: z.string(),
  protection_rules: z.array(z.object({ type: z.string() })).default([]),
})

/** A refusal of GitHub, told from an answer. */
class NoAnswer extends Error {}

/** Looks at what GitHub has for the workflows: variables, environments and the names of their secrets (never a value). */
export async function examineGitHub(access: GitHubAccess, environments: readonly string[]): Promise<Remark[]> {
  const { remarks, note } = remarksOf('GitHub')
  const { token, repository } = access
  if (repository === undefined) {
    note('unknown', 'which repository this is', 'git remote add origin …, or --repository OWNER/NAME')
  } else if (token === undefined) {
    note('unknown', `what ${repository} has on GitHub: there is no GITHUB_TOKEN`, TOKEN)
  } else {
    await examine(`repos/${repository}`, new GitHub(access.api, token), environments, note)
  }
  return remarks
}

const REVIEWERS =
  'give it required reviewers; without GitHub Enterprise a private repository has none: the head of release.yml says how a person starts it instead'

const TOKEN = 'GITHUB_TOKEN with read access to environments, secrets and variables of this repository'

async function examine(path: string, github: GitHub, environments: readonly string[], note: Note): Promise<void> {
  await look(note, 'its variables', async () => {
    const variables = await github.list(`${path}/actions/variables`, 'variables', variableSchema)
    const isImages = ({ name }: { name: string }) => name === 'IMAGES'
    const shared = variables.some(isImages) ? [] : await organizationVariables(path, github)
    const images = [...variables, ...(shared ?? [])].find(isImages)
    if (images === undefined) {
      const where = shared === null ? ' (this token does not see those of an organization)' : ''
      note('missing', `the variable IMAGES${where}`, 'where images go, like ghcr.io/org/pacs')
    } else if (!/^[a-z0-9.:-]+\/[a-z0-9._/-]+$/.test(images.value)) {
      note('missing', `the variable IMAGES is "${images.value}"`, 'a registry and a path in lower case, without tag')
    } else note('ok', `IMAGES is ${images.value}`)
  })
  await look(note, 'its environments', async () => {
    const found = await github.list(`${path}/environments`, 'environments', environmentSchema)
    for (const name of environments) {
      const environment = found.find((one) => one.name === name)
      if (environment === undefined) {
        note('missing', `the environment ${name}`, 'Settings, Environments: with its secret SSH_KEY')
        continue
      }
      await examineSecrets(path, name, github, note)
      const isReviewed = environment.protection_rules.some(({ type }) => type === 'required_reviewers')
      if (name.startsWith('prod') && !isReviewed) {
        note('warning', `${name} is deployed to without anybody's approval`, REVIEWERS)
      }
    }
    const production = environments.filter((name) => name === 'production')
    for (const proof of production.map((name) => `${name}-proof`)) {
      if (found.some(({ name }) => name === proof)) await examineSecrets(path, proof, github, note)
      else
        note(
          'warning',
          `the environment ${proof}, by which verify-backup.yml runs at night`,
          'make it, without reviewers and with a key of its own',
        )
    }
  })
}

/** Those that an organization shares with the repository; null where GitHub shows none, as for one of a person. */
async function organizationVariables(path: string, github: GitHub) {
  try {
    return await github.list(`${path}/actions/organization-variables`, 'variables', variableSchema)
  } catch (thrown) {
    if (thrown instanceof NoAnswer) return null
    throw thrown
  }
}

async function examineSecrets(path: string, environment: string, github: GitHub, note: Note): Promise<void> {
  await look(note, `the secrets of ${environment}`, async () => {
    const url = `${path}/environments/${encodeURIComponent(environment)}/secrets`
    const secrets = await github.list(url, 'secrets', secretSchema)
    if (secrets.some(({ name }) => name === 'SSH_KEY')) note('ok', `${environment} has the secret SSH_KEY`)
    else note('missing', `the secret SSH_KEY of ${environment}`, 'the private half of a key that setup let in by --key')
  })
}

async function look(note: Note, what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (thrown) {
    if (!(thrown instanceof NoAnswer)) throw thrown
    note('unknown', `${what}: ${thrown.message}`, TOKEN)
  }
}

class GitHub {
  readonly #api: string
  readonly #token: string

  constructor(api: string, token: string) {
    this.#api = api.replace(/\/$/, '')
    this.#token = token
  }

  /** All entries of a list, page by page. @param name of the list in the answer */
  async list<T>(path: string, name: string, item: z.ZodType<T>): Promise<T[]> {
    const schema = z
      .looseObject({ total_count: z.int() })
      .transform((page) => ({ total: page.total_count, items: page[name] }))
      .pipe(z.object({ total: z.number(), items: z.array(item) }))
    const found: T[] = []
    for (let page = 1; ; page++) {
      const { total, items } = await this.#get(`${path}?per_page=${PAGE}&page=${page}`, schema)
      found.push(...items)
      if (items.length === 0 || found.length >= total) return found
    }
  }

  async #get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    const headers = {
      accept: 'application/vnd.github+json',
      authorization: `Bearer ${this.#token}`,
      'x-github-api-version': '2022-11-28',
    }
    let response: Response
    try {
      response = await fetch(`${this.#api}/${path}`, {
        headers,
        signal: AbortSignal.timeout(PATIENCE),
        redirect: 'error',
      })
    } catch (thrown) {
      throw new NoAnswer(`GitHub does not answer (${messageOf(thrown)})`)
    }
    if (response.status === 401) throw new NoAnswer('GitHub does not know this token (401)')
    if (!response.ok) throw new NoAnswer(`GitHub does not show them to this token (${response.status})`)
    const parsed = schema.safeParse(await response.json().catch(() => undefined))
    if (!parsed.success) throw new NoAnswer('what answers is not GitHub')
    return parsed.data
  }
}

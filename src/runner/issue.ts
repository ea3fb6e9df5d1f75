import { setTimeout as delay } from 'node:timers/promises'
import type { getOctokit } from '@actions/github'
import { failureOf, pauseFor } from './issue-failures.ts'

/** An issue that stands for one condition: open as long as it lasts. */
export interface StandingIssue {
  /** Names the condition for good, like `verify-backup production newest`; stands in the body, unseen. */
  marker: string
  /** Whether the condition lasts. */
  state: 'open' | 'closed'
  title: string
  /** Markdown: what holds now. */
  body: string
  /** One line of Markdown for the thread: what this run saw. */
  line: string
}

/** What became of it: `none` where it holds no more and no issue is open. */
export interface KeptIssue {
  did: 'opened' | 'updated' | 'closed' | 'none'
  url: string | null
}

export interface IssueOptions {
  token: string
  /** `owner/name`. */
  repository: string
  /** GitHub's API, also that of an Enterprise Server. */
  api: string
  signal: AbortSignal
  sleep?: (milliseconds: number, signal: AbortSignal) => Promise<void>
}

interface Found {
  number: number
  url: string
}

/** Milliseconds for one request. */
const PATIENCE = 20_000
/** Who may have written an issue that is taken for ours: in a public repository anybody can put a marker into one. */
const TRUSTED = ['OWNER', 'MEMBER', 'COLLABORATOR']

/**
 * Opens, updates or closes the one issue of a condition. It is found by its marker among the open issues, so that one that a
 * person closed is left alone and a second one is made; where two runs made two, the younger ones are closed.
 * @throws Failure `error` when GitHub does not let or cannot; bounded, and says what to do
 */
export async function keepIssue(issue: StandingIssue, options: IssueOptions): Promise<KeptIssue> {
  const { signal, sleep = (ms: number, stop: AbortSignal) => delay(ms, undefined, { signal: stop }) } = options
  const said = new Set<number>()
  // The whole is repeated, not one request: what a lost answer hides is found by looking again.
  for (let attempt = 1; ; attempt++) {
    try {
      return await keepOnce(issue, await Tracker.of(options, said))
    } catch (thrown) {
      signal.throwIfAborted()
      const pause = pauseFor(thrown, attempt, Date.now())
      if (pause === null) throw failureOf(thrown, options.repository)
      await sleep(pause, signal)
    }
  }
}

async function keepOnce(issue: StandingIssue, tracker: Tracker): Promise<KeptIssue> {
  const { state, title, line } = issue
  const body = `${markerLine(issue.marker)}\n${issue.body}`
  const [first, ...others] = await tracker.find(markerLine(issue.marker))
  for (const { number } of others) await tracker.close(number, `The same as #${first?.number}.`)
  if (first === undefined) {
    return state === 'closed' ? { did: 'none', url: null } : { did: 'opened', url: await tracker.open(title, body) }
  }
  const { number, url } = first
  if (state === 'closed') {
    await tracker.close(number, line)
    return { did: 'closed', url }
  }
  await tracker.update(number, title, body, line)
  return { did: 'updated', url }
}

function markerLine(marker: string): string {
  if (!/^[\w .-]+$/.test(marker)) throw new Error(`${JSON.stringify(marker)} cannot stand in a comment`)
  return `<!-- pacs-deploy: ${marker} -->`
}

type Client = ReturnType<typeof getOctokit>

/** The issues of a repository. */
class Tracker {
  readonly #client: Client
  readonly #at: { owner: string; repo: string }
  /** Numbers of the issues in whose thread the line of this run stands already. */
  readonly #said: Set<number>

  private constructor(client: Client, { repository, signal }: IssueOptions, said: Set<number>) {
    const [owner = '', repo = ''] = repository.split('/')
    this.#at = { owner, repo }
    this.#said = said
    this.#client = client
    this.#client.hook.before('request', (request) => {
      request.request = { ...request.request, signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]) }
    })
  }

  /** Loaded where it is asked for: no other action waits for GitHub's client. */
  static async of(options: IssueOptions, said: Set<number>): Promise<Tracker> {
    const { getOctokit } = await import('@actions/github')
    return new Tracker(getOctokit(options.token, { baseUrl: options.api }), options, said)
  }

  /** The open issues that hold `marker`, oldest first. */
  async find(marker: string): Promise<Found[]> {
    const found: Found[] = []
    const { issues } = this.#client.rest
    const all = { ...this.#at, state: 'open', sort: 'created', direction: 'asc', per_page: 100 } as const
    for await (const { data } of this.#client.paginate.iterator(issues.listForRepo, all)) {
      for (const one of data) {
        const isOurs = one.user?.type === 'Bot' || TRUSTED.includes(one.author_association ?? '')
        if (one.pull_request || !isOurs || !one.body?.startsWith(marker)) continue
        found.push({ number: one.number, url: one.html_url })
      }
    }
    return found.sort((a, b) => a.number - b.number)
  }

  async open(title: string, body: string): Promise<string> {
    return (await this.#client.rest.issues.create({ ...this.#at, title, body })).data.html_url
  }

  async update(number: number, title: string, body: string, line: string): Promise<void> {
    await this.#client.rest.issues.update({ ...this.#at, issue_number: number, title, body })
    await this.#say(number, line)
  }

  async close(number: number, line: string): Promise<void> {
    await this.#say(number, line)
    await this.#client.rest.issues.update({
      ...this.#at,
      issue_number: number,
      state: 'closed',
      state_reason: 'completed',
    })
  }

  async #say(number: number, body: string): Promise<void> {
    if (this.#said.has(number)) return
    await this.#client.rest.issues.createComment({ ...this.#at, issue_number: number, body })
    this.#said.add(number)
  }
}

// GitHub's API for issues, as far as its published description goes: what only GitHub has cannot be had here.
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { z } from 'zod'

export interface Issue {
  number: number
  title: string
  body: string
  state: 'open' | 'closed'
  user: { login: string; type: 'Bot' | 'User' }
  author_association: string
  pull_request?: object
  comments: string[]
}

interface Answer {
  status: number
  headers?: Record<string, string>
  /** Whether the request is done nevertheless: its answer is lost. */
  done?: boolean
}

const writeSchema = z.object({
  title: z.string().optional(),
  body: z.string().optional(),
  state: z.enum(['open', 'closed']).optional(),
})

export class FakeGitHub implements AsyncDisposable {
  readonly token = 'sentinel-issue-token'
  readonly issues: Issue[] = []
  /** Method and path of every request, like `GET /repos/org/pacs/issues?…`. */
  readonly requests: string[] = []
  /** What the next requests whose method and path begin with the key are answered with, in order. */
  readonly troubles: [begins: string, answer: Answer][] = []
  readonly #server = createServer((request, response) => {
    void this.#answer(request).then(({ status, headers, body }) => {
      response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
      response.end(JSON.stringify(body))
    })
  })

  readonly #host: string

  private constructor(host: string) {
    this.#host = host
  }

  /** @param host the name under which it is asked; any other than loopback lets it listen for other machines, too */
  static async start(host = '127.0.0.1'): Promise<FakeGitHub> {
    const fake = new FakeGitHub(host)
    fake.#server.listen(0, host === '127.0.0.1' ? host : '0.0.0.0')
    await once(fake.#server, 'listening')
    return fake
  }

  get url(): string {
    const address = this.#server.address()
    return typeof address === 'object' && address ? `http://${this.#host}:${address.port}` : ''
  }

  /** Puts an issue there, as a bot wrote it. */
  add(issue: Partial<Issue> = {}): Issue {
    const added: Issue = {
      ...{ number: this.issues.length + 1, title: '', body: '', state: 'open', comments: [] },
      ...{ user: { login: 'github-actions[bot]', type: 'Bot' }, author_association: 'NONE' },
      ...issue,
    }
    this.issues.push(added)
    return added
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  async #answer(
    request: IncomingMessage,
  ): Promise<{ status: number; headers?: Record<string, string>; body: unknown }> {
    const line = `${request.method} ${request.url}`
    const content = await text(request)
    this.requests.push(line)
    const at = this.troubles.findIndex(([begins]) => line.startsWith(begins))
    const trouble = at < 0 ? undefined : this.troubles.splice(at, 1)[0]?.[1]
    if (trouble && !trouble.done) return { ...trouble, body: { message: 'trouble' } }
    const answer = this.#route(request, content)
    return trouble ? { ...trouble, body: { message: 'trouble' } } : answer
  }

  #route({ method, url = '', headers }: IncomingMessage, content: string) {
    if (headers.authorization !== `token ${this.token}`) return { status: 401, body: { message: 'Bad credentials' } }
    const { pathname, searchParams } = new URL(url, this.url)
    const [, number, comments] = /^\/repos\/org\/pacs\/issues(?:\/(\d+)(\/comments)?)?$/.exec(pathname) ?? []
    if (!pathname.startsWith('/repos/org/pacs/issues')) return { status: 404, body: { message: 'Not Found' } }
    const issue = this.issues.find((one) => one.number === Number(number))
    if (method === 'GET') return this.#list(searchParams)
    const written = writeSchema.parse(JSON.parse(content))
    if (issue === undefined)
      return { status: 201, body: this.#view(this.add({ title: written.title ?? '', body: written.body ?? '' })) }
    if (comments) issue.comments.push(written.body ?? '')
    else Object.assign(issue, written)
    return { status: comments ? 201 : 200, body: this.#view(issue) }
  }

  #list(asked: URLSearchParams) {
    const [size, page] = [Number(asked.get('per_page') ?? 30), Number(asked.get('page') ?? 1)]
    const state = asked.get('state') ?? 'open'
    const all = this.issues.filter((one) => state === 'all' || one.state === state)
    const next = new URL(
      `/repos/org/pacs/issues?${new URLSearchParams({ ...Object.fromEntries(asked), page: String(page + 1) })}`,
      this.url,
    )
    const headers: Record<string, string> = all.length > page * size ? { link: `<${next}>; rel="next"` } : {}
    return { status: 200, headers, body: all.slice((page - 1) * size, page * size).map((one) => this.#view(one)) }
  }

  #view({ comments, ...issue }: Issue) {
    return { ...issue, comments: comments.length, html_url: `https://github.com/org/pacs/issues/${issue.number}` }
  }
}

/** What stands behind a registry's refusal, as far as the text that the docker client printed tells. */
export type RegistryFailure =
  | { kind: 'absent' }
  | { kind: 'login' | 'denied' | 'certificate' | 'plain-http' | 'web-page' | 'full-disk'; detail: string }
  /** Worth another try; `after` is the pause in milliseconds that the registry asked for. */
  | { kind: 'passing'; detail: string; after?: number }
  | { kind: 'other'; detail: string }

/** Longest part of a registry's own words that is repeated to people. */
const MAX_DETAIL = 300

// The order matters: a 502 with a web page in it is a passing fault, a 200 with one is a wrong address.
const PATTERNS: readonly [Exclude<RegistryFailure['kind'], 'other'>, RegExp][] = [
  ['full-disk', /no space left on device/i],
  ['certificate', /x509:|certificate signed by unknown authority|failed to verify certificate/i],
  ['plain-http', /server gave HTTP response to HTTPS client/i],
  ['passing', /toomanyrequests|too many requests|\b429\b|rate limit/i],
  ['passing', /\b50[0234]\b|internal server error|bad gateway|service unavailable|gateway time-?out/i],
  [
    'passing',
    /connection reset|connection refused|broken pipe|\bEOF\b|i\/o timeout|TLS handshake timeout|no such host|temporary failure|server misbehaving|network is unreachable|no route to host|deadline exceeded|Client\.Timeout|blob upload (?:unknown|invalid)|unknown blob/i,
  ],
  // The words of its page are no registry's: they say "not found", too.
  ['web-page', /parsing HTTP 404 response body|failed with status: 404/i],
  ['absent', /no such manifest|manifest unknown|name unknown|name_unknown|\bnot found\b/i],
  ['denied', /insufficient_scope|\b403\b|forbidden|denied/i],
  ['login', /unauthorized|authentication required|no basic auth credentials|incorrect username or password|\b401\b/i],
  ['web-page', /<html|<!doctype|text\/html|invalid character '<'/i],
]

/** Tells the registry failures apart by what `docker` printed. */
export function classifyRegistryFailure(text: string): RegistryFailure {
  const kind = PATTERNS.find(([, pattern]) => pattern.test(text))?.[0] ?? 'other'
  if (kind === 'absent') return { kind }
  const detail = lastLine(text)
  const after = kind === 'passing' ? retryAfter(text) : undefined
  return after === undefined || kind !== 'passing' ? { kind, detail } : { kind, detail, after }
}

/** One line that says what to do about a failure at `registry`; `what` is what was tried ("push ghcr.io/org/pacs/backend"). */
export function describeRegistryFailure(registry: string, what: string, failure: RegistryFailure): string {
  switch (failure.kind) {
    case 'absent':
      return `${what}: the registry ${registry} has no such image; was it pushed, and is the name right?`
    case 'login':
      return `${what}: the registry ${registry} asks for another login (401): check user name and password or token, and that it has not expired (${failure.detail})`
    case 'denied': {
      const [right, name] = /^(pull|read) /.test(what) ? ['read', 'name'] : ['write', 'prefix']
      return `${what}: the registry ${registry} forbids it to this login (403): give the token the right to ${right} packages (on GitHub: permissions packages: ${right}), and check the ${name} (${failure.detail})`
    }
    case 'certificate':
      return `${what}: the certificate of ${registry} is not trusted here: put its CA into /etc/docker/certs.d/${registry}/ca.crt (${failure.detail})`
    case 'plain-http':
      return `${what}: the registry ${registry} speaks HTTP without TLS: give it a certificate (${failure.detail})`
    case 'web-page':
      return `${what}: ${registry} answered with a web page, no registry: is the address right, or does a proxy stand in between? (${failure.detail})`
    case 'full-disk': {
      const where = what.startsWith('push ') ? `here or at ${registry}` : 'here'
      return `${what}: a disk is full ${where}: make room (docker system prune) and try again (${failure.detail})`
    }
    case 'passing':
      return `${what}: the registry ${registry} did not do it: ${failure.detail}; try again later`
    case 'other':
      return `${what}: the registry ${registry} answered: ${failure.detail}`
  }
}

// GHCR writes "toomanyrequests: retry-after: 1.2s, allowed: 44000/minute"; proxies repeat the header with seconds.
function retryAfter(text: string): number | undefined {
  const match = /retry-after:?\s*(\d+(?:\.\d+)?)\s*(ms|µs|us|ns|s|m)?\b/i.exec(text)
  if (!match?.[1]) return undefined
  const unit = { ms: 1, s: 1000, m: 60_000 }[match[2] ?? 's'] ?? 0
  return Math.ceil(Number(match[1]) * unit)
}

function lastLine(text: string): string {
  const lines = text.split('\n').map((line) => line.trim())
  const last = lines.findLast((line) => line !== '') ?? 'nothing'
  return last.length <= MAX_DETAIL ? last : `${last.slice(0, MAX_DETAIL)}…`
}

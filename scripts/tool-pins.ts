import { createHash } from 'node:crypto'
import { badInput, type ToolsLock } from '../src/lib/index.ts'

/** The agent that a script is to fetch: the one of the tag of its version. */
export interface PinnedAgent {
  version: string
  content: string
}

/** What a server gets. */
const FETCHED = ['node', 'restic']
const BLOCK = /(?<=\n# The pins[^\n]*\n)[\s\S]*?(?=\n# End of the pins\.\n)/

/**
 * Writes the pins into setup-production.sh, which must work as a single file: per line tool, platform, first URL, SHA-256 of what the URL
 * gives, SHA-256 of the program in it.
 * @throws Failure `bad-input` when the script has no place for them.
 */
export function fillPins(script: string, { tools }: ToolsLock, agent: PinnedAgent): string {
  if (!BLOCK.test(script)) throw badInput('setup-production.sh has no lines "# The pins …" and "# End of the pins."')
  const lines = FETCHED.flatMap((name) =>
    Object.entries(tools[name]?.platforms ?? {}).map(([platform, { urls, archive, binary }]) => {
      if (binary === undefined)
        throw badInput(`tools.lock.json: ${name} for ${platform} lacks the SHA-256 of its program`)
      return [name, platform, urls[0], archive, binary].join(' ')
    }),
  )
  const url = `https://raw.githubusercontent.com/org/pacs-deploy/v${agent.version}/dist/agent/index.js`
  const digest = createHash('sha256').update(agent.content).digest('hex')
  for (const name of ['linux-x64', 'linux-arm64']) lines.push(['agent', name, url, digest, digest].join(' '))
  const block = `pins() {\n  cat <<'TEXT'\n${lines.join('\n')}\nTEXT\n}`
  return script.replace(BLOCK, () => block)
}

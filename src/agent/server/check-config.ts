import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Problems } from '../../lib/index.ts'
import { filesOf, passwordFiles, type Stack, variablesOf } from '../../stack/index.ts'
import type { ConfigRevision } from './config.ts'

/** Values that the agent gives to a stack; a person does not set them. */
const AGENT_VARIABLES = ['PACS_TRAEFIK_DIR', 'PACS_COMMIT', 'PACS_RELEASE', 'PACS_INSTANCE']
/** The variable of `.env` that the agent itself needs. */
export const PUBLIC_HOST = 'PACS_PUBLIC_HOST'

/** Adds what a stack needs and a configuration lacks: variables without a value, files that are missing or empty. */
export async function checkConfig(stack: Stack, config: ConfigRevision, problems: Problems): Promise<void> {
  const edit = 'on the server, run "pacs-agent config edit"'
  if (!config.env[PUBLIC_HOST])
    problems.add(`.env: ${PUBLIC_HOST} (the host name of the public entry) is missing; ${edit}`)
  for (const variable of variablesOf(stack)) {
    if (!variable.server || !variable.required || AGENT_VARIABLES.includes(variable.name)) continue
    if (config.env[variable.name]) continue
    problems.add(
      `.env: ${variable.name} is missing or empty, and ${variable.services.join(', ')} ${variable.services.length === 1 ? 'needs' : 'need'} it (${variable.file}:${variable.line}); ${edit}`,
    )
  }
  for (const service of stack.services.keys()) {
    for (const path of new Set([...filesOf(stack, service).secrets, ...passwordFiles(stack, service)])) {
      const found = await readFile(join(config.directory, path)).catch(() => null)
      if (found === null || found.length === 0)
        problems.add(`config: ${path} is missing or empty, and ${service} needs it; put it in config/next/${path}`)
    }
  }
}

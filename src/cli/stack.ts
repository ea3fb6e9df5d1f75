import { basename, dirname, resolve } from 'node:path'
import { badInput, exitClass } from '../lib/index.ts'
import { checkStack, formatFinding, gateStack, loadStack } from '../stack/index.ts'
import { readArguments } from './arguments.ts'
import type { Console } from './console.ts'

/** `stack check`: whether the agent can run a Compose file, and whether the gate lets it pass. */
export async function stackCommand([verb, ...args]: readonly string[], { print }: Console): Promise<number> {
  if (verb !== 'check') throw badInput(`stack: there is "stack check", not "${verb ?? ''}"`)
  const { values } = readArguments('stack check', args, {
    'compose-file': { type: 'string', default: 'deployment/production/docker-compose.prod.yml' },
    json: { type: 'boolean', default: false },
  })
  const path = resolve(values['compose-file'])
  const stack = await loadStack({ directory: dirname(path), file: basename(path) })
  const { blockers, allowed } = gateStack(stack)
  const findings = [...checkStack(stack), ...blockers]
  if (values.json) print(JSON.stringify({ findings, allowed }))
  else {
    for (const finding of findings) print(`${formatFinding(finding)} [${finding.rule}]`)
    for (const finding of allowed) print(`${formatFinding(finding)} [${finding.rule}] allowed: ${finding.because}`)
    print(`${findings.length} findings, ${allowed.length} allowed, ${stack.services.size} services`)
  }
  return findings.length === 0 ? exitClass.ok : exitClass.refused
}

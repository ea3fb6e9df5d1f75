import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { AgentClient } from '../agent/client.ts'
import { type Check, certificateCheck, gate, publicCheck } from '../health/index.ts'
import { badInput, Failure } from '../lib/index.ts'
import { duration, jobContext, log, optional, path, readInputs, runAction, wholeNumber } from '../runner/index.ts'
import { INSTANCE_HEADER, i8 } from '../stack/index.ts'
import { cleanUp, serverInputs, withServer } from './server.ts'
import { releaseReference } from './transaction-inputs.ts'

const INTERVAL_MS = 1000
const PATIENCE_MS = 10_000

export function main(): Promise<void> {
  return runAction('Health', async (job) => {
    const inputs = readInputs({
      ...serverInputs,
      release: optional(releaseReference),
      consecutive: wholeNumber(1, 100),
      within: duration(3_600_000),
      'ca-file': optional(path),
    })
    job.report.subject = `Health of ${inputs.environment}`
    const ca = await readAuthorities(inputs['ca-file'])
    await withServer(inputs, job, async ({ environment, agent }) => {
      const { instance, release } = await serving(agent, inputs.release)
      job.report.rows.push(['serving', release], ['public URL', environment.publicUrl])
      const identity = { header: INSTANCE_HEADER, value: i8(instance) }
      const findings = await gate(
        [
          agentCheck(agent),
          publicCheck({ url: environment.publicUrl, identity, timeout: PATIENCE_MS, ...(ca ? { ca } : {}) }),
          certificateCheck(environment.publicUrl, ca),
        ],
        {
          consecutive: inputs.consecutive,
          within: inputs.within,
          interval: INTERVAL_MS,
          patience: PATIENCE_MS,
          signal: job.signal,
          onRound: (found, good) => {
            for (const { name, ok, degraded, detail } of found)
              log.foreign(`${state(ok, degraded)}: ${name}: ${detail}`)
            log.info(`  ${good} of ${inputs.consecutive} good rounds in a row`)
          },
        },
      )
      job.report.message = `${release} serves and is well, ${inputs.consecutive} times in a row.`
      for (const { name, detail } of findings) job.report.rows.push([name, detail])
    })
  })
}

export const post = cleanUp

function state(ok: boolean, degraded: boolean | undefined): string {
  if (!ok) return 'bad'
  return degraded ? 'degraded' : 'good'
}

/** What the server says of each of its parts; a report without a single check is no evidence. */
function agentCheck(agent: AgentClient): Check {
  return {
    name: 'agent',
    async look() {
      const { healthy, checks } = await agent.health()
      const bad = checks.filter((check) => !check.ok).map(({ name, detail }) => `${name}: ${detail}`)
      if (checks.length === 0) return { ok: false, detail: 'the agent checked nothing' }
      return { ok: healthy, detail: bad.length > 0 ? bad.join('; ') : `${checks.length} checks are good` }
    },
  }
}

/** What serves; it must be `wanted` where that is given. */
async function serving(agent: AgentClient, wanted: string | undefined): Promise<{ instance: string; release: string }> {
  const status = await agent.status()
  if (!status.serving) throw new Failure('unhealthy', 'nothing serves: no release was deployed to this server yet')
  if (wanted === undefined) return status.serving
  const { releases } = await agent.releases()
  const found = releases.find(({ reference }) => reference === wanted)
  if (found?.id === status.serving.release) return status.serving
  throw new Failure('unhealthy', `${status.serving.release} serves, not ${found?.id ?? wanted}`)
}

async function readAuthorities(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined
  const text = await readFile(resolve(jobContext().workspace, file), 'utf8').catch(() => '')
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text
  throw badInput(`input ca-file: ${file} cannot be read or holds no certificate in PEM form`)
}

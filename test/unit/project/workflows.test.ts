// What the workflows that users copy promise: who holds which key, who waits for whom, and what the README lists.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { readAction } from '../../runner/inputs.ts'

const root = join(import.meta.dirname, '../../..')
const FOLDER = join(root, 'workflows-examples')

const concurrencySchema = z.object({
  group: z.string(),
  'cancel-in-progress': z.boolean(),
  queue: z.string().optional(),
})
const jobSchema = z.looseObject({
  permissions: z.record(z.string(), z.string()).optional(),
  concurrency: concurrencySchema.optional(),
  environment: z.string().optional(),
  'timeout-minutes': z.int().optional(),
})
const stepsSchema = z.looseObject({
  steps: z
    .array(z.looseObject({ uses: z.string().optional(), with: z.record(z.string(), z.unknown()).optional() }))
    .default([]),
})
const inputsSchema = z.object({ inputs: z.record(z.string(), z.record(z.string(), z.unknown())) })
const onSchema = z.object({ on: z.looseObject({ workflow_call: inputsSchema, workflow_dispatch: inputsSchema }) })
const workflowSchema = z.looseObject({
  permissions: z.record(z.string(), z.string()),
  concurrency: z.unknown().optional(),
  jobs: z.record(z.string(), jobSchema),
})

const texts = new Map(
  await Promise.all(
    (await readdir(FOLDER)).map(async (name) => [name, await readFile(join(FOLDER, name), 'utf8')] as const),
  ),
)
const workflows = new Map([...texts].map(([name, text]) => [name, workflowSchema.parse(parse(text))]))
const jobs = [...workflows].flatMap(([file, workflow]) =>
  Object.entries(workflow.jobs).map(([name, job]) => ({ name: `${file}: ${name}`, job })),
)

describe('the example workflows', () => {
  it('give no permission but by a job, and packages: write to the one that builds alone', () => {
    for (const [name, { permissions }] of workflows) expect(permissions, name).toEqual({})
    for (const { name, job } of jobs) expect(job.permissions, name).toMatchObject({ contents: 'read' })
    const pushing = jobs.filter(({ job }) => job.permissions?.packages === 'write')
    expect(pushing.map(({ name }) => name)).toEqual(['release.yml: build'])
  })

  it('show the key of a server only to jobs of its environment, and never to the one that builds', () => {
    const holders = jobs.filter(({ job }) => JSON.stringify(job).includes('secrets.SSH_KEY'))
    expect(holders.length).toBeGreaterThan(5)
    for (const { name, job } of holders) expect(job.environment, name).toBeDefined()
    const build = workflows.get('release.yml')?.jobs.build
    expect(JSON.stringify(build)).not.toMatch(/SSH_KEY|environment|ssh-key/)
  })

  it('give each action that asks a registry the login of the team, and GitHub’s own where there is none', async () => {
    const asking: string[] = []
    for (const { name, job } of jobs) {
      for (const { uses = '', with: given = {} } of stepsSchema.parse(job).steps) {
        const [, action] = /^org\/pacs-deploy(?:\/([\w-]+))?@v1$/.exec(uses) ?? []
        if (!uses.startsWith('org/pacs-deploy')) continue
        const { inputs } = await readAction(action === undefined ? '.' : `actions/${action}`)
        if (!('registry-password' in inputs)) continue
        asking.push(name)
        expect(given, `${name}: ${uses}`).toMatchObject({
          'registry-username': '$' + '{{ vars.REGISTRY_USER || github.actor }}',
          'registry-password': '$' + '{{ secrets.REGISTRY_PASSWORD || github.token }}',
        })
      }
    }
    expect(asking).toHaveLength(8)
  })

  it('give what may wait for a backup all the time that a job has', () => {
    const waiting = jobs.filter(({ job }) =>
      stepsSchema
        .parse(job)
        .steps.some(
          ({ uses = '', with: given }) => /^org\/pacs-deploy(\/migrate)?@/.test(uses) && given?.plan !== true,
        ),
    )
    expect(waiting).toHaveLength(3)
    for (const { name, job } of waiting) expect(job['timeout-minutes'], name).toBe(360)
  })

  it('let a person bring a release to an environment by hand, as release.yml brings it', () => {
    const { on } = onSchema.parse(parse(texts.get('deploy-environment.yml') ?? ''))
    const called = Object.entries(on.workflow_call.inputs)
    expect(called.length).toBeGreaterThan(2)
    const same = called.map(([name, input]) => [name, { ...input, ...(name === 'environment' ? { type: name } : {}) }])
    expect(on.workflow_dispatch.inputs).toEqual(Object.fromEntries(same))
  })

  it('let what is not cut off wait in a queue that drops none, as all that changes a server, and hold no rollback up', () => {
    for (const { name, job } of jobs) {
      if (job.concurrency?.['cancel-in-progress'] === false) expect(job.concurrency.queue, name).toBe('max')
      if (!job.concurrency?.group.startsWith('deploy-')) continue
      expect(job.concurrency, name).toMatchObject({ 'cancel-in-progress': false, queue: 'max' })
    }
    expect(workflows.get('deploy-environment.yml')?.jobs.deploy?.concurrency?.group).toMatch(/^deploy-\$\{\{ inputs\./)
    const rollback = workflows.get('rollback.yml')
    expect(rollback).toBeDefined()
    expect(JSON.stringify(rollback)).not.toContain('"concurrency"')
  })

  it('ask for the hour of a schedule only by one that they have', () => {
    const asked = [...texts].flatMap(([name, text]) => {
      const crons = [...text.matchAll(/^ *- cron: '([^']+)'/gm)].map(([, cron]) => cron)
      const compared = [...text.matchAll(/github\.event\.schedule [!=]= '([^']+)'/g)].map(([, cron]) => cron)
      return compared.map((cron) => ({ name, cron, crons }))
    })
    expect(asked.length).toBeGreaterThan(0)
    for (const { name, cron, crons } of asked) expect(crons, name).toContain(cron)
  })

  it('read no secret and no variable that the README does not list, and it lists no other', async () => {
    const all = [...texts.values()].join('\n')
    const read = [...all.matchAll(/\b(?:vars|secrets)\.([A-Z0-9_]+)/g)].map(([, name]) => name ?? '')
    const readme = await readFile(join(root, 'README.md'), 'utf8')
    const [, table = ''] = /^On GitHub:\n([\s\S]*?)^On each server:/m.exec(readme) ?? []
    const listed = [...table.matchAll(/^\| ([^|]+) \|/gm)].flatMap(
      ([, cell = '']) => cell.match(/[A-Z0-9_]{4,}/g) ?? [],
    )
    expect(listed.filter((name) => name !== 'GITHUB_TOKEN').toSorted()).toEqual([...new Set(read)].toSorted())
  })
})

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { Failure } from '../../src/lib/index.ts'
import { hostEnv } from './docker.ts'
import { ensureEngine } from './engine.ts'
import { LabError } from './errors.ts'
import { removeBuildLeftovers } from './images.ts'
import { openLab, startLab } from './lab.ts'
import { withLock } from './lock.ts'
import { Progress } from './progress.ts'
import { allLabs, removeLab } from './remove.ts'
import { type LabStatus, labImages, labStatus } from './status.ts'

const USAGE = `npm run lab -- up [--name NAME]                 a registry, two servers and a runner
npm run lab -- down [--name NAME | --all]       remove it and all that it made
npm run lab -- status [--name NAME] [--json]    addresses, keys, certificates, containers, images
npm run lab -- shell MACHINE [--name NAME]      a shell in staging, production, runner or registry`

const DEFAULT_NAME = 'lab'

try {
  await main()
} catch (thrown) {
  if (!(thrown instanceof LabError || thrown instanceof Failure)) throw thrown
  process.stderr.write(`lab: ${thrown.message}\n`)
  process.exitCode = 1
}

async function main(): Promise<void> {
  const { positionals, values } = readArguments()
  const [verb, machine] = positionals
  const name = values.name ?? DEFAULT_NAME
  if (verb === 'up') return up(name)
  if (verb === 'down') return down(values.all ? undefined : name)
  if (verb === 'status') return status(values.name, values.json)
  if (verb === 'shell' && machine !== undefined) return shell(name, machine)
  throw new LabError(`usage:\n${USAGE}`)
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        name: { type: 'string' },
        all: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    })
  } catch {
    throw new LabError(`usage:\n${USAGE}`)
  }
}

async function up(name: string): Promise<void> {
  await startLab({ name })
  process.stdout.write(describe(await labStatus(name)))
}

async function down(name: string | undefined): Promise<void> {
  const progress = new Progress()
  await ensureEngine(progress)
  for (const lab of name === undefined ? await allLabs() : [name]) {
    await progress.step(`remove lab ${lab}`, () => removeLab(lab))
  }
  if (name === undefined) await withLock('images', removeBuildLeftovers)
}

async function status(name: string | undefined, json: boolean): Promise<void> {
  const labs = await Promise.all((name === undefined ? await allLabs() : [name]).map(labStatus))
  const images = await labImages()
  if (json) process.stdout.write(`${JSON.stringify({ labs, images }, null, 2)}\n`)
  else if (labs.length === 0) process.stdout.write('no lab is up: npm run lab -- up\n')
  else
    process.stdout.write(
      [...labs.map(describe), `${images.length} images of the lab on this engine (--json names them)\n`].join('\n'),
    )
}

async function shell(name: string, machine: string): Promise<void> {
  const lab = await openLab(name)
  const target = machine === 'runner' ? lab.runner : machine === 'registry' ? lab.registry : lab.server(machine)
  const args = ['exec', process.stdin.isTTY ? '-it' : '-i', target.container, 'bash']
  const child = spawn('docker', args, { stdio: 'inherit', env: hostEnv() })
  const [code]: unknown[] = await once(child, 'exit')
  process.exitCode = typeof code === 'number' ? code : 1
}

function describe({ name, up, containers, details }: LabStatus): string {
  const rows: [string, string][] = [
    [
      'lab',
      up
        ? `${name}: up`
        : `${name}: not up${containers.length > 0 ? ` (npm run lab -- down --name ${name} removes its rest)` : ''}`,
    ],
  ]
  if (details === undefined && containers.length > 0) rows.push(['containers', containers.join(', ')])
  for (const { hostname, addresses, hostKey } of details?.servers ?? []) {
    const ports = Object.entries(addresses).map(([inside, outside]) => `${inside} at ${outside}`)
    rows.push([hostname, ports.join(', ')], ['', hostKey])
  }
  if (details !== undefined) {
    if (details.runner !== undefined) rows.push([details.runner.hostname, `npm run lab -- shell runner --name ${name}`])
    rows.push(['registry', `${details.registry.address}, on this host ${details.registry.loopback}`])
    rows.push(['CA', details.ca], ['ssh key', details.sshKey])
  }
  return `${rows.map(([label, text]) => `${label.padEnd(16)} ${text}`).join('\n')}\n`
}

// What a person chose for this machine: remembered, so that a later set-up without options changes nothing.
import { isIP } from 'node:net'
import { join } from 'node:path'
import { z } from 'zod'
import { badInput, type Problems } from '../../lib/index.ts'
import type { Host } from './host.ts'
import { RECORD } from './record.ts'

/** The steps of the hardening, each of which can be left out. */
export const HARDENING = [
  'docker',
  'kernel',
  'hugepages',
  'time',
  'updates',
  'logs',
  'audit',
  'fail2ban',
  'firewall',
  'ssh',
]

const FILE = join(RECORD, 'choices.json')

/** A port of this machine that is open, and to whom. */
const openSchema = z.object({ port: z.number().int().min(1).max(65535), sources: z.array(z.string()) })
export type OpenPort = z.infer<typeof openSchema>

const choicesSchema = z.object({
  without: z.array(z.string()).default([]),
  open: z.array(openSchema).default([]),
  mongodb: z.number().default(8),
})
export type Choices = z.infer<typeof choicesSchema>

export interface Given {
  without: readonly string[]
  with: readonly string[]
  open: readonly string[]
  mongodb?: string | undefined
}

/** The choices that hold from now on: those of before with the given ones. Adds what is none to `problems`. */
export async function chosen(host: Host, given: Given, problems: Problems): Promise<Choices> {
  const before = await remembered(host)
  const without = new Set(before.without)
  for (const name of expand('--without', given.without, problems)) without.add(name)
  for (const name of expand('--with', given.with, problems)) without.delete(name)
  const open = parseOpen(given.open, problems)
  if (given.mongodb !== undefined && !/^\d{1,2}(\.\d+)?$/.test(given.mongodb))
    problems.add(`--mongodb: ${JSON.stringify(given.mongodb)} is no version; write --mongodb 8.0`)
  return {
    without: [...without].toSorted(),
    open: open.length === 0 ? before.open : open,
    mongodb: given.mongodb === undefined ? before.mongodb : Number.parseFloat(given.mongodb),
  }
}

/** What naming ports by `--open` closes that was open by itself: users come in by these. */
export function closedEntries(given: Given, { open, without }: Choices): string[] {
  if (given.open.length === 0 || without.includes('firewall')) return []
  const closed = [80, 443].filter((entry) => open.every(({ port }) => port !== entry))
  const again = closed.map((port) => `--open ${port}`).join(' ')
  return closed.length === 0
    ? []
    : [`--open names all that is open, so users cannot come in by ${closed.join(' and ')}: add ${again} to let them`]
}

/** Remembers the choices; writes nothing when they are those of before. */
export async function remember(host: Host, choices: Choices): Promise<void> {
  const content = `${JSON.stringify(choices, null, 1)}\n`
  if ((await host.read(FILE))?.toString() === content) return
  await host.makeDirectory(RECORD, 0o700)
  await host.write(FILE, content, 0o600)
}

async function remembered(host: Host): Promise<Choices> {
  const content = (await host.read(FILE))?.toString() ?? '{}'
  try {
    return choicesSchema.parse(JSON.parse(content))
  } catch {
    throw badInput(`${FILE} is damaged: remove it, and give your options (--without, --open, --mongodb) again`)
  }
}

/** `hardening` stands for all. */
function expand(option: string, given: readonly string[], problems: Problems): string[] {
  return given.flatMap((name) => {
    if (name === 'hardening') return HARDENING
    if (HARDENING.includes(name)) return [name]
    problems.add(
      `${option}: there is no ${JSON.stringify(name)}; there are ${HARDENING.join(', ')}, and hardening for all of them`,
    )
    return []
  })
}

/** Reads `4242=10.20.0.0/16,10.30.0.7` (open to these) and `443` (open to all). */
export function parseOpen(given: readonly string[], problems: Problems): OpenPort[] {
  const ports = new Map<number, string[]>()
  for (const text of given) {
    const [, digits = '', list] = /^(\d{1,5})(?:=(.+))?$/.exec(text) ?? []
    const port = Number(digits)
    const sources = list?.split(',') ?? []
    if (port < 1 || port > 65535 || !sources.every(isSource)) {
      problems.add(
        `--open: ${JSON.stringify(text)} is no port with its sources; write --open 443, or --open 4242=10.20.0.0/16,10.30.0.7`,
      )
      continue
    }
    ports.set(port, [...(ports.get(port) ?? []), ...sources])
  }
  return [...ports]
    .map(([port, sources]) => ({ port, sources: [...new Set(sources)].toSorted() }))
    .sort((a, b) => a.port - b.port)
}

function isSource(text: string): boolean {
  const [address = '', bits, more] = text.split('/')
  const family = isIP(address)
  if (family === 0 || more !== undefined) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
}

// Writes test/fixtures/recorded-series.json: the names and labels that a real Prometheus scraped from the shipped stack at work.
// Usage: node test/monitoring/record.ts LAB, the name of a lab in which startMonitoring() ran.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { openLab } from '../lab/index.ts'
import { recordedSeries, work } from './site.ts'

const [name = 'lab'] = process.argv.slice(2)
const lab = await openLab(name)
const server = lab.server('staging')
await work(lab, server)
// Two scrapes of every target, and the rules evaluated over them.
await setTimeout(45_000)
const file = join(import.meta.dirname, '../fixtures/recorded-series.json')
await writeFile(file, `${JSON.stringify(await recordedSeries(server), null, 1)}\n`)

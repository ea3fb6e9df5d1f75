// What migrations cost: with nothing to do, on an empty database, and as a backfill, against migrate-mongo and the bare driver.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Db } from 'mongodb'
import { z } from 'zod'
import { loadMigrations, PHASES } from '../../src/migrations/index.ts'
import { type Database, type Progress, startDatabase } from '../lab/index.ts'
import { clear, sampleFolder } from '../migrations/site.ts'
import { repositoryRoot } from '../site/server.ts'
import { agentWork } from './agent-work.ts'
import { benchBackfill } from './backfill.ts'
import { runNode } from './child.ts'
import { writeProject } from './migrate-mongo.ts'
import { type Measure, medianOf } from './report.ts'

/** Runs all measures of migrations on one database. @param documents of the backfill */
export async function benchMigrate(rounds: number, documents: number, progress: Progress): Promise<Measure[]> {
  const folder = await mkdtemp(join(tmpdir(), 'pacs-bench-'))
  const database = await startDatabase(progress)
  try {
    const db = (await database.connect('root')).db('pacs')
    return [
      ...(await benchSample(database, db, folder, rounds, progress)),
      ...(await benchBackfill(database, db, folder, { rounds, documents }, progress)),
    ]
  } finally {
    await database.down()
    await rm(folder, { recursive: true, force: true })
  }
}

/** What one side took, in milliseconds: inside its process, and the whole process, first with everything pending, then with nothing. */
interface Side {
  apply: number
  empty: number
  command: number
}

const saidSchema = z.object({ ms: z.number(), applied: z.array(z.string()) })

/** 001 of the product and the migrations of the tests, applied to an empty database, then asked for again. */
async function benchSample(database: Database, db: Db, folder: string, rounds: number, progress: Progress) {
  const sample = await sampleFolder()
  const all = (await loadMigrations(sample)).map(({ id, sha256, phase }) => ({ id, sha256, phase }))
  const { host, port, passwords } = database
  const access = { port, database: 'pacs', username: 'migrations', password: passwords.migrations }
  const ours = async (): Promise<Side> => {
    // A job asks for one phase: with nothing to do, that is its run.
    const run = (phases: readonly string[]) =>
      runNode([join(import.meta.dirname, 'migrate-child.ts')], {
        input: JSON.stringify({ access, folder: sample, migrations: all, phases }),
      })
    const work = { work: 'migrate', access, directory: sample, migrations: all, phase: 'expand' }
    return {
      ...(await twice(
        () => run(PHASES),
        () => run(['expand']),
        all.length,
      )),
      command: (await agentWork({ ...work, run: 'bench', actor: 'bench' })).ms,
    }
  }
  const project = await writeProject(join(folder, 'peer'), sample, join(repositoryRoot, 'node_modules'))
  const url = `mongodb://migrations:${passwords.migrations}@${host}:${port}/?authSource=admin&directConnection=true`
  const options = { cwd: project.folder, env: { MONGODB_URL: url } }
  const up = () => runNode(project.byInterface, options)
  const theirs = async (): Promise<Side> => ({
    ...(await twice(up, up, all.length)),
    command: (await runNode(project.byCommand, options)).ms,
  })
  const sides = { ours: [] as Side[], theirs: [] as Side[] }
  const turns = [async () => sides.ours.push(await ours()), async () => sides.theirs.push(await theirs())]
  try {
    // The first round brings the files into the page cache.
    for (let round = 0; round <= rounds; round++) {
      await progress.step(`round ${round} of 001 and the sample`, async () => {
        for (const turn of round % 2 === 0 ? turns.toReversed() : turns) {
          await clear(db)
          await turn()
        }
      })
    }
  } finally {
    await rm(sample, { recursive: true, force: true })
  }
  const compare = (what: string, of: keyof Side, limit: number | null): Measure[] => {
    const figures = (side: readonly Side[]) => side.slice(1).map((one) => one[of])
    const mine = medianOf(`${what}, pacs-deploy`, 'ms', null, figures(sides.ours))
    const other = medianOf(`${what}, migrate-mongo`, 'ms', null, figures(sides.theirs))
    return [mine, other, medianOf(`${what}, ratio of the medians`, 'x', limit, [mine.value / other.value])]
  }
  return [
    ...compare('nothing pending', 'empty', 1),
    ...compare('001 and the sample applied', 'apply', 1),
    ...compare('nothing pending, the whole process', 'command', null),
  ]
}

/** Applies all of `count` migrations, then none. */
async function twice(
  all: () => Promise<{ stdout: string }>,
  none: () => Promise<{ stdout: string }>,
  count: number,
): Promise<{ apply: number; empty: number }> {
  const first = saidSchema.parse(JSON.parse((await all()).stdout))
  const second = saidSchema.parse(JSON.parse((await none()).stdout))
  if (first.applied.length !== count || second.applied.length !== 0) {
    throw new Error(`applied were ${first.applied.join(', ')}, then ${second.applied.join(', ')}`)
  }
  return { apply: first.ms, empty: second.ms }
}

// What building, scanning and pushing cost beside the bare tools: on the same images, with the same caches, in turns.
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { tryDocker } from '../lab/docker.ts'
import { installScanner, type Lab, type Progress, startLab } from '../lab/index.ts'
import { ShopJob, WORKSPACE } from './job.ts'
import { type Measure, medianOf, rateOf, worstOf } from './report.ts'

const CA = '/etc/ssl/certs/ca-certificates.crt'
const CACHE = '/var/cache/lab/pacs-deploy'
const COMMON = { images: 'registry.lab:5000/org/shop', 'compose-file': 'production/docker-compose.prod.yml' }

async function inLab<T>(progress: Progress, work: (lab: Lab) => Promise<T>): Promise<T> {
  const lab = await startLab({ servers: [], progress })
  try {
    return await work(lab)
  } finally {
    await lab.down()
  }
}

/** Milliseconds of a command in the runner. */
async function timed(lab: Lab, script: string, env: Readonly<Record<string, string>> = {}): Promise<number> {
  const started = performance.now()
  await lab.runner.run(['sh', '-euc', script], { cwd: WORKSPACE, env })
  return performance.now() - started
}

const draftSchema = z.object({ images: z.record(z.string(), z.object({ image: z.string() })) })

/**
 * The scan of the shipped stack: a build of images that are there already with its scan, less the same build without, against
 * `trivy image` once per image with the same flags and the same cache of layers and databases. No report is kept between rounds.
 */
export async function benchScan(rounds: number, progress: Progress): Promise<Measure[]> {
  return inLab(progress, async (lab) => {
    const { runner, registry } = lab
    const scanner = await installScanner(runner)
    const job = await ShopJob.create(runner, '', 'deployment')
    const scan = {
      ...scanner,
      'scan-database': registry.database,
      'scan-java-database': registry.javaDatabase,
      'scan-vendors': 'report',
    }
    const build = { ...COMMON, 'ca-file': CA }
    const commit = await job.commit()
    const first = await progress.step('build and scan once', () => job.run('build', { ...build, ...scan }, commit))
    const draft = draftSchema.parse(JSON.parse(await runner.readText(first.outputs.manifest ?? '')))
    const images = [...new Set(Object.values(draft.images).map(({ image }) => image))]
    const bare = images.map(
      (image) =>
        `${scanner.scanner} image --cache-dir ${CACHE}/trivy --skip-db-update --skip-check-update --skip-version-check --disable-telemetry ` +
        '--scanners vuln,secret --image-config-scanners misconfig,secret --list-all-pkgs --image-src docker --format json ' +
        `--java-db-repository ${registry.javaDatabase} --no-progress --quiet --output /tmp/report.json ${image}`,
    )
    const pairs: { ours: number; bare: number; kept: number }[] = []
    for (let round = 0; round < rounds; round++) {
      await progress.step(`scan, round ${round + 1} of ${rounds}`, async () => {
        const without = (await job.run('build', { ...build, scan: 'false' }, commit)).ms
        await runner.run(['rm', '-rf', `${CACHE}/reports`, `${CACHE}/dockerfiles.json`])
        const withScan = (await job.run('build', { ...build, ...scan }, commit)).ms
        const kept = (await job.run('build', { ...build, ...scan }, commit)).ms
        pairs.push({ ours: withScan - without, kept: kept - without, bare: await timed(lab, bare.join('\n')) })
      })
    }
    const ours = medianOf(
      `scan of ${images.length} images in the build`,
      'ms',
      null,
      pairs.map((pair) => pair.ours),
    )
    const trivy = medianOf(
      'trivy image on the same',
      'ms',
      null,
      pairs.map((pair) => pair.bare),
    )
    return [
      ...[ours, trivy, { ...rateOf('ratio', 1.1, ours, trivy), bound: 'most' as const }],
      medianOf(
        'added where the reports are kept',
        'ms',
        5000,
        pairs.map((pair) => pair.kept),
      ),
    ]
  })
}

/** A rebuild of the shipped stack after one line of the page changed, without scan, against bare `docker buildx build` of the same two images side by side. */
export async function benchBuild(rounds: number, progress: Progress): Promise<Measure[]> {
  return inLab(progress, async (lab) => {
    const job = await ShopJob.create(lab.runner, '', 'deployment')
    const inputs = { ...COMMON, 'ca-file': CA, scan: 'false' }
    const file = 'reference-app/client/src/main.tsx'
    await progress.step('build once', async () => job.run('build', inputs, await job.commit()))
    const args =
      '--load --provenance=false --sbom=false --secret id=ca,src=$CA --build-arg COMMIT=$COMMIT --build-arg VERSION=$COMMIT'
    const one = (name: string) =>
      `docker buildx build ${args} -q -t bare/${name} -f production/Dockerfile.${name} . & ${name}=$!`
    const bare = `${one('frontend')}\n${one('backend')}\nwait $frontend\nwait $backend`
    const figures: { ours: number; bare: number }[] = []
    for (let round = 0; round < rounds; round++) {
      await progress.step(`build, round ${round + 1} of ${rounds}`, async () => {
        const ours = (await job.run('build', inputs, await job.commit(file, `// ours ${round}`))).ms
        const COMMIT = await job.commit(file, `// bare ${round}`)
        figures.push({ ours, bare: await timed(lab, bare, { COMMIT, CA }) })
      })
    }
    const ours = medianOf(
      'rebuild after one line',
      'ms',
      null,
      figures.map((figure) => figure.ours),
    )
    const buildx = medianOf(
      'docker buildx build',
      'ms',
      null,
      figures.map((figure) => figure.bare),
    )
    return [ours, buildx, { ...rateOf('ratio', 1.1, ours, buildx), bound: 'most' }]
  })
}

/** The same push once more: what it takes, and what it sends. */
export async function benchPush(rounds: number, progress: Progress): Promise<Measure[]> {
  return inLab(progress, async (lab) => {
    const { runner, registry } = lab
    const job = await ShopJob.create(runner, '')
    const scan = {
      ...(await installScanner(runner)),
      'scan-database': registry.database,
      'scan-java-database': registry.javaDatabase,
    }
    const commit = await job.commit()
    const built = await progress.step('build', () => job.run('build', { ...COMMON, ...scan }, commit))
    const inputs = { ...COMMON, manifest: built.outputs.manifest ?? '' }
    const first = await progress.step('push', () => job.run('push', inputs, commit))
    const uploads = async () => {
      const { stdout, stderr } = await tryDocker(['logs', registry.container])
      return `${stdout}\n${stderr}`.split('\n').filter((line) => /"(POST|PATCH) \/v2\/\S+\/blobs\/uploads/.test(line))
        .length
    }
    const before = await uploads()
    const again: number[] = []
    for (let round = 0; round < rounds; round++) {
      const { ms, outputs } = await job.run('push', inputs, commit)
      if (outputs.release !== first.outputs.release) throw new Error(`pushed again, it is ${outputs.release}`)
      again.push(ms)
      await sleep(100)
    }
    return [
      medianOf('first push', 'ms', null, [first.ms]),
      medianOf('the same push again', 'ms', 1000, again),
      worstOf('uploads of the same push again', 'requests', 0, [(await uploads()) - before]),
    ]
  })
}

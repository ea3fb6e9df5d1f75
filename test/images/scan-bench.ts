// Images of a few files that a scanner takes for Debian, and the build action on them, as a job runs it.
import { type InstalledScanner, installScanner, type Lab, startLab } from '../lab/index.ts'
import { inputVariables, readAction } from '../runner/index.ts'
import { makeCheckout, type SampleFiles } from './checkout.ts'
import { installSuite } from './suite.ts'

const MIRROR = 'registry.lab:5000/library'
/** A vendor's image with the fixture database's HIGH finding in `redis`, by its name in the engine's mirror of docker.io. */
export const VENDOR = 'fixture-vendor:1'

const entry = (name: string) =>
  `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.0-1\nMaintainer: x\nDescription: x\n\n`

/** The files of an image with Debian packages, below `folder`. */
export function debian(folder: string, packages: readonly string[], version = '13'): SampleFiles {
  return {
    [`${folder}/etc/os-release`]: `ID=debian\nVERSION_ID="${version}"\n`,
    [`${folder}/etc/debian_version`]: `${version}.1\n`,
    [`${folder}/var/lib/dpkg/status`]: ['base-files', ...packages].map(entry).join(''),
  }
}

/** Of an image that nothing is wrong with: it runs as nobody. */
export const DOCKERFILE = 'FROM scratch\nCOPY image /\nARG COMMIT\nENV COMMIT=$COMMIT\nUSER 1000:1000\n'

export interface ScannedBuild {
  code: number
  /** Everything that the job printed. */
  printed: string
  summary: string
  /** What build hands to push; null when it was refused. */
  draft: { images: Record<string, { config: string; verdict: Record<string, unknown> | null }> } | null
}

export interface ScanBench {
  lab: Lab
  scanner: InstalledScanner
}

/** A lab's runner with the committed suite, the real scanner and the vendor's image. */
export async function startScanBench(): Promise<ScanBench> {
  const lab = await startLab({ servers: [] })
  try {
    const scanner = await installScanner(lab.runner)
    await installSuite(lab.runner)
    const { directory } = await makeCheckout(lab.runner, '/srv/vendor', {
      vendor: VENDOR,
      files: { ...debian('image', ['redis']), 'stack/Dockerfile': DOCKERFILE },
    })
    const plain = ['--provenance=false', '--sbom=false', '--load', '--tag', `${MIRROR}/${VENDOR}`]
    await lab.runner.run(['docker', 'buildx', 'build', ...plain, '--file', 'stack/Dockerfile', '.'], { cwd: directory })
    await lab.runner.run(['docker', 'push', `${MIRROR}/${VENDOR}`])
    return { lab, scanner }
  } catch (thrown) {
    await lab.down()
    throw thrown
  }
}

/** The build action on a checkout with these files, judged by the lab's database unless `inputs` say otherwise. */
export async function buildScanned(
  { lab, scanner }: ScanBench,
  files: SampleFiles,
  inputs: Readonly<Record<string, string>> = {},
  env: Readonly<Record<string, string>> = {},
): Promise<ScannedBuild> {
  const { runner, registry } = lab
  const all = { 'stack/Dockerfile': DOCKERFILE, ...files }
  const { directory, commit } = await makeCheckout(runner, '/srv/scanned', { vendor: VENDOR, files: all })
  const result = '/srv/result'
  await runner.run(['sh', '-c', `rm -rf ${result}; mkdir -m 700 ${result}; cd ${result}; touch output state summary`])
  const given = {
    images: 'registry.lab:5000/org/pacs',
    'compose-file': 'stack/docker-compose.prod.yml',
    ...scanner,
    'scan-database': registry.database,
    'scan-java-database': registry.javaDatabase,
    ...inputs,
  }
  const job = Object.entries({
    ...inputVariables(await readAction('actions/build'), given),
    GITHUB_WORKSPACE: directory,
    GITHUB_SHA: commit,
    RUNNER_TEMP: result,
    GITHUB_OUTPUT: `${result}/output`,
    GITHUB_STATE: `${result}/state`,
    GITHUB_STEP_SUMMARY: `${result}/summary`,
    ...env,
  }).map(([name, value]) => `${name}=${value}`)
  const { code, stdout, stderr } = await runner.exec(['env', ...job, 'node', '/srv/suite/dist/build/index.js'], {
    cwd: directory,
  })
  const output = await runner.readText(`${result}/output`)
  const path = /^manifest<<.*\n(.*)\n/m.exec(output)?.[1]
  return {
    code,
    printed: `${stdout}\n${stderr}`,
    summary: await runner.readText(`${result}/summary`),
    draft: path === undefined ? null : JSON.parse(await runner.readText(path)),
  }
}

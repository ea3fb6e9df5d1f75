// Images of a few files that a scanner takes for Debian, and the build action on them, as a job runs it.
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { ensureTrivy, type Lab, startLab } from '../lab/index.ts'
import { inputVariables, readAction } from '../runner/index.ts'
import { makeCheckout, type SampleFiles } from './checkout.ts'
import { installSuite } from './suite.ts'

const SCANNER = '/srv/trivy'
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

/** A lab's runner with the committed suite, the real scanner and the vendor's image. */
export async function startScanBench(): Promise<{ lab: Lab; sha256: string }> {
  const lab = await startLab({ servers: [] })
  try {
    const program = await ensureTrivy()
    await lab.runner.copyIn(program, SCANNER, 0o755)
    await installSuite(lab.runner)
    const { directory } = await makeCheckout(lab.runner, '/srv/vendor', {
      vendor: VENDOR,
      files: { ...debian('image', ['redis']), 'stack/Dockerfile': DOCKERFILE },
    })
    const plain = ['--provenance=false', '--sbom=false', '--load', '--tag', `${MIRROR}/${VENDOR}`]
    await lab.runner.run(['docker', 'buildx', 'build', ...plain, '--file', 'stack/Dockerfile', '.'], { cwd: directory })
    await lab.runner.run(['docker', 'push', `${MIRROR}/${VENDOR}`])
    return {
      lab,
      sha256: createHash('sha256')
        .update(await readFile(program))
        .digest('hex'),
    }
  } catch (thrown) {
    await lab.down()
    throw thrown
  }
}

/** The build action on a checkout with these files, judged by the lab's database unless `inputs` say otherwise. */
export async function buildScanned(
  { lab, sha256 }: { lab: Lab; sha256: string },
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
    scan: 'true',
    scanner: SCANNER,
    'scanner-sha256': sha256,
    'scan-database': registry.database,
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

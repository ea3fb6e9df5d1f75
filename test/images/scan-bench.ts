// Images of a few files that a scanner takes for Debian, and the build action on them, as a job runs it.
import { type InstalledScanner, installScanner, type Lab, startLab } from '../lab/index.ts'
import { inputVariables, parseFileCommands, readAction } from '../runner/index.ts'
import { useImageStore } from './bench.ts'
import { composeOf, makeCheckout, type SampleFiles } from './checkout.ts'
import { installSuite, SUITE } from './suite.ts'

const MIRROR = 'registry.lab:5000/library'
const CHECKOUT = '/srv/scanned'
const RESULT = '/srv/result'
/** Of another job on the same machine. */
const OTHER = `${RESULT}/other`
const COMMON = { images: 'registry.lab:5000/org/pacs', 'compose-file': 'stack/docker-compose.prod.yml' }
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

/** An image with a page of a few files, of which `script` is what it loads first, and a budget for that. */
export function page(script: string, budget: string): SampleFiles {
  const manifest = {
    'index.html': { file: 'assets/index-Ab3_-xyZ.js', isEntry: true, css: ['assets/index-00000000.css'] },
    'viewer.ts': { file: 'assets/viewer-00000000.js', isDynamicEntry: true },
  }
  return {
    'stack/docker-compose.prod.yml': composeOf(VENDOR, `, bundle-budget: ${budget}`),
    'stack/Dockerfile': `${DOCKERFILE}LABEL org.pacs-deploy.page=/srv/page\n`,
    'image/srv/page/.vite/manifest.json': JSON.stringify(manifest),
    'image/srv/page/index.html': '<script type="module" src="/assets/index.js"></script>\n',
    'image/srv/page/assets/index-Ab3_-xyZ.js': script,
    'image/srv/page/assets/index-00000000.css': 'body { margin: 0 }\n',
    'image/srv/page/assets/viewer-00000000.js': 'x'.repeat(5000),
  }
}

interface DraftImage {
  local: string
  image: string
  config: string
  verdict: Record<string, unknown> | null
}

export interface ScannedBuild {
  code: number
  /** Everything that the job printed. */
  printed: string
  summary: string
  outputs: Record<string, string>
  /** What build hands to push; null when it was refused. */
  draft: { images: Record<string, DraftImage> } | null
  /** Path of that draft. */
  manifest: string
  /** What a second job did meanwhile. */
  other?: { code: number; printed: string; outputs: Record<string, string> }
}

export interface ScanBench {
  lab: Lab
  scanner: InstalledScanner
}

/** A lab's runner with the committed suite, the real scanner and the vendor's image. */
export async function startScanBench(): Promise<ScanBench> {
  const lab = await startLab({ servers: [] })
  try {
    // Its pushes compress, which takes long enough for somebody to cancel one; the workflows of the lab scan from containerd's store.
    await useImageStore(lab, 'overlay2')
    const scanner = await installScanner(lab.runner)
    await installSuite(lab.runner)
    const bench = { lab, scanner }
    await publishVendor(bench, ['redis'])
    return bench
  } catch (thrown) {
    await lab.down()
    throw thrown
  }
}

/** Lets the vendor's image have these packages from now on. */
export async function publishVendor({ lab: { runner } }: ScanBench, packages: readonly string[]): Promise<void> {
  const files = { ...debian('image', packages), 'stack/Dockerfile': DOCKERFILE }
  const { directory } = await makeCheckout(runner, '/srv/vendor', { vendor: VENDOR, files })
  const plain = ['--provenance=false', '--sbom=false', '--load', '--tag', `${MIRROR}/${VENDOR}`]
  await runner.run(['docker', 'buildx', 'build', ...plain, '--file', 'stack/Dockerfile', '.'], { cwd: directory })
  await runner.run(['docker', 'push', `${MIRROR}/${VENDOR}`])
  // What the registry said before is forgotten, as it is after ten minutes.
  await runner.run(['rm', '-rf', '/var/cache/lab/pacs-deploy/newest'])
}

/**
 * Lays a suite beside the committed one whose tools.lock.json pins the scanner of this lab, by a source that the lab serves over TLS.
 * @returns its folder, the source, which ends with the hash of the archive, and the program's place in the cache of the machine
 */
export async function pinScanner({
  lab: { runner },
  scanner,
}: ScanBench): Promise<{ suite: string; source: string; kept: string }> {
  const [suite, repository] = ['/srv/pinned', 'https://registry.lab:5000/v2/tools/trivy/blobs']
  // A registry serves a blob at an address of its own, as a release page does a file.
  const upload = `
    tar -C $(dirname ${scanner.scanner}) -c $(basename ${scanner.scanner}) | gzip -1 > /srv/trivy.tar.gz
    hash=$(sha256sum /srv/trivy.tar.gz | cut -c 1-64)
    at=$(curl -fsS -X POST -D - -o /dev/null ${repository}/uploads/ | tr -d '\r' | sed -n 's/^[Ll]ocation: //p')
    curl -fsS -T /srv/trivy.tar.gz "$at&digest=sha256:$hash"
    rm -rf ${suite} && cp -r ${SUITE} ${suite}
    echo $hash`
  const archive = (await runner.run(['sh', '-euc', upload])).trim()
  const lock = JSON.parse(await runner.readText(`${SUITE}/dist/tools.lock.json`))
  const source = `${repository}/sha256:${archive}`
  lock.tools.trivy.platforms = { 'linux-x64': { urls: [source], archive, binary: scanner['scanner-sha256'] } }
  await runner.copyIn(Buffer.from(JSON.stringify(lock)), `${suite}/dist/tools.lock.json`)
  const { version } = lock.tools.trivy
  return { suite, source, kept: `/var/cache/lab/pacs-deploy/trivy-${version}-linux-x64-${archive.slice(0, 12)}/trivy` }
}

/** What happens to a build beside it. */
interface BuildCourse {
  /** A script that runs in the checkout before, for files that are too large to be carried there. */
  prepare?: string
  /** See {@link StepCourse}. */
  cancelAt?: string
  /** A second job of the machine builds the same at the same time. */
  twice?: boolean
  /** See {@link StepCourse}. */
  suite?: string
}

/** The build action on a checkout with these files, judged by the lab's database unless `inputs` say otherwise. */
export async function buildScanned(
  bench: ScanBench,
  files: SampleFiles,
  inputs: Readonly<Record<string, string>> = {},
  env: Readonly<Record<string, string>> = {},
  { prepare, cancelAt, twice, suite }: BuildCourse = {},
): Promise<ScannedBuild> {
  const { scanner, lab } = bench
  const { runner, registry } = lab
  const all = { 'stack/Dockerfile': DOCKERFILE, ...files }
  const { commit } = await makeCheckout(runner, CHECKOUT, { vendor: VENDOR, files: all })
  await runner.run(['sh', '-c', `rm -rf ${RESULT}; mkdir -m 700 ${RESULT}; cd ${CHECKOUT}; ${prepare ?? ''}`])
  const databases = { 'scan-database': registry.database, 'scan-java-database': registry.javaDatabase }
  const given = { ...COMMON, ...scanner, ...databases, ...inputs }
  const job = { GITHUB_SHA: commit, ...env }
  if (twice) await runner.run(['mkdir', '-m', '700', OTHER])
  const [done, other] = await Promise.all([
    runStep(bench, 'build', given, job, { cancelAt, suite }),
    twice ? runStep(bench, 'build', given, job, { result: OTHER }) : undefined,
  ])
  const manifest = done.outputs.manifest ?? ''
  const draft = manifest === '' ? null : JSON.parse(await runner.readText(manifest))
  return { ...done, manifest, draft, ...(other ? { other } : {}) }
}

/** The push action on what {@link buildScanned} has just built. @returns the release by digest */
export async function pushScanned(bench: ScanBench, { manifest }: ScannedBuild): Promise<string> {
  const { outputs, printed } = await pushStep(bench, manifest)
  if (!outputs.release) throw new Error(`nothing was pushed: ${printed}`)
  return outputs.release
}

/** The same, whatever comes of it. @param cancelAt see {@link StepCourse} */
export async function pushStep(bench: ScanBench, manifest: string, cancelAt?: string) {
  const commit = (await bench.lab.runner.run(['git', '-C', CHECKOUT, 'rev-parse', 'HEAD'])).trim()
  return runStep(bench, 'push', { ...COMMON, manifest }, { GITHUB_SHA: commit }, { cancelAt })
}

/** The scan action on a release. */
export async function judgeAnew(bench: ScanBench, release: string, inputs: Readonly<Record<string, string>> = {}) {
  const { registry } = bench.lab
  const databases = { 'scan-database': registry.database, 'scan-java-database': registry.javaDatabase }
  return runStep(bench, 'scan', { release, ...bench.scanner, ...databases, ...inputs }, {})
}

/** Cancels the step as GitHub does once a process like $CANCEL_AT runs; what is left of its children is printed. */
const CANCELLED = `
"$@" & step=$!
while grep -qv '^[0-9]* ([^)]*) Z' /proc/$step/stat; do
  if pgrep -f -- "$CANCEL_AT" >/dev/null; then kill -INT $step; break; fi
  sleep 0.02
done
wait $step; code=$?
pgrep -fa '^[^ ]*(trivy|fd/3) (image|config|convert) |docker(-buildx)? (push|pull|buildx)' | sed 's/^/left behind: /'
exit $code`

interface StepCourse {
  /** Cancels the step when a process of the machine has a command line that matches this pattern. */
  cancelAt?: string | undefined
  /** The job's own folder. */
  result?: string
  /** Where the suite lies. */
  suite?: string | undefined
}

/** One step of the job, with the committed dist. */
export async function runStep(
  { lab: { runner } }: ScanBench,
  action: string,
  inputs: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>>,
  { cancelAt, result = RESULT, suite = SUITE }: StepCourse = {},
) {
  await runner.run(['sh', '-c', `cd ${result}; for f in output state summary; do : > $f; done`])
  const job = Object.entries({
    ...inputVariables(await readAction(`actions/${action}`), inputs),
    GITHUB_WORKSPACE: CHECKOUT,
    GITHUB_REPOSITORY: 'org/pacs',
    GITHUB_ACTOR: 'jane',
    RUNNER_TEMP: result,
    GITHUB_OUTPUT: `${result}/output`,
    GITHUB_STATE: `${result}/state`,
    GITHUB_STEP_SUMMARY: `${result}/summary`,
    ...env,
  }).map(([name, value]) => `${name}=${value}`)
  const program = `${suite}/dist/${action}/index.js`
  const step = ['env', ...job, 'node', program]
  const cancelled = cancelAt === undefined ? [] : ['env', `CANCEL_AT=${cancelAt}`, 'sh', '-c', CANCELLED, 'cancelled']
  const { code, stdout, stderr } = await runner.exec([...cancelled, ...step], { cwd: CHECKOUT })
  return {
    code,
    printed: `${stdout}\n${stderr}`,
    summary: await runner.readText(`${result}/summary`),
    outputs: parseFileCommands(await runner.readText(`${result}/output`)),
  }
}

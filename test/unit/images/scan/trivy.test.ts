// The command line of Trivy, by a stand-in that records how it was called; test/integration/scan.test.ts runs the real one.
import { access, chmod, mkdtemp, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { scanDockerfiles } from '../../../../src/images/scan/dockerfiles.ts'
import { KeptReports } from '../../../../src/images/scan/kept-reports.ts'
import { openScanner } from '../../../../src/images/scan/scanner.ts'
import { Trivy } from '../../../../src/images/scan/trivy.ts'
import { HANDED_ON, run } from '../../../../src/lib/index.ts'
import { sha256 } from '../../../../src/release/index.ts'
import { reportOf, VERSION } from './report-of.ts'

/** Writes argv, environment and working directory into the test's folder, then does what `rest` says. */
const recording = (rest: string) => `#!/bin/sh
here='${folder}'
printf '%s\\n' "$@" > "$here/argv"
printf '%s' "$0" > "$here/program"
env > "$here/env"
pwd > "$here/cwd"; ls -A > "$here/ls"
while [ $# -gt 1 ]; do [ "$1" = --output ] && out=$2; [ "$1" = --cache-dir ] && cache=$2; shift; done
${rest}
`

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'trivy-'))
})
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))

async function open(
  script: string,
  more: {
    env?: Record<string, string>
    databases?: string[]
    licences?: boolean
    job?: string
    signal?: AbortSignal
    log?: (line: string) => void
  } = {},
) {
  const path = join(folder, 'trivy')
  await writeFile(path, recording(script))
  await chmod(path, 0o700)
  const { env = {}, databases = [], licences = false, job = 'private' } = more
  return Trivy.open({
    scanner: { path, version: '0.74.0', sha256: sha256(recording(script)) },
    cache: join(folder, 'cache'),
    directory: join(folder, job),
    databases,
    javaDatabases: [],
    licences,
    host: 'unix:///run/other.sock',
    env: { PATH: process.env.PATH ?? '', ...env },
    log: more.log ?? (() => undefined),
    signal: more.signal ?? new AbortController().signal,
  })
}

const recorded = (name: string) => readFile(join(folder, name), 'utf8')
const image = sha256('image')

describe('Trivy', () => {
  test('is called so that no file, variable or tag of anyone decides what it finds', async () => {
    const hostile = {
      TRIVY_SEVERITY: 'LOW',
      TRIVY_IGNOREFILE: '/evil',
      DOCKER_CONFIG: '/home/x/.docker',
      HOME: '/home/x',
      HTTPS_PROXY: 'http://proxy:3128',
      SSL_CERT_FILE: '/etc/ca.pem',
    }
    const trivy = await open('echo "{}" > "$out"', { env: hostile })
    expect(await trivy.scan('api', image)).toBe('{}\n')

    const argv = (await recorded('argv')).trim().split('\n')
    const given = (flag: string) => argv[argv.indexOf(flag) + 1] ?? ''
    expect(argv.at(0)).toBe('image')
    expect(await recorded('program')).toBe(HANDED_ON)
    expect(argv.at(-1)).toBe(image)
    expect(argv).toEqual(expect.arrayContaining(['--skip-version-check', '--disable-telemetry', '--skip-db-update']))
    // It would leave out what is looked up outside the image.
    expect(argv).not.toContain('--offline-scan')
    expect([given('--exit-code'), given('--image-src'), given('--scanners')]).toEqual(['0', 'docker', 'vuln,secret'])
    for (const flag of ['--config', '--ignorefile', '--secret-config'])
      expect(await readFile(given(flag), 'utf8')).toBe('{}\n')

    const env = Object.fromEntries(
      (await recorded('env'))
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/s).slice(0, 2)),
    )
    expect(Object.keys(env).filter((name) => name.startsWith('TRIVY_'))).toEqual([])
    expect(env).toMatchObject({
      DOCKER_HOST: 'unix:///run/other.sock',
      HTTPS_PROXY: 'http://proxy:3128',
      SSL_CERT_FILE: '/etc/ca.pem',
    })
    for (const name of ['HOME', 'DOCKER_CONFIG', 'TMPDIR']) expect(env[name]).toMatch(join(folder, 'private'))
    expect(await recorded('cwd')).toBe(`${join(folder, 'private/empty')}\n`)
    expect(await recorded('ls')).toBe('')
  })

  test('looks at Dockerfiles by its own checks, whatever they are called and whatever they tell it', async () => {
    const trivy = await open('cat "$1/checkout/dev/api.build" > "$out"', { env: { TRIVY_CONFIG_CHECK: '/evil' } })
    const text =
      '# trivy:ignore:DS-0002 and #tfsec:exp:2099-01-01:ignore:*\nFROM trivy:0.74\nRUN : trivy:ignore:DS-0001\n'
    expect(await trivy.scanDockerfiles(new Map([['dev/api.build', text]]))).toBe(
      '# trivy.ignore:DS-0002 and #tfsec.exp:2099-01-01:ignore:*\nFROM trivy:0.74\nRUN : trivy.ignore:DS-0001\n',
    )
    const argv = (await recorded('argv')).trim().split('\n')
    const given = (flag: string) => argv[argv.indexOf(flag) + 1] ?? ''
    expect(argv.at(0)).toBe('config')
    expect(await recorded('program')).toBe(HANDED_ON)
    expect(argv).toEqual(expect.arrayContaining(['--skip-check-update', '--skip-version-check', '--disable-telemetry']))
    expect([given('--exit-code'), given('--file-patterns')]).toEqual(['0', 'dockerfile:.'])
    // Checks that another job has put into the cache of the machine would decide what is found.
    expect(given('--cache-dir')).toBe(join(folder, 'private/cache'))
    for (const flag of ['--config', '--ignorefile']) expect(await readFile(given(flag), 'utf8')).toBe('{}\n')
    expect(await recorded('env')).not.toContain('TRIVY_')
    const fails = await open('echo "FATAL BOOM" >&2; exit 1')
    await expect(fails.scanDockerfiles(new Map([['Dockerfile', text]]))).rejects.toMatchObject({
      kind: 'error',
      message: expect.stringMatching(/^scan of the Dockerfiles failed, so nothing is judged: .*BOOM/),
    })
  })

  test('says what Trivy says, but no error of what it was asked for', async () => {
    const lines: string[] = []
    const said = 'echo "ERROR Falling back to embedded checks" >&2; echo "WARN odd" >&2; echo "{}" > "$out"'
    const trivy = await open(said, { log: (line) => lines.push(line) })
    await trivy.scanDockerfiles(new Map([['Dockerfile', 'FROM scratch']]))
    expect(lines).toEqual(['scan | WARN odd'])
  })

  test('looks at licences only when they are asked for', async () => {
    const trivy = await open('echo "{}" > "$out"', { licences: true })
    await trivy.scan('api', image)
    expect(await recorded('argv')).toContain('vuln,secret,license')
  })

  test.each([
    [
      'a fatal error',
      'echo "2026-11-28T10:00:00Z\tFATAL\tFatal error\trun error: image scan error" >&2; exit 1',
      /scan of api failed, so nothing is judged: Trivy ended with 1: .*run error: image scan error/,
    ],
    [
      'an error whose cause stands at the end of a long line',
      `echo "FATAL run error: ${'wrapped: '.repeat(90)}no space left on device" >&2; exit 1`,
      /ended with 1: FATAL run error: wrapped: .* … .*no space left on device$/,
    ],
    ['a kill', 'kill -9 $$', /Trivy ended with 137/],
    ['a bad flag', 'echo "Error: unknown flag" >&2; exit 2', /ended with 2: Error: unknown flag/],
  ])('is an error after %s, whatever it wrote', async (_, script, message) => {
    const trivy = await open(`echo "{}" > "$out"; ${script}`)
    await expect(trivy.scan('api', image)).rejects.toMatchObject({
      kind: 'error',
      message: expect.stringMatching(message),
    })
  })

  test('is not run when its bytes changed since it was found', async () => {
    const trivy = await open('echo "{}" > "$out"')
    await writeFile(join(folder, 'trivy'), '#!/bin/sh\necho evil\n')
    await expect(trivy.scan('api', image)).rejects.toMatchObject({ kind: 'refused' })
    expect(await readdir(folder)).not.toContain('argv')
  })

  test('is not run either when they changed between two scans, and size, time and place are as before', async () => {
    const trivy = await open('echo "{}" > "$out"')
    const path = join(folder, 'trivy')
    // A whole second, which can be set again to the nanosecond.
    await utimes(path, 1_700_000_000, 1_700_000_000)
    expect(await trivy.scan('api', image)).toBe('{}\n')
    const { ino, size, mtimeNs } = await stat(path, { bigint: true })
    await writeFile(path, recording('echo "[]" > "$out"'))
    await utimes(path, 1_700_000_000, 1_700_000_000)
    expect(await stat(path, { bigint: true })).toMatchObject({ ino, size, mtimeNs })
    await rm(join(folder, 'argv'))
    await expect(trivy.scan('api', image)).rejects.toMatchObject({ kind: 'refused' })
    expect(await readdir(folder)).not.toContain('argv')
  })
})

test('what was judged runs, whatever is at its path by then', async () => {
  const program = join(folder, 'trivy')
  await writeFile(program, '#!/bin/sh\necho judged\n', { mode: 0o700 })
  await using file = await openScanner({ path: program, sha256: sha256('#!/bin/sh\necho judged\n') })
  await writeFile(`${program}.new`, '#!/bin/sh\necho evil\n', { mode: 0o700 })
  await rename(`${program}.new`, program)
  const as = { env: { PATH: process.env.PATH ?? '' }, handedOn: file.fd }
  expect(await run(HANDED_ON, [], as)).toContain('judged')
})

describe('two jobs of one machine', () => {
  // Trivy's cache is a file that one process can open.
  const alone = 'mkdir "$cache/busy" || exit 3; sleep 0.2; rmdir "$cache/busy"; echo "{}" > "$out"'

  test('take turns', async () => {
    const [one, other] = [await open(alone, { job: 'one' }), await open(alone, { job: 'other' })]
    expect(await Promise.all([one.scan('api', image), other.scan('api', image)])).toEqual(['{}\n', '{}\n'])
  })

  test('do not wait for one that was cancelled', async () => {
    const controller = new AbortController()
    const script = `if [ -e "$cache/begun" ]; then ${alone}; else : > "$cache/begun"; exec sleep 60; fi`
    const cancelled = (await open(script, { job: 'one', signal: controller.signal })).scan('api', image)
    cancelled.catch(() => undefined)
    await vi.waitFor(() => access(join(folder, 'cache/begun')), { timeout: 20_000 })
    controller.abort(new Error('cancelled'))
    await expect(cancelled).rejects.toThrow('cancelled')
    expect(await (await open(script, { job: 'other' })).scan('api', image)).toBe('{}\n')
  })
})

describe('a kept report', () => {
  const key = { scanner: sha256('scanner'), database: sha256('database of today'), licences: false }

  test('is found for the same image, scanner and database, and for no other', async () => {
    const reports = await KeptReports.open(folder, key, VERSION)
    expect(await reports.find(image)).toBeNull()
    const evidence = { report: JSON.stringify(reportOf()), sbom: `{"bomFormat":"CycloneDX","image":"${image}"}` }
    await reports.keep(image, evidence)
    expect(await (await KeptReports.open(folder, key, VERSION)).find(image)).toEqual(evidence)
    expect(await reports.find(sha256('another image'))).toBeNull()

    const other = await KeptReports.open(folder, { ...key, database: sha256('database of tomorrow') }, VERSION)
    expect(await other.find(image)).toBeNull()
    expect(await reports.find(image)).toBeNull()
    expect(await readdir(folder)).toHaveLength(1)
    // Another job of this machine has removed the directory meanwhile: nothing is kept, and nothing fails.
    await reports.keep(image, evidence)
    expect(await readdir(folder)).toHaveLength(1)
  })
})

test('what was said of Dockerfiles is taken again for the same texts and scanner, and for no others', async () => {
  const [file, keep] = [join(folder, 'Dockerfile'), join(folder, 'dockerfiles.json')]
  let scans = 0
  const result = (path: string) => ({ Target: path, Class: 'config', Type: 'dockerfile' })
  const laid = ['a', 'b'].map((name) => result(`checkout/${name}/Dockerfile`))
  const said = JSON.stringify({ CreatedAt: 'now', Results: laid })
  const trivy = { scanDockerfiles: async () => (++scans === 1 ? said.slice(0, 40) : said) }
  const scan = async (scanner = 'scanner') => {
    const dockerfiles = ['a', 'b'].map((service) => ({ service, file, path: `${service}/Dockerfile` }))
    return scanDockerfiles(trivy, dockerfiles, { scanner: sha256(scanner), keep })
  }
  await writeFile(file, 'FROM scratch\n')
  // Cut: the verdict refuses it, and it is not taken again.
  expect([...(await scan()).values()]).toEqual([said.slice(0, 40), said.slice(0, 40)])
  const first = await scan()
  expect(JSON.parse(first.get('b') ?? '')).toEqual({ ArtifactName: 'b/Dockerfile', Results: [result('b/Dockerfile')] })
  expect([await scan(), scans]).toEqual([first, 2])
  await writeFile(file, 'FROM scratch\nUSER 1\n')
  await scan()
  expect(scans).toBe(3)
  await scan('another')
  expect(scans).toBe(4)
})

describe('what lies among the kept reports', () => {
  test.each<[string, object, string]>([
    ['a report of another image', reportOf([], { ImageID: sha256('other') }), image],
    ['a report of another scanner', { ...reportOf(), Trivy: { Version: '0.69.4' } }, image],
    ['what is no report', {}, image],
    ['the bill of materials of another image', reportOf(), sha256('other')],
  ])('is not taken for a report of the image when it is %s', async (_, report, about) => {
    const key = { scanner: sha256('scanner'), database: sha256('database'), licences: false }
    const reports = await KeptReports.open(folder, key, VERSION)
    await reports.keep(image, { report: JSON.stringify(report), sbom: `{"image":"${about}"}` })
    expect(await reports.find(image)).toBeNull()
  })
})

describe('the vulnerability database', () => {
  const now = new Date('2026-11-28T10:00:00Z')
  const metadata = (text: string) => `mkdir -p "$cache/db"; printf '%s' '${text}' > "$cache/db/metadata.json"`

  test('is brought from the given repositories, and says when it was made', async () => {
    const trivy = await open(metadata('{"Version":2,"UpdatedAt":"2026-11-28T06:30:00.5Z"}'), {
      databases: ['ghcr.io/a/db:2', 'quay.io/b/db:2'],
    })
    expect(await trivy.updateDatabase(now)).toMatchObject({ made: new Date('2026-11-28T06:30:00.5Z') })
    const argv = await recorded('argv')
    expect(argv).toContain('--download-db-only\n--db-repository\nghcr.io/a/db:2\n')
    expect(argv).not.toContain('quay.io')
    expect(argv).not.toContain('--skip-db-update')
  })

  test('is brought from the next repository when one fails, and is an error when the last one does', async () => {
    const given = metadata('{"Version":2,"UpdatedAt":"2026-11-28T06:30:00Z"}')
    const databases = ['ghcr.io/a/db:2', 'quay.io/b/db:2']
    const fails = (name: string) =>
      `if grep -q ${name} "$here/argv"; then echo "FATAL ${name}: BOOM" >&2; exit 1; fi; ${given}`
    expect(await (await open(fails('ghcr.io'), { databases })).updateDatabase(now)).toMatchObject({
      made: new Date('2026-11-28T06:30:00Z'),
    })
    expect(await recorded('argv')).toContain('quay.io/b/db:2')
    await expect((await open(fails('.io'), { databases })).updateDatabase(now)).rejects.toMatchObject({
      kind: 'error',
      message: expect.stringMatching(/^scan of the vulnerability database failed, so nothing is judged: .*BOOM/),
    })
  })

  test('is brought from the next repository when the first has one of yesterday, and is refused when the last one has', async () => {
    const databases = ['ghcr.io/a/db:2', 'quay.io/b/db:2']
    // Trivy brings none while it has one of this hour.
    const brings = (other: string) => `[ -e "$cache/db" ] && exit 0
if grep -q ghcr.io "$here/argv"; then ${metadata('{"Version":2,"UpdatedAt":"2026-11-27T06:30:00Z"}')}; else ${metadata(other)}; fi`
    const today = await open(brings('{"Version":2,"UpdatedAt":"2026-11-28T06:30:00Z"}'), { databases })
    expect(await today.updateDatabase(now)).toMatchObject({ made: new Date('2026-11-28T06:30:00Z') })
    await rm(join(folder, 'cache/db'), { recursive: true })
    const old = await open(brings('{"Version":2,"UpdatedAt":"2026-11-26T06:30:00Z"}'), { databases })
    const refusal = { kind: 'refused', message: expect.stringMatching(/is of 2026-11-26T06:30:00.000Z, 51 h old/) }
    await expect(old.updateDatabase(now)).rejects.toMatchObject(refusal)
  })

  test.each([
    ['no JSON', '{"Version":2,'],
    ['another schema', '{"Version":1,"UpdatedAt":"2026-11-28T06:30:00Z"}'],
    ['no time', '{"Version":2}'],
  ])('is refused when its metadata has %s', async (_, text) => {
    const trivy = await open(metadata(text))
    await expect(trivy.updateDatabase(now)).rejects.toThrow(/does not say when the vulnerability database was made/)
  })
})

// The scan stage of the build action through dist, with the real Trivy: what passes it in silence does not pass here.
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { composeOf } from '../images/checkout.ts'
import { jarWith } from '../images/jar.ts'
import {
  buildScanned,
  DOCKERFILE,
  debian,
  judgeAnew,
  page,
  pinScanner,
  publishVendor,
  pushScanned,
  pushStep,
  type ScanBench,
  type ScannedBuild,
  startScanBench,
  VENDOR,
} from '../images/scan-bench.ts'
import type { Advisory } from '../lab/index.ts'

let bench: ScanBench
beforeAll(async () => {
  bench = await startScanBench()
})
afterAll(() => bench?.lab.down())

const publish = async (made: Date, tag: string, more: readonly Advisory[] = []) => {
  const { lab } = bench
  return lab.registry.publishDatabase(await readFile(lab.ca), { made, tag, more })
}
/** Lets the runner's next scan bring its database anew. */
const fresh = () => bench.lab.runner.run(['rm', '-rf', '/var/cache/lab/pacs-deploy'])

const clean = debian('image', [])
const fixable = debian('image', ['pacs-fixture'])
const build = (...args: Parameters<typeof buildScanned> extends [unknown, ...infer Rest] ? Rest : never) =>
  buildScanned(bench, ...args)
const errorOf = ({ printed }: { printed: string }) =>
  /^::error::(.*)$/m.exec(printed)?.[1]?.replaceAll('%0A', '\n') ?? printed
/** A summary as a reader sees it: signs of markup stand there as numbers. */
const plainly = (summary: string) => summary.replaceAll(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
const verdictOf = ({ draft, printed }: ScannedBuild, service: string) => {
  if (!draft) throw new Error(`nothing was built: ${printed}`)
  return draft.images[service]?.verdict
}

describe('a build', () => {
  test('gives every image its verdict, and reports what a vendor has to mend', async () => {
    const built = await build(debian('image', ['pacs-fixture-unfixed', 'pacs-fixture-open', 'bash']))
    expect(built.code, built.printed).toBe(0)
    expect(verdictOf(built, 'api')).toMatchObject({
      scanner: { version: '0.74.0', sha256: `sha256:${bench.scanner['scanner-sha256']}` },
      found: { critical: 2, high: 0, medium: 1 },
      open: [],
      waived: [],
    })
    expect(verdictOf(built, 'queue')).toMatchObject({ found: { high: 1 }, open: ['CVE-2026-90004 in redis'] })
    const unfixed = debian('image', ['pacs-fixture-unfixed', 'pacs-fixture-open'])
    const strict = await build(unfixed, { 'scan-unfixed': 'true' }, { TRIVY_IGNORE_UNFIXED: 'true' })
    expect(errorOf(strict)).toMatch(/image of api: CVE-2026-90002 in pacs-fixture-unfixed 1.0-1 \(CRITICAL\)/)
    // What a distribution still looks into is as open as what it has not mended.
    expect(errorOf(strict)).toMatch(/CVE-2026-90005 in pacs-fixture-open 1.0-1 \(CRITICAL\)/)
    expect(built.summary).toContain('no release yet')
    expect(built.summary).toMatch(/scan of queue.*passed, 1 of the vendor that no own image may have/)
  })

  test('refuses what can be mended, and says how, whatever the checkout and the environment tell the scanner', async () => {
    const files = {
      ...fixable,
      '.trivyignore': 'CVE-2026-90001 exp:2099-01-01\nCVE-2026-90001 exp:soon\n',
      // The scanner knows no key `expires`, and takes this for one that never ends.
      '.trivyignore.yaml': 'vulnerabilities: [{ id: CVE-2026-90001, expires: 2020-01-01 }]\n',
      'trivy.yaml': 'severity: [LOW]\nscan: { skip-files: ["**"] }\n',
      'image/.trivyignore': 'CVE-2026-90001\n',
    }
    const ignored = {
      TRIVY_SEVERITY: 'LOW',
      TRIVY_IGNOREFILE: '.trivyignore',
      TRIVY_SKIP_FILES: '**',
      TRIVY_IGNORE_UNFIXED: 'true',
      // A finding would be a failure of the scanner, and another image would be looked at, with less to look up.
      TRIVY_EXIT_CODE: '1',
      TRIVY_IMAGE_SRC: 'remote',
      TRIVY_PLATFORM: 'linux/arm64',
      TRIVY_OFFLINE_SCAN: 'true',
    }
    const built = await build(files, {}, ignored)
    expect(built.code).toBe(1)
    expect(built.draft).toBeNull()
    expect(errorOf(built)).toMatch(
      /^the scan refuses the image of api: CVE-2026-90001 in pacs-fixture 1.0-1 \(CRITICAL, mended in 2.0-1\)\nmend them/,
    )
    expect(built.summary).toContain('refused by 1')
  })

  test('lets pass what a waiver answers for, and names the one that nothing needs', async () => {
    const day = (ahead: number) => new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10)
    const waiver = (id: string, expires = `expires: ${day(20)}`) =>
      `- { id: ${id}, reason: not reachable from outside, owner: jane, ${expires} }\n`
    const files = { ...fixable, 'stack/waivers.yml': waiver('CVE-2026-90001') + waiver('CVE-1999-1') }
    const built = await build(files, { 'scan-waivers': 'stack/waivers.yml' })
    expect(verdictOf(built, 'api')).toMatchObject({ waived: ['CVE-2026-90001 in pacs-fixture'] })
    expect(built.summary).toMatch(/unused waiver stack.{0,6}waivers.yml:2/)
    const missing = await build(files, { 'scan-waivers': 'stack/waiver.yml' })
    expect(errorOf(missing)).toMatch(
      /^input scan-waivers: stack\/waiver.yml cannot be read; without it nothing would be/,
    )
    const past = waiver('CVE-2026-90001', `expired_at: ${day(20)}`) + waiver('CVE-2026-90001', `expires: ${day(-1)}`)
    const loose = await build({ ...files, 'stack/waivers.yml': past }, { 'scan-waivers': 'stack/waivers.yml' })
    expect(errorOf(loose)).toMatch(/waivers.yml:1: expired_at is not known; known are id, reason, owner, expires/)
    expect(errorOf(loose)).toMatch(/waivers.yml:2: expired on /)
  })

  test('judges a pull request by the waivers of the default branch, whatever it brings and into which branch it goes', async () => {
    const day = new Date(Date.now() + 20 * 86_400_000).toISOString().slice(0, 10)
    const waiver = `- { id: CVE-2026-90001, reason: not reachable from outside, owner: jane, expires: ${day} }\n`
    const event = '/srv/event.json'
    await bench.lab.runner.copyIn(Buffer.from('{ "repository": { "default_branch": "main" } }'), event)
    const inputs = { 'scan-waivers': 'stack/waivers.yml' }
    const pull = { GITHUB_BASE_REF: 'feature', GITHUB_EVENT_PATH: event }
    const waived = { ...fixable, 'stack/waivers.yml': waiver }
    /** Lets a branch of the repository have this file, as a checkout with all branches holds it. */
    const branch = (name: string, text: string) => `
      blob=$(printf %s '${text}' | git hash-object -w --stdin)
      folder=$(printf '100644 blob %s\\twaivers.yml\\n' $blob | git mktree)
      tree=$(printf '040000 tree %s\\tstack\\n' $folder | git mktree)
      git update-ref refs/remotes/origin/${name} $(git -c user.name=t -c user.email=t@example.org commit-tree -m x $tree)`
    const brought = await build(waived, inputs, pull, { prepare: branch('main', '') + branch('feature', waiver) })
    expect(errorOf(brought)).toMatch(/^the scan refuses the image of api: CVE-2026-90001 in pacs-fixture/)
    const known = await build(fixable, inputs, pull, { prepare: branch('main', waiver) })
    expect(verdictOf(known, 'api')).toMatchObject({ waived: ['CVE-2026-90001 in pacs-fixture'] })
    expect(errorOf(await build(waived, inputs, pull))).toMatch(
      /a pull request is judged by the waivers of main, and git has no refs\/remotes\/origin\/main/,
    )
    expect(errorOf(await build(waived, inputs, { ...pull, GITHUB_EVENT_PATH: '/srv/nowhere.json' }))).toMatch(
      /by the waivers and allowances of the default branch, and \/srv\/nowhere.json names none/,
    )
  })

  test('refuses a Dockerfile for what it does, at its line, whatever a comment in it tells the scanner', async () => {
    const day = new Date(Date.now() + 20 * 86_400_000).toISOString().slice(0, 10)
    // Of a stage that nothing is taken from, which no builder builds: no image shows it.
    const dockerfile = `FROM scratch AS tools\n# trivy:ignore:DS-0029\nRUN apt-get update && apt-get install -y curl\n${DOCKERFILE}`
    // In a folder that the scanner passes over, by a name that it does not know.
    const path = 'dev/api.build'
    const waiver = `- { id: DS-0029, path: ${path}, reason: the package needs all of them, owner: jane, expires: ${day} }\n`
    const compose = composeOf(VENDOR).replace('stack/Dockerfile', path)
    const files = {
      ...clean,
      'stack/docker-compose.prod.yml': compose,
      [path]: dockerfile,
      'stack/waivers.yml': waiver,
    }
    const refused = await build(files)
    expect(errorOf(refused)).toMatch(
      /^the scan refuses the image of api: DS-0029 in dev\/api.build:3 \(HIGH\): [^;\n]+\nmend them/,
    )
    expect(refused.draft).toBeNull()
    expect(refused.printed).toContain('::warning title=DS-0029,file=dev/api.build,line=3::')
    expect(plainly(refused.summary)).toContain('| DS-0029 | api | dev/api.build:3 | HIGH: ')
    const sarif = JSON.parse(await bench.lab.runner.readText(refused.outputs.sarif ?? ''))
    expect(sarif.runs.map((run: { tool: { driver: { name: string } } }) => run.tool.driver.name)).toEqual([
      'pacs-deploy stack check',
      'pacs-deploy scan',
    ])
    const physicalLocation = { artifactLocation: { uri: path }, region: { startLine: 3 } }
    expect(sarif.runs[1].results).toContainEqual(
      expect.objectContaining({ ruleId: 'DS-0029', level: 'error', locations: [{ physicalLocation }] }),
    )

    const inputs = { 'scan-waivers': 'stack/waivers.yml' }
    const waived = await build(files, inputs)
    expect(verdictOf(waived, 'api'), waived.printed).toMatchObject({
      waived: [`DS-0029 in ${path}`],
      dockerfile: expect.stringMatching(/^sha256:/),
    })
    expect(verdictOf(waived, 'queue')).not.toHaveProperty('dockerfile')
    expect(verdictOf(waived, 'worker')).toMatchObject({ waived: [`DS-0029 in ${path}`] })
    // What was waived then is waived in what runs, and bad news without.
    const release = await pushScanned(bench, waived)
    const again = await judgeAnew(bench, release, inputs)
    expect([again.code, again.outputs.new], again.printed).toEqual([0, '0'])
    expect(again.summary).not.toContain('unused waiver')
    const without = await judgeAnew(bench, release)
    expect([without.code, without.outputs['exit-class']], without.printed).toEqual([1, '10'])
  })

  test("says what an image's own tests said", async () => {
    const dockerfile = `FROM scratch AS test\nCOPY tools /\nRUN echo "Tests  2 passed (2)"; : > /passed\n${DOCKERFILE}COPY --from=test /passed /\n`
    // A shell, and what it is linked to.
    const prepare =
      'for f in /bin/sh $(ldd /bin/sh | grep -o "/[^ ]*"); do mkdir -p tools$(dirname $f) && cp -L $f tools$f; done'
    const built = await build({ ...clean, 'stack/Dockerfile': dockerfile }, {}, {}, { prepare })
    expect(built.summary, built.printed).toMatch(/\| tests of api \| 2 passed \|/)
  })

  test('finds a secret in a layer and in the environment, and an image that runs as root', async () => {
    const key = `-----BEGIN RSA PRIVATE KEY-----\n${randomBytes(600).toString('base64').replaceAll(/.{64}/g, '$&\n')}\n-----END RSA PRIVATE KEY-----\n`
    const token = `ghp_${randomBytes(18).toString('hex')}`
    const files = {
      ...clean,
      'trivy-secret.yaml': 'disable-rules: [private-key, github-pat]\n',
      // In a file of this kind an id is for all that it looks for.
      '.trivyignore': 'private-key\ngithub-pat\nDS-0002 exp:2099-01-01\n',
      'image/app/key.pem': key,
      'stack/Dockerfile': DOCKERFILE.replace('USER 1000:1000\n', `ENV GH=${token}\n`),
    }
    const error = errorOf(await build(files, {}, { TRIVY_SECRET_CONFIG: 'trivy-secret.yaml' }))
    expect(error).toMatch(/private-key in \/?app\/key.pem \(HIGH\)/)
    expect(error).toMatch(/github-pat in \(image config\) \(CRITICAL\)/)
    // Its Dockerfile and its configuration both say so: it is one finding, at the place where it can be mended.
    expect(error.match(/DS-0002[^;\n]*/g)).toEqual([
      expect.stringMatching(/^DS-0002 in stack\/Dockerfile:\d+ \(HIGH\)/),
    ])
    expect(error).not.toContain(token)
  })

  test('refuses a licence of the list by the package that has it, and looks at none without a list', async () => {
    const viewer = JSON.stringify({ name: 'viewer', version: '1.0.0', license: 'AGPL-3.0-only' })
    const files = { ...clean, 'image/app/node_modules/viewer/package.json': viewer }
    expect((await build(files)).code).toBe(0)
    const refused = await build(files, { 'scan-licences': 'SSPL-1.0, AGPL-3.0-only' })
    expect(errorOf(refused)).toMatch(/^the scan refuses the image of api: AGPL-3.0-only in viewer \(CRITICAL\)/)
  })

  test('knows what a jar is by what lies in it, whether or not the runner asks the scanner to look nothing up', async () => {
    const facts = 'groupId=org.example\nartifactId=viewer\nversion=1.2.3\n'
    const jar = jarWith('META-INF/maven/org.example/viewer/pom.properties', facts).toString('base64')
    const prepare = `echo ${jar} | base64 -d > image/viewer.jar`
    for (const env of [{}, { TRIVY_OFFLINE_SCAN: 'true' }]) {
      // Another image each time, or the first one's report would be taken again.
      const built = await build({ ...clean, 'image/app': JSON.stringify(env) }, {}, env, { prepare })
      expect(built.code, built.printed).toBe(0)
      const sbom = await bench.lab.runner.readText(`${dirname(built.manifest)}/scan/api.cdx.json`)
      expect(sbom).toContain('pkg:maven/org.example/viewer@1.2.3')
    }
  })

  test('refuses an image about which nothing can be known, unless that is allowed', async () => {
    const old = await build(debian('image', [], '8'))
    expect(errorOf(old)).toMatch(/image of api: os-end-of-life \(CRITICAL\): debian 8/)
    const empty = await build({ 'image/app': 'static\n' })
    expect(errorOf(empty)).toMatch(/image of api: no-packages .*; os-unknown/)
  })
})

describe('a Compose file', () => {
  test('is refused by the gate before anything is built, at its lines, and what is allowed is told apart', async () => {
    const because = 'until its version 3'
    const text = composeOf(VENDOR, `, allow: { added-capability: ${because} }`).replace(
      '    stop_grace_period',
      '    privileged: true\n    cap_add: [SYS_TIME]\n    stop_grace_period',
    )
    const line = text.split('\n').indexOf('    privileged: true') + 1
    const built = await build({ ...clean, 'stack/docker-compose.prod.yml': text })
    expect([built.code, built.draft]).toEqual([1, null])
    expect(errorOf(built)).toMatch(/^the Compose file has 1 findings: mend each, .*\n.*: privileged: .*\[privileged\]$/)
    expect(built.printed).toContain(
      `::warning title=privileged,file=stack/docker-compose.prod.yml,line=${line}::privileged: leave it out`,
    )
    expect(built.summary).toMatch(/api: added-capability \| allowed: until its version 3/)
    expect(plainly(built.summary)).toContain(
      `| rule | service | place | what to write |\n|---|---|---|---|\n| privileged | api | stack/docker-compose.prod.yml:${line} | privileged: leave it out`,
    )
    expect(JSON.parse(await bench.lab.runner.readText(built.outputs.sarif ?? ''))).toMatchObject({
      runs: [
        {
          results: [
            { ruleId: 'privileged', locations: [{ physicalLocation: { region: { startLine: line } } }] },
            { ruleId: 'added-capability', suppressions: [{ justification: because }] },
          ],
        },
      ],
    })
  })

  test('of a pull request is not excused by an allowance that it brings, and is by one of the default branch', async () => {
    const event = '/srv/event.json'
    await bench.lab.runner.copyIn(Buffer.from('{ "repository": { "default_branch": "main" } }'), event)
    const pull = { GITHUB_BASE_REF: 'main', GITHUB_EVENT_PATH: event }
    const allowing = (text: string) =>
      text.replace('    stop_grace_period', '    cap_add: [SYS_TIME]\n    stop_grace_period')
    const text = allowing(composeOf(VENDOR, ', allow: { added-capability: until its version 3 }'))
    const files = { ...clean, 'stack/docker-compose.prod.yml': text }
    const main = (compose: string) => `
      blob=$(${compose} | git hash-object -w --stdin)
      folder=$(printf '100644 blob %s\\tdocker-compose.prod.yml\\n' $blob | git mktree)
      tree=$(printf '040000 tree %s\\tstack\\n' $folder | git mktree)
      git update-ref refs/remotes/origin/main $(git -c user.name=t -c user.email=t@example.org commit-tree -m x $tree)`
    const own = 'git show HEAD:stack/docker-compose.prod.yml'
    const brought = await build(files, {}, pull, { prepare: main(`${own} | sed 's/, allow: {[^}]*}//'`) })
    expect(errorOf(brought)).toMatch(
      /: cap_add: SYS_TIME: .*; that this pull request allows it does not count, .*\[added-/,
    )
    expect(brought.draft).toBeNull()
    expect(plainly(brought.summary)).toContain('| allowances | those of main: a pull request allows itself nothing |')
    const known = await build(files, {}, pull, { prepare: main(own) })
    expect(known.code, known.printed).toBe(0)
    expect(known.summary).toMatch(/api: added-capability \| allowed: until its version 3/)
    const unreadable = await build(files, {}, pull, { prepare: main('echo "services: ["') })
    expect(unreadable.printed).toMatch(/gate \| main has no Compose file that can be read, so nothing is allowed: /)
    const why = /does not count, since the default branch has no Compose file that can be read, so it allows nothing: /
    expect(errorOf(unreadable)).toMatch(why)
    expect(unreadable.summary).toMatch(why)
    expect(errorOf(await build(files, {}, pull))).toMatch(
      /^a pull request is judged by what the Compose file of main allows, and git has no refs\/remotes\/origin\/main: check/,
    )
  })

  test('that no agent can run is told together with what the gate finds, at their lines', async () => {
    const text = composeOf(VENDOR)
      .replace('    stop_grace_period', '    container_name: api\n    stop_grace_period')
      .replace('    command: [work]', '    command: [work]\n    privileged: true')
    const built = await build({ ...clean, 'stack/docker-compose.prod.yml': text })
    expect(errorOf(built)).toMatch(/docker-compose.prod.yml:\d+: api: container_name on a start-first service: /)
    expect(built.draft).toBeNull()
    const lineOf = (key: string) => text.split('\n').findIndex((line) => line.startsWith(`    ${key}:`)) + 1
    const sarif = JSON.parse(await bench.lab.runner.readText(built.outputs.sarif ?? ''))
    for (const [rule, service, key] of [
      ['start-first', 'api', 'container_name'],
      ['privileged', 'worker', 'privileged'],
    ] as const) {
      const at = `stack/docker-compose.prod.yml:${lineOf(key)}`
      expect(plainly(built.summary)).toContain(`| ${rule} | ${service} | ${at} | ${key}`)
      expect(built.printed).toContain(`::warning title=${rule},file=${at.replace(':', ',line=')}::${key}`)
      expect(sarif.runs[0].results).toContainEqual(expect.objectContaining({ ruleId: rule }))
    }
  })
})

describe('the page of an image', () => {
  test('is refused over its budget, and when nobody can tell what it loads', async () => {
    const heavy = await build({ ...clean, ...page(randomBytes(4000).toString('hex'), '2KiB') })
    expect(errorOf(heavy)).toMatch(
      /^api: its page loads 4.\d KiB first \(gzipped\), its bundle-budget is 2.0 KiB: the largest are assets\/index-\S+ \S+ KiB, [^\n]*$/,
    )
    expect(heavy.summary).toMatch(/\| api \| assets\/index\S+ \| 4.\d KiB \|/)
    expect(heavy.summary).not.toContain('viewer')
    const unnamed = await build({ ...clean, ...page('x', '2KiB'), 'stack/Dockerfile': DOCKERFILE })
    expect(errorOf(unnamed)).toMatch(/^api: it has a bundle-budget, but its image has no label org.pacs-deploy.page /)
  })
})

describe('a release', () => {
  test('holds the report and the bill of materials of each image, and lets no vendor bring what it did not have', async () => {
    const script = randomBytes(1500).toString('hex')
    const built = await build({ ...clean, ...page(script, '2KiB') })
    expect(built.summary).toMatch(/page of api \| 1.\d KiB of 2.0 KiB that it may load first/)
    const { runner } = bench.lab
    const { local = '', image = '' } = built.draft?.images.api ?? {}
    await runner.run(['docker', 'tag', VENDOR, local])
    expect(errorOf(await pushStep(bench, built.manifest))).toMatch(
      /^image \S+ of api is now sha256:[0-9a-f]{64}, built was sha256:[0-9a-f]{64}: it was moved between build and push/,
    )
    await runner.run(['docker', 'tag', image, local])
    const release = await pushScanned(bench, built)
    const container = (await runner.run(['docker', 'create', release, 'none'])).trim()
    const read = (name: string, filter: string) =>
      runner.run(['sh', '-c', `docker cp ${container}:/scan/${name} - | tar -xO | ${filter}`])
    const hash = async (name: string) => `sha256:${(await read(name, 'sha256sum')).slice(0, 64)}`
    const sbom = await read('queue.cdx.json', 'cat')
    expect(JSON.parse(sbom)).toMatchObject({ bomFormat: 'CycloneDX' })
    expect(sbom).toContain('pkg:deb/debian/redis@1.0-1')
    expect(verdictOf(built, 'queue')).toMatchObject({
      report: await hash('queue.report.json'),
      sbom: await hash('queue.cdx.json'),
    })
    expect(await pushScanned(bench, built)).toBe(release)

    const again = await build({ ...clean, ...page(script, '2KiB') })
    expect(again.summary).toMatch(/page of api .*, \+0.0 KiB since the last release/)
    expect(verdictOf(again, 'queue')).toMatchObject({ open: ['CVE-2026-90004 in redis'] })
    expect(again.printed).toContain('scan of queue | known: this image was scanned here with this database')

    // A week later the world knows more, and what runs is judged anew.
    const quiet = await judgeAnew(bench, release)
    expect([quiet.code, quiet.outputs.new], quiet.printed).toEqual([0, '0'])
    await fresh()
    const today = await publish(new Date(), 'tomorrow', [
      { id: 'CVE-2026-90009', severity: 4, package: 'base-files', fixed: '2' },
    ])
    const loud = await judgeAnew(bench, release, { 'scan-database': today })
    expect([loud.code, loud.outputs.new, loud.outputs['exit-class']], loud.printed).toEqual([1, '2', '10'])
    expect(loud.summary).toMatch(/new in queue.*CVE-2026-90009 in base-files 1.0-1 \(CRITICAL, mended in 2\)/)
    expect(loud.summary).not.toMatch(/new in .*CVE-2026-90004/)
    expect(await bench.lab.runner.readText(loud.outputs.metrics ?? '')).toContain('service="api",state="new"} 1')
    await fresh()

    await publishVendor(bench, ['redis', 'pacs-fixture'])
    const worse = await build(clean)
    expect(errorOf(worse)).toMatch(/^the scan refuses the image of queue: CVE-2026-90001 in pacs-fixture/)
    expect(errorOf(worse)).not.toContain('CVE-2026-90004')
    expect((await build(clean, { 'scan-vendors': 'report' })).code).toBe(0)
    await publishVendor(bench, ['redis'])
  })

  test('that a waiver let pass is not bad news to a scan with the same waiver, and is to one without', async () => {
    const day = new Date(Date.now() + 20 * 86_400_000).toISOString().slice(0, 10)
    // The worker runs the same image.
    const waiver = `- { id: CVE-2026-90001, image: api, reason: not reachable, owner: jane, expires: ${day} }\n`
    const inputs = { 'scan-waivers': 'stack/waivers.yml' }
    const server = { GITHUB_SERVER_URL: 'https://github.com' }
    const built = await build({ ...fixable, 'stack/waivers.yml': waiver }, inputs, server)
    const labels = ['docker', 'image', 'inspect', '--format', '{{json .Config.Labels}}']
    expect(JSON.parse(await bench.lab.runner.run([...labels, built.draft?.images.api?.local ?? '']))).toMatchObject({
      'org.opencontainers.image.source': 'https://github.com/org/pacs',
    })
    const release = await pushScanned(bench, built)
    const same = await judgeAnew(bench, release, inputs)
    expect([same.code, same.outputs.new], same.printed).toEqual([0, '0'])
    const without = await judgeAnew(bench, release)
    expect([without.code, without.outputs['exit-class']], without.printed).toEqual([1, '10'])
  })
})

describe('a build is not judged by', () => {
  test('a database of yesterday', async () => {
    await fresh()
    const database = await publish(new Date(Date.now() - 25 * 3_600_000), 'old')
    const built = await build(clean, { 'scan-database': database })
    expect(errorOf(built)).toMatch(/^scan: the vulnerability database is of .*, 25 h old, allowed are 24 h/)
    expect(built.draft).toBeNull()
    // The next repository has one of today, and the one that was brought first is in nobody's way.
    const next = await build(clean, { 'scan-database': `${database} ${bench.lab.registry.database}` })
    expect(next.code, next.printed).toBe(0)
    expect(next.printed).toMatch(/scan \| scan: the vulnerability database is of .*; next is registry.lab:5000/)
    await fresh()
  })

  test('a database of the day after', async () => {
    const database = await publish(new Date(Date.now() + 2 * 3_600_000), 'future')
    const built = await build(clean, { 'scan-database': database })
    expect(errorOf(built)).toMatch(/^scan: the vulnerability database is of .*, which is in the future: set the clock/)
    expect(built.draft).toBeNull()
    await fresh()
  })

  test('no database, or a cut one; and the next repository is asked', async () => {
    await fresh()
    const { runner, registry } = bench.lab
    const none = await build(clean, { 'scan-database': 'registry.lab:5000/trivy/nothing:2' })
    expect(errorOf(none)).toMatch(
      /^scan of the vulnerability database failed, so nothing is judged: Trivy ended with 1: /,
    )
    expect(none.draft).toBeNull()

    const program = await readFile(new URL('../images/faulty-database.ts', import.meta.url))
    await runner.copyIn(program, '/srv/faulty-database.ts')
    const node = (await runner.run(['sh', '-c', 'command -v node'])).trim()
    await runner.run(['systemd-run', '--collect', '--unit', 'faulty-database', node, '/srv/faulty-database.ts', '5998'])
    await runner.run([
      'curl',
      '-fsS',
      '--retry',
      '20',
      '--retry-connrefused',
      '--retry-delay',
      '1',
      '127.0.0.1:5998/v2/',
    ])
    const faulty = ['s404', 's429', 's503', 'cut'].map((name) => `127.0.0.1:5998/${name}/db:2`)
    const nowhere = await build(clean, { 'scan-database': faulty.join('\n') })
    expect(errorOf(nowhere)).toMatch(/^scan of the vulnerability database failed, so nothing is judged: Trivy ended/)
    expect(nowhere.draft).toBeNull()
    const last = await build(clean, { 'scan-database': [...faulty, registry.database].join('\n') })
    expect(last.code, last.printed).toBe(0)
    for (const next of [...faulty.slice(1), registry.database]) expect(last.printed).toContain(`; next is ${next}`)
    await fresh()
    const silent = '127.0.0.1:5997/silent/db:2'
    const waited = await build(clean, { 'scan-database': silent })
    expect(errorOf(waited)).toMatch(
      /^scan of the vulnerability database failed, so nothing is judged: 127.0.0.1:5997 has not answered for 20 s$/,
    )
    expect(waited.draft).toBeNull()
    const other = await build(clean, { 'scan-database': `${silent} ${registry.database}` })
    expect(other.code, other.printed).toBe(0)
    expect(other.printed).toContain(`has not answered for 20 s; next is ${registry.database}`)
    expect(await runner.run(['sh', '-c', 'pgrep -fa "[f]d/3 image" || true'])).toBe('')
    await runner.run(['systemctl', 'stop', 'faulty-database'])
  })

  test('a scanner that is not the one whose hash was given', async () => {
    const built = await build(clean, { 'scanner-sha256': 'a'.repeat(64) })
    expect(errorOf(built)).toMatch(
      /^scanner: \/srv\/trivy has the SHA-256 sha256:.*it is not run, and nothing is judged/,
    )
  })
})

describe('the pinned scanner', () => {
  const program = { scanner: '', 'scanner-sha256': '' }
  const evil = '#!/bin/sh\n: > /srv/evil-ran\n'

  test('is fetched once, by its hash, and no other bytes ever run: of the source, of the cache, or in the middle of a scan', async () => {
    const { runner } = bench.lab
    await fresh()
    const { suite, source, kept } = await pinScanner(bench)
    const first = await build(clean, program, {}, { suite })
    expect(first.code, first.printed).toBe(0)
    expect(first.printed).toContain(`scanner | fetch ${source}`)
    const again = await build(clean, program, {}, { suite })
    expect([again.code, again.printed.includes('scanner | fetch')], again.printed).toEqual([0, false])

    // Who can write to the cache puts another program there.
    await runner.run(['rm', '-f', kept])
    await runner.copyIn(Buffer.from(evil), kept, 0o755)
    const poisoned = await build(clean, program, {}, { suite })
    expect(poisoned.printed).toMatch(/scanner \| \S+\/trivy has the SHA-256 sha256:\S+, pinned is \S+: fetched anew/)
    expect(poisoned.code, poisoned.printed).toBe(0)
    // The same while the pinned one looks at the first of two images: `flock`, which becomes it, has another command line before.
    const swap = `printf '%s' '${evil}' > /srv/evil; chmod 755 /srv/evil
      (until ps -eo args | grep -q '^/proc/self/fd/3 image .*--format json'; do sleep 0.01; done
      cp /srv/evil ${kept}.new; mv ${kept}.new ${kept}) > /dev/null 2>&1 &`
    await runner.run(['sh', '-c', 'cd /var/cache/lab/pacs-deploy && rm -rf reports dockerfiles.json'])
    const swapped = await build(clean, program, {}, { suite, prepare: swap })
    expect(errorOf(swapped)).toMatch(/^scanner: \S+\/trivy has the SHA-256 sha256:\S+, expected is \S+: it is not run/)
    expect(swapped.draft).toBeNull()

    // A source that gives another archive, as after its release was moved.
    await fresh()
    const hash = source.slice(-64)
    await runner.run([
      'sed',
      '-i',
      `s/"archive":"${hash}/"archive":"${'0'.repeat(64)}/`,
      `${suite}/dist/tools.lock.json`,
    ])
    const moved = await build(clean, program, {}, { suite })
    expect(errorOf(moved)).toMatch(
      /^scanner: \S+ has the SHA-256 \S+, pinned is sha256:0{64}: it was cut or replaced; nothing/,
    )
    expect(await runner.run(['sh', '-c', 'ls /srv/evil-ran 2>/dev/null || true'])).toBe('')
    await fresh()
  })
})

describe('a build and a push that are cut off', () => {
  // Ten files of 4 MiB of text: long enough to be scanned and sent for somebody to cancel meanwhile.
  const prepare = 'for n in 0 1 2 3 4 5 6 7 8 9; do head -c 3M /dev/urandom | base64 > image/text$n.txt; done'
  const LEFT = /left behind/

  test('for want of room, or by a person, report nothing as done, leave nothing running, and can be run again', async () => {
    const { runner } = bench.lab
    await runner.run(['sh', '-c', 'mkdir /srv/small && mount -t tmpfs -o size=4m none /srv/small'])
    const full = await buildScanned(bench, clean, {}, { TMPDIR: '/srv/small' }, { prepare })
    expect(errorOf(full)).toMatch(/^scan of (api|queue) failed, so nothing is judged: .*no space left on device/)
    expect(full.draft).toBeNull()
    expect(await runner.run(['ls', '/srv/small'])).toBe('')

    for (const cancelAt of ['docker-buildx build', '^/proc/self/fd/3 image .*--format json']) {
      const cancelled = await buildScanned(bench, clean, {}, {}, { prepare, cancelAt })
      expect(cancelled.code).toBe(1)
      expect(errorOf(cancelled)).toMatch(/^cancelled/)
      expect(cancelled.printed).not.toMatch(LEFT)
      expect(cancelled.draft).toBeNull()
    }

    // Two jobs of one machine take turns with the scanner.
    const built = await buildScanned(bench, clean, {}, {}, { prepare, twice: true })
    expect(verdictOf(built, 'api'), built.printed).toMatchObject({ built: true })
    expect(built.other?.code, built.other?.printed).toBe(0)

    const ca = '/etc/docker/certs.d/registry.lab:5000/ca.crt'
    const tags = ['curl', '-sS', '--cacert', ca, 'https://registry.lab:5000/v2/org/pacs/release/tags/list']
    const before = await runner.run(tags)
    const half = await pushStep(bench, built.manifest, 'docker push registry.lab:5000/org/pacs/api')
    expect(half.code).toBe(1)
    expect(errorOf(half)).toMatch(/^cancelled/)
    expect(half.outputs.release).toBeUndefined()
    expect(half.printed).not.toMatch(LEFT)
    expect(await runner.run(tags)).toBe(before)
    expect(await pushScanned(bench, built)).toMatch(/^registry.lab:5000\/org\/pacs\/release@sha256:/)
  })
})

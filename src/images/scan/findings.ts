import { type DockerfileReport, parseReport, type Report, type Severity } from './report.ts'

/** One thing that a scan found, or that it could not find out. */
export interface Finding {
  kind: 'vulnerability' | 'secret' | 'misconfiguration' | 'licence' | 'coverage'
  /** `CVE-2026-1234`, a rule of Trivy, a licence, or `os-unknown`, `os-end-of-life`, `no-packages`, `dockerfile-unread`. */
  id: string
  severity: Severity
  /** Empty where it is in no package. */
  package: string
  installed: string
  /** The version that mends it; empty when there is none yet. */
  fixed: string
  /** File in the image, where the report names one, or the Dockerfile in the checkout. */
  path: string
  /** Line of the Dockerfile, counted from 1; left out for all that is found in an image. */
  line?: number
  title: string
  /** Milliseconds of the epoch; null when nobody says. */
  published: number | null
}

/** All that a report holds; of licences only those of `licences`. */
export function findingsOf(report: Report, licences: readonly string[] | 'all'): Finding[] {
  const isUnwanted = (name: string) => licences === 'all' || licences.includes(name)
  const found = report.Results.flatMap((result) => [
    ...result.Vulnerabilities.map((each) =>
      finding('vulnerability', each.VulnerabilityID, each.Severity, {
        package: each.PkgName,
        installed: each.InstalledVersion,
        fixed: each.FixedVersion,
        path: each.PkgPath ?? (result.Class === 'lang-pkgs' ? result.Target : ''),
        title: each.Title,
        published: each.PublishedDate === undefined ? null : Date.parse(each.PublishedDate),
      }),
    ),
    ...result.Secrets.map((each) =>
      finding('secret', each.RuleID, each.Severity, {
        // What stands in the environment or history is found in the image by its digest, which no two builds share.
        path: result.Target === report.Metadata.ImageID ? '(image config)' : result.Target,
        title: each.Title,
      }),
    ),
    ...result.Misconfigurations.filter((each) => each.Status === 'FAIL').map((each) =>
      finding('misconfiguration', each.ID, each.Severity, { title: each.Title }),
    ),
    ...result.Licenses.filter((each) => isUnwanted(each.Name)).map((each) =>
      // Whoever lists a licence does not want it, whatever Trivy thinks of it.
      finding('licence', each.Name, 'CRITICAL', { package: each.PkgName, path: each.FilePath }),
    ),
  ])
  return [...coverage(report), ...found]
}

/** What a report says of the Dockerfile by which an image was built; of one that is not in it, that nobody knows. */
export function dockerfileFindings({ Results }: DockerfileReport): Finding[] {
  if (Results.length === 0) {
    const title = 'the scanner could not read its Dockerfile, so nobody knows what it does'
    return [finding('coverage', 'dockerfile-unread', 'CRITICAL', { title })]
  }
  return Results.flatMap(({ Target, Misconfigurations }) =>
    Misconfigurations.filter((each) => each.Status === 'FAIL').map(({ ID, Title, Severity, CauseMetadata }) => {
      // What is missing stands on no line.
      const line = Math.max(1, CauseMetadata?.StartLine ?? 1)
      return finding('misconfiguration', ID, Severity, { title: Title, path: Target, line })
    }),
  )
}

/** What makes "nothing was found" worthless. */
function coverage({ Metadata: { OS }, Results }: Report): Finding[] {
  const found: Finding[] = []
  const say = (id: string, title: string) => found.push(finding('coverage', id, 'CRITICAL', { title }))
  if (OS === undefined || OS.Family === '' || OS.Family === 'none') {
    say('os-unknown', 'no operating system was recognised, so nobody knows which advisories apply')
  } else if (OS.EOSL) {
    say('os-end-of-life', `${OS.Family} ${OS.Name} gets no security updates any more, and no advisories`)
  }
  if (!Results.some(({ Packages }) => Packages.length > 0)) {
    say('no-packages', 'no package was found, so there was nothing to look up')
  }
  return found
}

function finding(
  kind: Finding['kind'],
  id: string,
  severity: Severity,
  rest: Partial<Omit<Finding, 'kind' | 'id' | 'severity'>>,
): Finding {
  return { kind, id, severity, package: '', installed: '', fixed: '', path: '', title: '', published: null, ...rest }
}

/** `CVE-2026-1 in openssl`: what is compared from one release to the next. */
export function nameOf({ id, package: name, path }: Finding): string {
  return `${id}${name !== '' ? ` in ${name}` : path !== '' ? ` in ${path}` : ''}`.slice(0, 400)
}

/** The names of all that a report of an earlier release holds, whichever version of the scanner wrote it. */
export function findingNames(subject: string, report: string): Set<string> {
  return new Set(findingsOf(parseReport(subject, report, null), 'all').map(nameOf))
}

import { sha256 } from '../../../../src/release/index.ts'

/** The image that reports of these tests are about. */
export const IMAGE = sha256('image')
export const VERSION = '0.74.0'

/** A report in the shape of Trivy's JSON: Debian 13 with one package and nothing found, with `results` beside it. */
export function reportOf(results: readonly object[] = [], metadata: object = {}): Record<string, unknown> {
  return {
    SchemaVersion: 2,
    Trivy: { Version: VERSION },
    CreatedAt: '2026-11-28T10:00:00Z',
    ArtifactName: IMAGE,
    ArtifactType: 'container_image',
    Metadata: { OS: { Family: 'debian', Name: '13.1' }, ImageID: IMAGE, ...metadata },
    Results: [
      { Target: 'x (debian 13.1)', Class: 'os-pkgs', Type: 'debian', Packages: [{ Name: 'libc6' }] },
      ...results,
    ],
  }
}

/** One vulnerability of a Debian package, fixed and HIGH unless `fields` say otherwise. */
export function vulnerability(fields: object = {}): object {
  return {
    Target: 'x (debian 13.1)',
    Class: 'os-pkgs',
    Vulnerabilities: [
      {
        VulnerabilityID: 'CVE-2026-1',
        PkgName: 'openssl',
        InstalledVersion: '3.5.0-1',
        FixedVersion: '3.5.1-1',
        Severity: 'HIGH',
        PublishedDate: '2026-11-01T00:00:00Z',
        ...fields,
      },
    ],
  }
}

export const secret = {
  Target: '/app/.env',
  Class: 'secret',
  Secrets: [{ RuleID: 'private-key', Category: 'AsymmetricPrivateKey', Severity: 'HIGH', Title: 'Private key' }],
}

export function misconfiguration(Severity: string, Status = 'FAIL', ID = 'DS-0002'): object {
  return {
    Target: 'Dockerfile',
    Class: 'config',
    Type: 'dockerfile',
    Misconfigurations: [{ ID, Title: 'Image user should not be root', Severity, Status }],
  }
}

export function licence(Name: string): object {
  return {
    Target: 'OS Packages',
    Class: 'license',
    Licenses: [{ Severity: 'LOW', Category: 'notice', PkgName: 'x', FilePath: '', Name, Confidence: 1 }],
  }
}

/** A report on a Dockerfile in the shape of Trivy's JSON, with this rule broken at a line; on none that it could read where `path` is null. */
export function dockerfileReportOf(path: string | null, Severity = 'HIGH', StartLine = 3, ID = 'DS-0029'): object {
  const Title = "'apt-get' missing '--no-install-recommends'"
  const Misconfigurations = [{ ID, Title, Severity, Status: 'FAIL', CauseMetadata: { StartLine } }]
  return {
    SchemaVersion: 2,
    Trivy: { Version: VERSION },
    ArtifactName: path ?? '',
    ArtifactType: 'filesystem',
    Results: path === null ? [] : [{ Target: path, Class: 'config', Type: 'dockerfile', Misconfigurations }],
  }
}

import { z } from 'zod'
import { Failure } from '../../lib/index.ts'
import { digestSchema } from '../../release/index.ts'

/** From the least to the worst; what has no severity yet stands below. */
export const SEVERITIES = ['UNKNOWN', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL'] as const
const severity = z.enum(SEVERITIES)
export type Severity = z.infer<typeof severity>

const time = z.iso.datetime({ offset: true })

const vulnerability = z.object({
  VulnerabilityID: z.string().min(1),
  PkgName: z.string().min(1),
  PkgPath: z.string().optional(),
  InstalledVersion: z.string().default(''),
  FixedVersion: z.string().default(''),
  Severity: severity,
  Title: z.string().default(''),
  PublishedDate: time.optional(),
})
const misconfiguration = z.object({
  ID: z.string().min(1),
  Title: z.string().default(''),
  Severity: severity,
  Status: z.enum(['PASS', 'FAIL', 'EXCEPTION']),
  CauseMetadata: z.object({ StartLine: z.number().optional() }).optional(),
})
const secret = z.object({ RuleID: z.string().min(1), Title: z.string().default(''), Severity: severity })
const licence = z.object({ PkgName: z.string(), FilePath: z.string(), Name: z.string().min(1), Severity: severity })

const result = z.object({
  Target: z.string(),
  Class: z.enum(['os-pkgs', 'lang-pkgs', 'config', 'secret', 'license', 'license-file']),
  Packages: z.array(z.object({ Name: z.string() })).default([]),
  Vulnerabilities: z.array(vulnerability).default([]),
  Misconfigurations: z.array(misconfiguration).default([]),
  Secrets: z.array(secret).default([]),
  Licenses: z.array(licence).default([]),
  // Ours is the only file of waivers: what was taken out of the report by anything else would be judged by nobody.
  ExperimentalModifiedFindings: z.array(z.unknown()).max(0, 'holds findings that the scanner took out').default([]),
})

const reportSchema = z.object({
  SchemaVersion: z.literal(2),
  Trivy: z.object({ Version: z.string() }),
  ArtifactType: z.literal('container_image'),
  Metadata: z.object({
    OS: z.object({ Family: z.string(), Name: z.string().default(''), EOSL: z.boolean().default(false) }).optional(),
    ImageID: digestSchema,
  }),
  Results: z.array(result).default([]),
})

/** Trivy's JSON of one image, as far as it is judged by. */
export type Report = z.infer<typeof reportSchema>

const dockerfileReportSchema = z.object({
  SchemaVersion: z.literal(2),
  Trivy: z.object({ Version: z.string() }),
  ArtifactType: z.literal('filesystem'),
  Results: z
    .array(
      z.object({
        /** Path of the Dockerfile in the checkout. */
        Target: z.string().min(1),
        Class: z.literal('config'),
        Type: z.literal('dockerfile'),
        Misconfigurations: z.array(misconfiguration).default([]),
      }),
    )
    .default([]),
})

/** Trivy's JSON of Dockerfiles, as far as it is judged by. */
export type DockerfileReport = z.infer<typeof dockerfileReportSchema>

/**
 * Reads the JSON of one scan.
 * @param subject whose report it is, for messages
 * @param version of the scanner that must have written it; null for any
 * @throws Failure `refused` when it was cut, has another schema, or is of another version of the scanner
 */
export function parseReport(subject: string, text: string, version: string | null): Report {
  return parse(reportSchema, subject, text, version)
}

/** As {@link parseReport}, the JSON of the scan of a Dockerfile, by whichever version: that of what runs is as old as its release. */
export function parseDockerfileReport(subject: string, text: string): DockerfileReport {
  return parse(dockerfileReportSchema, `the Dockerfile of ${subject}`, text, null)
}

function parse<T extends { Trivy: { Version: string } }>(
  schema: z.ZodType<T>,
  subject: string,
  text: string,
  version: string | null,
): T {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw unreadable(subject, `is no whole JSON (${text.length} characters)`)
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw unreadable(subject, `has another schema (${issue?.path.join('.')}: ${issue?.message})`)
  }
  if (version !== null && parsed.data.Trivy.Version !== version) {
    throw unreadable(subject, `is of Trivy ${parsed.data.Trivy.Version}, pinned is ${version}`)
  }
  return parsed.data
}

function unreadable(subject: string, why: string): Failure {
  return new Failure(
    'refused',
    `scan of ${subject}: the report ${why}: without a report nothing is judged; build again`,
  )
}

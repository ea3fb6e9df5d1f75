export { type Digest, digestSchema, sha256 } from './digest.ts'
export {
  canonicalJson,
  contentHash,
  formatManifest,
  type MigrationPhase,
  migrationPhaseSchema,
  parseManifest,
  RELEASE_KIND,
  type ReleaseId,
  type ReleaseImage,
  type ReleaseManifest,
  readManifest,
  releaseId,
  releaseIdSchema,
  releaseImageSchema,
  releaseManifestSchema,
  releaseMigrationSchema,
  requireVerdicts,
} from './manifest.ts'
export { emptyPinned, formatPinned, type PinnedImage, parsePinned, registryOf, repositorySchema } from './reference.ts'
export { askRegistry, isIndex, type RegistryAccess, readRegistryImage, requireManifest } from './registry.ts'
export {
  KIND_LABEL,
  MANIFEST_LABEL,
  READING_LABEL,
  type ReleaseEvidence,
  readReleaseEvidence,
  readReleaseImage,
  readReleaseManifest,
  writeReleaseContext,
} from './release-image.ts'
export { listStackFiles, stackHash } from './stack-files.ts'
export {
  dockerfileReportFile,
  type Evidence,
  evidenceFiles,
  isEvidenceOf,
  pageFile,
  type Verdict,
  verdictSchema,
} from './verdict.ts'

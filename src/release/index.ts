export { type Digest, digestSchema, sha256 } from './digest.ts'
export {
  canonicalJson,
  contentHash,
  parseManifest,
  RELEASE_KIND,
  type ReleaseId,
  type ReleaseImage,
  type ReleaseManifest,
  releaseId,
  releaseIdSchema,
  releaseManifestSchema,
} from './manifest.ts'
export { formatPinned, type PinnedImage, parsePinned, registryOf, repositorySchema } from './reference.ts'

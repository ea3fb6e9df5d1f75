export { type BuildOptions, buildImages } from './build.ts'
export { type Draft, type DraftImage, readDraft, writeDraft } from './draft.ts'
export { type PushOptions, type PushResult, pushRelease } from './push.ts'
export type { RegistryLogin } from './registry-login.ts'

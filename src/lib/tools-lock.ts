import { z } from 'zod'

const hash = z.string().regex(/^[0-9a-f]{64}$/)
const url = z.url({ protocol: /^https$/ })
const platform = z.strictObject({
  /** Sources of the same bytes, asked in this order: a release can vanish from one. */
  urls: z.tuple([url]).rest(url),
  /** SHA-256 of what each of them gives. */
  archive: hash,
  /** SHA-256 of the program in it; left out where nobody publishes it and the archive alone is pinned. */
  binary: hash.exactOptional(),
})

/** One program that is fetched. */
export const pinnedToolSchema = z.strictObject({
  version: z.string().regex(/^\d+\.\d+\.\d+$/),
  platforms: z.partialRecord(z.enum(['linux-x64', 'linux-arm64']), platform),
})
export type PinnedTool = z.infer<typeof pinnedToolSchema>

/** tools.lock.json: programs that are fetched, by name and platform. */
export const toolsLock = z.strictObject({
  tools: z.record(z.string().regex(/^[a-z][a-z0-9-]*$/), pinnedToolSchema),
})
export type ToolsLock = z.infer<typeof toolsLock>

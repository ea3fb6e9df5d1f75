import { z } from 'zod'
import { badInput } from '../lib/index.ts'
import { type Digest, digestSchema } from './digest.ts'

// The grammar of distribution/reference: a registry host (with a dot, a port, or "localhost"), then path components.
const HOST = '(?:localhost|[a-zA-Z0-9-]+(?:\\.[a-zA-Z0-9-]+)+|[a-zA-Z0-9-]+(?=:))(?::[0-9]{1,5})?'
const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const REPOSITORY = new RegExp(`^${HOST}/${COMPONENT}(?:/${COMPONENT})*$`)
const PINNED = new RegExp(`^(${HOST}/${COMPONENT}(?:/${COMPONENT})*)@(sha256:[0-9a-f]{64})$`)
const MAX_LENGTH = 512

/** A repository with its registry, without tag and digest: `ghcr.io/org/pacs/backend`. */
export const repositorySchema = z
  .string()
  .max(MAX_LENGTH)
  .regex(REPOSITORY, 'is no repository with its registry (like ghcr.io/org/pacs)')

/** An image by content: what the server runs. */
export interface PinnedImage {
  repository: string
  digest: Digest
}

/** Why `name` may have come empty. */
export function emptyPinned(name: string): string {
  return `${name} is empty: GitHub drops a job output that contains a masked string; look for "Skip output" in the job that pushed, and keep registry and repository names out of the secrets`
}

/**
 * Reads `repository@sha256:…`.
 * @throws Failure `bad-input` that names `name`; an empty value names the usual cause, a job output that GitHub dropped.
 */
export function parsePinned(name: string, text: string): PinnedImage {
  if (text === '') throw badInput(emptyPinned(name))
  const match = text.length <= MAX_LENGTH ? PINNED.exec(text) : null
  if (!match?.[1]) {
    throw badInput(
      `${name}: "${text.slice(0, 120)}" is no image by digest; write registry/repository@sha256:<64 hex digits>`,
    )
  }
  return { repository: match[1], digest: digestSchema.parse(match[2]) }
}

/** `repository@digest`. */
export function formatPinned(image: PinnedImage): string {
  return `${image.repository}@${image.digest}`
}

/** The host (and port) of the registry that a repository names. */
export function registryOf(repository: string): string {
  return repository.slice(0, repository.indexOf('/'))
}

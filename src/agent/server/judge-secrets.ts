// Secrets that are none: too short, too common, used twice, or with something around them that a service would take for a part.
import type { Problems } from '../../lib/index.ts'

/** Names of those that are one word: not users' files, certificates or addresses. */
const ONE_WORD = /(?:^|[-_])(?:password|passwd|secret|token|key)$/i

/** Below this many characters, random ones too can be guessed. */
const LEAST = 12

const COMMON =
  /^(?:pass(?:word|wd)?|admin|administrator|root|secret|changeme|change-me|default|test|demo|example|letmein|welcome|qwerty|orthanc|mongo(?:db)?|redis|postgres|grafana|pacs|dicom)[-_!.]?\d{0,6}!?$/i

/** Adds what is wrong with secrets: path → content. Never says a value, nor a part of one. */
export function judgeSecrets(secrets: ReadonlyMap<string, string>, problems: Problems): void {
  const users = new Map<string, string>()
  for (const [path, content] of secrets) {
    const name = /[^/ ]*$/.exec(path)?.[0] ?? path
    if (!ONE_WORD.test(name) || content === '') continue
    const value = content.trim()
    if (value !== content)
      problems.add(
        `${path}: begins or ends with a space or a line break, which a service takes for a part of it: printf '%s' … >FILE`,
      )
    else if (/^(["']).*\1$/s.test(value))
      problems.add(`${path}: has quotes around it, which a service takes for a part of it: take them out`)
    const weakness = weaknessOf(value, name)
    if (weakness !== null)
      problems.add(
        `${path}: is weak (${weakness}): a random one is made by make-secrets.sh where there is none, or by openssl rand -hex 32`,
      )
    const other = users.get(value)
    if (other !== undefined) problems.add(`${path}: is the same as ${other}: whoever learns one has both`)
    users.set(value, path)
  }
}

/** Why a secret could be guessed, or null. @param name of the secret, which is no secret */
function weaknessOf(value: string, name: string): string | null {
  if (COMMON.test(value)) return 'a common word'
  if (value.toLowerCase() === name.toLowerCase()) return 'its own name'
  if (value.length < LEAST) return `${value.length} characters, ${LEAST} are the least`
  const distinct = new Set(value).size
  return distinct < 6 ? `${distinct} different characters` : null
}

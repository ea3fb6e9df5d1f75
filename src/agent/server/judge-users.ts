// Files of a service's users that were made for an older release and lack a user that a newer one logs in as.
import type { Problems } from '../../lib/index.ts'

/** How a file of users names them, by what its name ends with. */
const NAMES: Readonly<Record<string, (text: string) => string[] | null>> = {
  acl: (text) => [...text.matchAll(/^user (\S+)/gm)].map(([, name = '']) => name),
  json: (text) => {
    try {
      return Object.keys(JSON.parse(text).RegisteredUsers)
    } catch {
      return null
    }
  },
}

/**
 * Adds each user whose password lies there, as `secrets/<service>-<user>-password`, and whom `secrets/<service>-users.acl` or
 * `….json` does not name: set-up makes the password that is missing, and never touches the file.
 */
export function judgeUsers(secrets: ReadonlyMap<string, string>, problems: Problems): void {
  for (const [path, text] of secrets) {
    const [, service = '', kind = ''] = /^(.+)-users\.(acl|json)$/.exec(path) ?? []
    const users = NAMES[kind]?.(text) ?? null
    if (users === null) continue
    for (const password of secrets.keys()) {
      const user = password.startsWith(`${service}-`) && /^(.+)-password$/.exec(password.slice(service.length + 1))?.[1]
      if (!user || users.includes(user)) continue
      problems.add(
        `${path}: has no user ${user}, who logs in with ${password}: move the file away and run make-secrets.sh, which makes it anew from the passwords that are there, or add the user by hand`,
      )
    }
  }
}

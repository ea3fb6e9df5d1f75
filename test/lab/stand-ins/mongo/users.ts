// The users of the stand-in: FerretDB logs in whom PostgreSQL knows, and can list nobody. Roles are written down and bind nobody.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { Fields } from './wire.ts'

export class Users {
  readonly #file: string
  readonly #sql: (command: string) => void

  /** @param sql runs a statement as PostgreSQL's superuser */
  constructor(file: string, sql: (command: string) => void) {
    this.#file = file
    this.#sql = sql
  }

  get all(): Record<string, unknown> {
    return existsSync(this.#file) ? JSON.parse(readFileSync(this.#file, 'utf8')) : {}
  }

  /** Carries out createUser, updateUser, dropUser or usersInfo. @returns undefined for any other command */
  answer(name: string, command: Fields): Fields | undefined {
    const { pwd, roles } = command
    const user = String(command[name])
    const known = this.all
    const missing = !(user in known)
    switch (name) {
      case 'createUser':
        if (!missing) return failure(51003, 'Location51003', `User "${user}@admin" already exists`)
        // A start that was cut may have made the role and not written it down.
        this.#sql(`DROP ROLE IF EXISTS ${identifier(user)}`)
        this.#sql(`CREATE ROLE ${identifier(user)} LOGIN SUPERUSER PASSWORD ${literal(pwd)}`)
        return this.#keep({ ...known, [user]: roles ?? [] })
      case 'updateUser':
        if (missing) return failure(11, 'UserNotFound', `Could not find user "${user}" for db "admin"`)
        if (pwd !== undefined) this.#sql(`ALTER ROLE ${identifier(user)} PASSWORD ${literal(pwd)}`)
        return this.#keep({ ...known, [user]: roles ?? known[user] })
      case 'dropUser': {
        if (missing) return failure(11, 'UserNotFound', `User '${user}@admin' not found`)
        this.#sql(`DROP ROLE ${identifier(user)}`)
        const { [user]: _gone, ...rest } = known
        return this.#keep(rest)
      }
      case 'usersInfo': {
        const asked = typeof command.usersInfo === 'string' ? [command.usersInfo] : Object.keys(known)
        const found = asked.filter((one) => one in known)
        const users = found.map((one) => ({ _id: `admin.${one}`, user: one, db: 'admin', roles: known[one] }))
        return { users, ok: 1 }
      }
      default:
        return undefined
    }
  }

  #keep(users: Record<string, unknown>): Fields {
    writeFileSync(`${this.#file}.new`, JSON.stringify(users))
    renameSync(`${this.#file}.new`, this.#file)
    return { ok: 1 }
  }
}

export function failure(code: number, codeName: string, errmsg: string): Fields {
  return { ok: 0, errmsg, code, codeName }
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function literal(text: unknown): string {
  return `'${String(text).replaceAll("'", "''")}'`
}

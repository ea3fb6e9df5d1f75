import { drafts } from './drafts.ts'

/** Who is logged in, as the API says. */
export interface Who {
  user: string
  printedName: string
  role: 'radiologist' | 'physician' | 'auditor'
  csrfToken: string
}

export type SessionState = { state: 'unknown' } | { state: 'out'; message?: string } | { state: 'in'; who: Who }

const RAN_OUT =
  'The session has ended: log in again. A report that you have not saved is kept while this page stays open.'

let current: SessionState = { state: 'unknown' }
const listeners = new Set<() => void>()

function become(next: SessionState): void {
  current = next
  for (const listener of listeners) listener()
}

/** The one session of this page. */
export const session = {
  begin(who: Who): void {
    drafts.belongTo(who.user)
    become({ state: 'in', who })
  },
  /** Somebody logged out. */
  end(): void {
    drafts.belongTo(undefined)
    become({ state: 'out' })
  },
  /** The API knows the session no more. Who was logged in until now is told so, and finds his drafts when he logs in again. */
  runOut(): void {
    if (current.state === 'in') become({ state: 'out', message: RAN_OUT })
    else if (current.state === 'unknown') become({ state: 'out' })
  },
  token: (): string | undefined => (current.state === 'in' ? current.who.csrfToken : undefined),
  read: (): SessionState => current,
  subscribe(listener: () => void): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },
}

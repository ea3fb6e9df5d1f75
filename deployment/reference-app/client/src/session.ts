/** Who is logged in, as the API says. */
export interface Who {
  user: string
  printedName: string
  role: 'radiologist' | 'physician' | 'auditor'
  csrfToken: string
}

export type SessionState = { state: 'unknown' } | { state: 'out'; message?: string } | { state: 'in'; who: Who }

let current: SessionState = { state: 'unknown' }
const listeners = new Set<() => void>()

function become(next: SessionState): void {
  current = next
  for (const listener of listeners) listener()
}

/** The one session of this page. */
export const session = {
  begin: (who: Who) => become({ state: 'in', who }),
  /** The message is shown only to who was logged in until now. */
  end: (message?: string) => become(current.state === 'in' && message ? { state: 'out', message } : { state: 'out' }),
  token: (): string | undefined => (current.state === 'in' ? current.who.csrfToken : undefined),
  read: (): SessionState => current,
  subscribe(listener: () => void): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },
}

/** What the doctor saw of one thing. `unknown`: it could not look, which is neither good nor bad. */
export interface Remark {
  place: string
  state: 'ok' | 'missing' | 'warning' | 'unknown'
  what: string
  /** What to do about it; empty where it is well. */
  todo: string
}

export type Note = (state: Remark['state'], what: string, todo?: string) => void

/** Collects the remarks of one place. */
export function remarksOf(place: string): { remarks: Remark[]; note: Note } {
  const remarks: Remark[] = []
  return { remarks, note: (state, what, todo = '') => void remarks.push({ place, state, what, todo }) }
}

/** Whether a host key is still the one of the shipped environments file. */
export const isExampleKey = (key: string) => key.includes('EXAMPLE')

/** How a person comes by the line of a host key. */
export const HOST_KEY =
  'ssh-keyscan -t ed25519 HOST shows the line (without its first word); compare it by hand with /etc/ssh/ssh_host_ed25519_key.pub, read at the console'

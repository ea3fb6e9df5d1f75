/** A report that is being written: `base` is the version that was the newest when it was begun, 0 for none. */
export interface Draft {
  base: number
  text: string
}

const byStudy = new Map<string, Draft>()
let writer: string | undefined

/**
 * What somebody has written and not saved: it outlives a session that ran out, and the choice of another study. It is in memory
 * alone: what was written of a patient is not left in the store of a browser.
 */
export const drafts = {
  of: (study: string): Draft | undefined => byStudy.get(study),
  keep: (study: string, draft: Draft) => void byStudy.set(study, draft),
  drop: (study: string) => void byStudy.delete(study),
  /** What somebody else has written goes. */
  belongTo(user: string | undefined): void {
    if (user !== writer) byStudy.clear()
    writer = user
  },
}

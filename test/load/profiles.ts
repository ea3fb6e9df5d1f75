/** A stretch of time with so many connections at once. */
export interface Step {
  connections: number
  /** Milliseconds. */
  time: number
  /** Milliseconds between two requests of one connection. */
  think: number
}

export interface Profile {
  /** What it is to show, for a person. */
  asks: string
  steps: readonly Step[]
  /** Whether a step that does not hold is the limit that was looked for, and the last one. */
  findsLimit: boolean
}

/** Nothing of this runs without an end: in requests over all steps, and in the minutes of the longest run. */
export const MOST_REQUESTS = 400_000
export const MOST_MINUTES = 60

/** A browser's page has up to six connections; a person reads for seconds, which no test waits for. */
const PERSON = 40
const SECOND = 1000

/** The profile called `name`; undefined for one that is not there. @param minutes of the endurance run */
export function profileOf(name: string, minutes: number): Profile | undefined {
  const rest: Step = { connections: 8, time: 15 * SECOND, think: PERSON }
  const profiles: Readonly<Record<string, Profile>> = {
    load: {
      asks: 'does it hold what a clinic asks of it?',
      steps: [{ connections: 32, time: 60 * SECOND, think: PERSON }],
      findsLimit: false,
    },
    stress: {
      asks: 'where does it stop to hold, and what gives first?',
      steps: [8, 16, 32, 64, 128, 256].map((connections) => ({ connections, time: 15 * SECOND, think: 0 })),
      findsLimit: true,
    },
    spike: {
      asks: 'does a sudden crowd leave anything behind?',
      steps: [rest, { connections: 200, time: 15 * SECOND, think: PERSON }, rest],
      findsLimit: false,
    },
    endurance: {
      asks: 'does it stay as it was?',
      steps: Array.from({ length: minutes }, () => ({ connections: 16, time: 60 * SECOND, think: PERSON })),
      findsLimit: false,
    },
  }
  return Object.hasOwn(profiles, name) ? profiles[name] : undefined
}

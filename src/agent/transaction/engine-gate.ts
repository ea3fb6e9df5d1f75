import { messageOf, Problems, refused } from '../../lib/index.ts'
import type { Engine } from '../server/engine.ts'
import { judgeEngine } from '../server/engine-age.ts'

/**
 * What lets a release in only where the engine answers, and it and Compose are new enough. Compose, which takes the start of a program to
 * ask, is asked until it is: under a running agent it does not get older.
 * @returns what throws Failure `refused` with all that speaks against this server's engine.
 */
export function openEngineGate(engine: Pick<Engine, 'version' | 'composeVersion'>): () => Promise<void> {
  let fitting: string | null = null
  return async () => {
    const version = await engine.version().catch((thrown) => {
      throw refused(messageOf(thrown))
    })
    const compose = fitting ?? (await engine.composeVersion())
    const problems = new Problems()
    judgeEngine({ engine: version, compose }, problems)
    if (problems.found.length > 0) throw refused(problems.found.join('; '))
    fitting = compose
  }
}

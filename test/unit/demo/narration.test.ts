import { describe, expect, it } from 'vitest'
import { shownOf } from '../../demo/narration.ts'

const DEPLOY = 'Release/Staging/Deploy to an environment/Deploy'

describe('what is shown of a workflow', () => {
  it('is the step of an action that begins', () => {
    expect(shownOf('Release/Build and push: ⭐ Run Main Push')).toEqual({ as: 'line', text: 'Push' })
    expect(shownOf(`${DEPLOY}: ⭐ Run Main Check health`)).toEqual({ as: 'line', text: 'staging: Check health' })
  })

  it('is what the agent says, and where', () => {
    expect(shownOf(`${DEPLOY}: │ seal: 2026 stays`)).toEqual({ as: 'line', text: 'staging: seal: 2026 stays' })
  })

  it('is the latest of what goes on: a build, and what is waited for', () => {
    expect(shownOf('Release/Build and push: │ backend | #4 DONE')).toEqual({ as: 'detail', text: 'backend | #4 DONE' })
    expect(shownOf(`${DEPLOY}: │ … watch (4.0 s)`)).toEqual({ as: 'detail', text: 'staging: … watch (4.0 s)' })
  })

  it.each(['🚀  Start image=', '⭐ Run Main Check out', '::group::deploy', ''])(
    'is not the noise of act: %s',
    (noise) => {
      expect(shownOf(`${DEPLOY}: ${noise}`)).toBeNull()
    },
  )
})

import type { z } from 'zod'
import type { AgentStatus, releasesSchema } from '../protocol.ts'
import type { Instance, State } from './state.ts'

/** The state as a client sees it; `step` is where the running transaction stands. */
export function statusOf(state: State, agent: AgentStatus['agent'], step: string): AgentStatus {
  return {
    agent,
    phase: state.phase,
    transaction: state.transaction && { ...state.transaction, step },
    serving: state.serving && viewOf(state.serving),
    candidate: state.candidate && viewOf(state.candidate),
    warm: state.warm && { ...viewOf(state.warm.instance), until: state.warm.until },
    last: state.last,
    failed: state.failed,
  }
}

function viewOf({ instance, release, config, content }: Instance): NonNullable<AgentStatus['serving']> {
  return { instance, release, config, content }
}

/** What was accepted here, newest first, and what a rollback to it would find. */
export function releasesOf({ history, serving, warm }: State): z.infer<typeof releasesSchema> {
  const standing = (instance: Instance) => {
    if (instance.instance === serving?.instance) return 'serving'
    return instance.instance === warm?.instance.instance ? 'warm' : 'kept'
  }
  return {
    releases: history.map(({ instance, accepted }) => ({
      id: instance.release,
      reference: instance.reference,
      content: instance.content,
      commit: instance.commit,
      accepted,
      state: standing(instance),
    })),
  }
}

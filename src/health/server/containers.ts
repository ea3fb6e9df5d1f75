import { z } from 'zod'
import { Failure, parsedJson } from '../../lib/index.ts'
import { probe } from '../probe.ts'

/** A container of the stack, as the engine lists it. */
export interface Listed {
  id: string
  /** As the engine calls it, without the slash. */
  name: string
  service: string
  project: string
  state: string
  /** What the engine says of it in words: `Up 3 minutes (healthy)`. */
  status: string
  address: string | null
  /** The instance that the agent made it for; null for one of the core, or without an agent. */
  instance: string | null
}

const listSchema = z.array(
  z.object({
    Id: z.string(),
    Names: z.array(z.string()),
    State: z.string(),
    Status: z.string(),
    Labels: z.record(z.string(), z.string()),
    NetworkSettings: z.object({ Networks: z.record(z.string(), z.object({ IPAddress: z.string() })) }),
  }),
)

/** Characters of the engine's list: some two thousand containers. */
const MAX_LIST = 4 * 1024 * 1024

/**
 * The containers of the Compose projects `prefix` and `prefix-…`.
 * @throws Failure `unreachable` when the engine at `socketPath` does not answer
 */
export async function listContainers(socketPath: string, prefix: string, timeout: number): Promise<Listed[]> {
  const filters = encodeURIComponent(JSON.stringify({ label: ['com.docker.compose.project'] }))
  const answer = await probe(`http://engine/containers/json?all=true&filters=${filters}`, {
    at: { socketPath },
    timeout,
    maxBody: MAX_LIST,
  })
  if (!answer.ok || answer.status !== 200) {
    const why = answer.ok ? `status ${answer.status}` : answer.error
    throw new Failure('unreachable', `the container engine at ${socketPath} does not answer: ${why}`)
  }
  const parsed = listSchema.safeParse(parsedJson(answer.body))
  if (!parsed.success) throw new Failure('unreachable', `what answers at ${socketPath} is no container engine`)
  return parsed.data
    .map(({ Id, Names, State, Status, Labels, NetworkSettings }) => ({
      id: Id,
      name: Names[0]?.replace(/^\//, '') ?? Id,
      // An instance's own Compose service carries the instance in its name; the agent's label says what the stack calls it.
      service: Labels['pacs.service'] ?? Labels['com.docker.compose.service'] ?? '',
      project: Labels['com.docker.compose.project'] ?? '',
      state: State,
      status: Status,
      address: Object.values(NetworkSettings.Networks).find(({ IPAddress }) => IPAddress !== '')?.IPAddress ?? null,
      instance: Labels['pacs.instance'] ?? null,
      verifies: 'pacs.verify' in Labels,
    }))
    .filter(({ project, verifies }) => !verifies && (project === prefix || project.startsWith(`${prefix}-`)))
}

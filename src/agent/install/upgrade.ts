import { join } from 'node:path'
import { refused } from '../../lib/index.ts'
import type { ReleaseManifest } from '../../release/index.ts'
import { Restarting } from '../api/service.ts'
import { hasMark, installAgent, isNewer } from './installed.ts'

/**
 * Lets the agent that a release brings take over when it is newer than `ownVersion`.
 * @throws Restarting once it is installed: this process is to end, and the launcher starts the new one.
 * @throws Failure `refused` when that agent ended here before it was ready.
 */
export async function adoptAgent(
  bin: string,
  ownVersion: string,
  release: { directory: string; manifest: Pick<ReleaseManifest, 'id' | 'agent'> },
): Promise<void> {
  const { id, agent } = release.manifest
  if (!isNewer(agent.version, ownVersion)) return
  if (await hasMark(bin, agent.sha256, 'bad')) {
    throw refused(
      `release ${id} brings agent ${agent.version}, which ended on this server before it was ready ` +
        `(journalctl -u pacs-agent); mend it and release again`,
    )
  }
  await installAgent(bin, { file: join(release.directory, 'agent', 'index.js'), ...agent })
  throw new Restarting(`agent ${agent.version} takes over from ${ownVersion}`)
}

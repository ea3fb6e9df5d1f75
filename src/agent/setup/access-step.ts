import { badInput, Failure, messageOf } from '../../lib/index.ts'
import { type NamedKey, renderKeys } from './authorized-keys.ts'
import type { Changer } from './changer.ts'
import { AUTHORIZED_KEYS, SSHD_DROP_IN, sshdDropIn } from './files.ts'
import { type Host, ROOT, system } from './host.ts'
import { directory, file, type Item } from './items.ts'
import { USER } from './server-steps.ts'
import { effectiveSettings, reloadSshd } from './sshd.ts'
import type { Step } from './step.ts'

/** Who may deploy here, and what sshd lets these keys do. It takes effect only if sshd accepts the whole. */
export function accessStep(host: Host, keys: readonly NamedKey[]): Step {
  return {
    id: 'access',
    title: 'keys that may deploy, and what they may do',
    takenBack: true,
    items: async () => {
      const reload = await reloadSshd(host)
      return [
        directory('/etc/pacs-agent', 0o755, ROOT),
        file(AUTHORIZED_KEYS, renderKeys(keys), 0o644),
        file(SSHD_DROP_IN, sshdDropIn(USER), 0o644, ROOT, reload),
        accepted(reload),
      ]
    },
    notes: async () => (keys.length === 0 ? ['no key may deploy here yet (--key)'] : []),
  }
}

function accepted(reload: readonly [string, ...string[]]): Item {
  const effective = async (host: Host) =>
    (await effectiveSettings(host, USER).catch(() => null))?.get('permitopen') === '127.0.0.1:27017'
  return {
    differences: async (host, dirty) => (dirty || !(await effective(host)) ? ['sshd: reloaded'] : []),
    async make(changer: Changer) {
      try {
        await system(changer.host, 'sshd', '-t')
        if (!(await effective(changer.host)))
          throw badInput(
            `/etc/ssh/sshd_config does not include ${SSHD_DROP_IN}, or decides before it: put "Include /etc/ssh/sshd_config.d/*.conf" at its top`,
          )
      } catch (thrown) {
        throw new Failure('error', `sshd does not accept ${SSHD_DROP_IN}: ${messageOf(thrown)}`)
      }
      await changer.run(reload, null)
    },
  }
}

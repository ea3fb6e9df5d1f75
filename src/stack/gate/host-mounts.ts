import { hasVariable } from '../interpolation.ts'
import { field } from '../sources.ts'
import type { Stack, StackService } from '../stack.ts'

/** A path of the machine that a service mounts. */
export interface HostMount {
  source: string
  /** The words that name it for a person. */
  said: string
  readOnly: boolean
  /** Where it stands below the service. */
  path: readonly (string | number)[]
  /** What of it stands in a variable, where only its value could say what is mounted. */
  unknown: string | null
}

/** What a service mounts of the machine: binds, volumes that are binds in other words, and the files of configs. */
export function hostMounts({ definition }: StackService, stack: Stack): HostMount[] {
  const mounts = (definition.volumes ?? []).flatMap((mount, index): HostMount[] => {
    const { type, source = '' } = mount
    const common = { readOnly: field(mount, 'read_only') === true, path: ['volumes', index] }
    if (type === 'bind') return [{ source, said: source, unknown: null, ...common }]
    const options = type === 'volume' ? field(stack.volumes.get(source), 'driver_opts') : undefined
    const [flags, device] = [text(options, 'o'), text(options, 'device')]
    if (hasVariable(flags)) return [{ source: '', said: '', unknown: `o of volume ${source} is ${flags}`, ...common }]
    if (!flags.split(',').some((flag) => flag === 'bind' || flag === 'rbind')) return []
    const unknown = hasVariable(device) ? `device of volume ${source} is ${device}` : null
    return [{ source: device, said: `${device} by volume ${source}`, unknown, ...common }]
  })
  const configs = (definition.configs ?? []).flatMap(({ source }, index): HostMount[] => {
    const file = stack.configs.get(source)?.file
    const said = `${file} by config ${source}`
    return file === undefined ? [] : [{ source: file, said, readOnly: true, path: ['configs', index], unknown: null }]
  })
  return [...mounts, ...configs]
}

function text(options: unknown, key: string): string {
  return String(field(options, key) ?? '')
}

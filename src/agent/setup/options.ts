// What a person asks of set-up.
import { badInput } from '../../lib/index.ts'
import { readArgs } from '../cli/command.ts'

const none: string[] = []

export const setupHelp = {
  usage:
    "[--apply | --check | --plan | --undo] [--json] [--key 'NAME=KEY']… [--open PORT[=SOURCE,…]]… [--mongodb VERSION] [--without NAME]… [--with NAME]… [--only NAME]…",
  summary: 'what setup-production.sh does, by what is installed here; --check and --plan change nothing',
}

/** Reads the arguments of `pacs-agent setup`. @throws Failure `bad-input` */
export function readOptions(args: readonly string[]) {
  const { values } = readArgs(args, {
    key: { type: 'string', multiple: true, default: none },
    node: { type: 'string' },
    restic: { type: 'string' },
    'make-secrets': { type: 'string' },
    check: { type: 'boolean', default: false },
    plan: { type: 'boolean', default: false },
    apply: { type: 'boolean', default: false },
    undo: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: none },
    without: { type: 'string', multiple: true, default: none },
    with: { type: 'string', multiple: true, default: none },
    open: { type: 'string', multiple: true, default: none },
    mongodb: { type: 'string' },
  })
  const modes = (['check', 'plan', 'apply', 'undo'] as const).filter((mode) => values[mode])
  if (modes.length > 1) throw badInput(`--${modes.join(' and --')}: one of them at a time`)
  if (values.json && !values.check && !values.plan) throw badInput('--json goes with --check or --plan')
  return values
}

export type Values = ReturnType<typeof readOptions>

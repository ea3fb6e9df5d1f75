/** The rules of the gate, as a person names them under x-pacs.allow. */
export const GATE_RULE_IDS = [
  'privileged',
  'docker-socket',
  'host-namespace',
  'host-device',
  'host-folder',
  'added-capability',
  'new-privileges',
  'unconfined',
  'writable-root',
  'root-user',
  'data-port',
  'plain-secret',
  'limits',
  'restart',
  'health-check',
  'public-check',
  'log-rotation',
  'moving-tag',
] as const

export type GateRuleId = (typeof GATE_RULE_IDS)[number]

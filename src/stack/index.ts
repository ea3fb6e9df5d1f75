export { checkStack } from './check.ts'
export { closest, distance } from './closest.ts'
export { type Account, dataServices, passwordFiles, type ServiceData } from './data.ts'
export { type EdgePolicy, edgePolicy } from './edge.ts'
export { type Finding, formatFinding } from './finding.ts'
export { type Allowed, type GateResult, gateStack } from './gate/gate.ts'
export { GATE_RULE_IDS, type GateRuleId } from './gate/rule-ids.ts'
export { GATE_RULES } from './gate/rules.ts'
export { i8, instanceName } from './instance.ts'
export { type LiveDirectory, liveDirectories } from './live.ts'
export { type LoadOptions, loadStack } from './load.ts'
export { filesOf, type MountedFiles } from './paths.ts'
export {
  type ComposeDocument,
  containerNames,
  type Images,
  pinnedImage,
  type Rendered,
  type RenderedService,
} from './render.ts'
export { type AppTarget, renderApp } from './render-app.ts'
export { type CoreTarget, renderCore } from './render-core.ts'
export type { Build, Stack, StackService } from './stack.ts'
export { type StackVariable, variablesOf } from './variables.ts'
export { type XPacs, xPacsSchema } from './x-pacs.ts'
export type { XPacsData } from './x-pacs-data.ts'

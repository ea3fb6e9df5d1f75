export { type Check, type Finding, type GateOptions, gate, lookOnce, type NamedFinding } from './gate.ts'
export { type Answer, type ProbeOptions, probe } from './probe.ts'
export { certificateCheck } from './protocols/certificate.ts'
export { type PublicCheckOptions, publicCheck } from './public-check.ts'

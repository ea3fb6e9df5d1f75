export { type Check, type Finding, gate, lookOnce } from './gate.ts'
export { probe } from './probe.ts'
export { certificateCheck } from './protocols/certificate.ts'
export { publicCheck } from './public-check.ts'

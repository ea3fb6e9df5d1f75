export { type Connection, type ConnectionOptions, closeConnection, openConnection } from './connection.ts'
export { type Environment, environmentNameSchema, findEnvironment, parseEnvironments } from './environments.ts'
export { normalizePrivateKey } from './private-key.ts'
export { fingerprint, type Jump, type Target, targetSchema } from './target.ts'

/** The version of this agent and of everything that ships with it; package.json has the same. */
export const AGENT_VERSION = '0.1.0'

// What the docker client is told by its configuration, read here: asking the client takes 60 ms of a processor.
import { access, constants, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { shortened } from './errors.ts'

/** A program and its first arguments. */
export type Command = readonly [program: string, ...args: string[]]

type Environment = Readonly<Record<string, string>>

/** Where packages put plugins of the client, in its order; first comes what its configuration names. */
const PLUGINS = ['/usr/local/lib', '/usr/local/libexec', '/usr/lib', '/usr/libexec']

const configSchema = z.object({
  currentContext: z.string().default(''),
  cliPluginsExtraDirs: z.array(z.string()).default([]),
})

/**
 * How a plugin of the docker client is called: its own program, where the client would find one. `docker <name>` starts that
 * twice, one after the other, to ask first what it is.
 */
export async function dockerPlugin(name: string, env: Environment): Promise<Command> {
  const { cliPluginsExtraDirs } = await readConfig(env)
  const packaged = PLUGINS.map((directory) => join(directory, 'docker', 'cli-plugins'))
  for (const directory of [...cliPluginsExtraDirs, join(configDirectory(env), 'cli-plugins'), ...packaged]) {
    const program = join(directory, `docker-${name}`)
    if (await isProgram(program)) return [program]
  }
  return ['docker', name]
}

/** The context by which the client finds its engine; empty for the default one. DOCKER_HOST overrides it. */
export async function dockerContext(env: Environment): Promise<string> {
  const name = env.DOCKER_CONTEXT || (await readConfig(env)).currentContext
  return name === 'default' ? '' : name
}

const refusalSchema = z.object({ message: z.string() })

/** Why the engine refuses something, by the body of its answer. */
export function refusalOf(body: string): string {
  try {
    return shortened(refusalSchema.parse(JSON.parse(body)).message)
  } catch {
    return shortened(body)
  }
}

/** Whether there is a docker client on the path. */
export async function hasDocker({ PATH = '' }: Environment): Promise<boolean> {
  for (const directory of PATH.split(':')) if (await isProgram(join(directory, 'docker'))) return true
  return false
}

function configDirectory({ DOCKER_CONFIG, HOME = '/' }: Environment): string {
  return DOCKER_CONFIG || join(HOME, '.docker')
}

/** Nothing where there is no file, or one that the client itself will complain about. */
async function readConfig(env: Environment): Promise<z.infer<typeof configSchema>> {
  try {
    return configSchema.parse(JSON.parse(await readFile(join(configDirectory(env), 'config.json'), 'utf8')))
  } catch {
    return configSchema.parse({})
  }
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK)
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}

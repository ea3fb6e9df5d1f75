// How an action speaks with the runner: commands among what it prints, and files that the runner reads when the step has ended
// (docs.github.com, "Workflow commands"). GitHub's package for it brings an HTTP client of 560 kB, which every start would load first.
import { randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'

/** A place in the checkout for an annotation; lines are counted from 1. */
export interface AnnotatedPlace {
  title: string
  file: string
  line: number
}

/** Prints a line as it is. */
export function info(message: string): void {
  process.stdout.write(`${message}\n`)
}

export function error(message: string, place?: AnnotatedPlace): void {
  command('error', message, place)
}

export function warning(message: string, place?: AnnotatedPlace): void {
  command('warning', message, place)
}

export function startGroup(title: string): void {
  command('group', title)
}

export function endGroup(): void {
  command('endgroup', '')
}

/** Has the runner hide a text in whatever it prints from now on. */
export function setSecret(secret: string): void {
  command('add-mask', secret)
}

/** The text of an input, without white space around it; empty when it is absent. */
export function getInput(name: string): string {
  return (process.env[`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`] ?? '').trim()
}

export function setOutput(name: string, value: string): void {
  append(process.env.GITHUB_OUTPUT, name, value)
}

/** Keeps a value for the post step of this action. */
export function saveState(name: string, value: string): void {
  append(process.env.GITHUB_STATE, name, value)
}

/** What the main step saved; empty when it did not. */
export function getState(name: string): string {
  return process.env[`STATE_${name}`] ?? ''
}

function command(name: string, message: string, properties: object = {}): void {
  const said = Object.entries(properties).map(([key, value]) => `${key}=${escaped(String(value), /[%\r\n:,]/g)}`)
  info(`::${[name, ...(said.length > 0 ? [said.join(',')] : [])].join(' ')}::${escaped(message, /[%\r\n]/g)}`)
}

function escaped(text: string, signs: RegExp): string {
  return text.replaceAll(signs, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}

/** Nobody who writes a value knows the line that ends it. Outside a job there is no file, and nobody to hand a value to. */
function append(file: string | undefined, name: string, value: string): void {
  const end = `ghadelimiter_${randomUUID()}`
  if (file) appendFileSync(file, `${name}<<${end}\n${value}\n${end}\n`)
}

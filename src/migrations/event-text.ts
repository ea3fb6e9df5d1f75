import { formatDuration } from '../lib/index.ts'
import type { MigrationEvent } from './events.ts'
import type { Applied } from './run.ts'

/** An event as a line for people. */
export function eventText(event: MigrationEvent): string {
  switch (event.kind) {
    case 'started':
      return `${event.id}: ${event.description}${event.again ? ' (goes on where it was interrupted)' : ''}`
    case 'progress': {
      const { id, collection, seen, total, perSecond, secondsLeft } = event
      const left = secondsLeft === null ? '' : `, about ${formatDuration(secondsLeft * 1000)} left`
      return `${id}: ${collection}, ${seen} of about ${total} documents, ${perSecond} a second${left}`
    }
    case 'log':
      return `${event.id}: ${event.line}`
    case 'applied':
    case 'undone':
      return `${event.id} is ${event.kind} (${formatDuration(event.milliseconds)})`
  }
}

/** What a run did, in one line. */
export function appliedText({ applied, waiting }: Applied): string {
  const done = fewOf(applied.map(({ id }) => id)).join(', ')
  return [done === '' ? 'nothing was left to apply' : `applied: ${done}`, ...fewOf(waiting)].join('; ')
}

const NAMED = 10

/** The first of many, and how many more there are: one line for people holds no hundred of them. */
export function fewOf(texts: readonly string[]): string[] {
  const more = texts.length - NAMED
  return more > 0 ? [...texts.slice(0, NAMED), `and ${more} more`] : [...texts]
}

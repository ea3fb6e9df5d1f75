import { has, keysIn, lineOfKey, ownCalls, rawCommands, unfiltered, updatePipelineKeys } from './places.ts'
import { type Hit, RECORDS, type Rule } from './rule.ts'
import type { Source } from './source.ts'

const DESTRUCTIVE =
  /^(drop|dropCollection|dropDatabase|dropIndex|dropIndexes|rename|renameCollection|deleteOne|deleteMany|findOneAndDelete)$/
/** The same as a key: of an update, a pipeline, a command, or one write of a bulkWrite. */
const TAKE_AWAY = '$rename $unset $pull $pullAll $pop $out $merge dropIndexes deleteOne deleteMany'.split(' ')
/** Stages that keep of a document only what they name. */
const KEEP_ONLY = ['$project', '$replaceRoot', '$replaceWith']
const DESTRUCTIVE_COMMANDS = ['drop', 'dropDatabase', 'delete', 'renameCollection']

/** What takes data away, or changes what must stay. */
export const LOSS_RULES: readonly Rule[] = [
  {
    id: 'destructive',
    level: 'error',
    assurable: true,
    fix: "say under assured: { destructive: '…' } who does not need it any more, and since which release",
    find: (source) => [
      ...ownCalls(source)
        .filter(({ method, path }) => DESTRUCTIVE.test(method) && path.length > 0)
        .map(({ method, line }) => ({ line, message: `${method} takes away what running code may still read` })),
      ...[
        ...keysIn(source, TAKE_AWAY),
        ...updatePipelineKeys(source, KEEP_ONLY),
        ...rawCommands(source).filter(({ name }) => DESTRUCTIVE_COMMANDS.includes(name)),
      ].map(({ name, line }) => ({
        line,
        message: `${name} takes away what running code may still read`,
      })),
      ...unfiltered(source, ['replaceOne', 'findOneAndReplace']).map(({ name, line }) => ({
        line,
        message: `${name} with an empty filter overwrites whichever document comes first`,
      })),
      ...propertiesOf(source, 'unset').map((line) => ({
        line,
        message: 'unset takes away fields that running code may still read',
      })),
    ],
  },
  {
    id: 'whole-collection',
    level: 'error',
    assurable: true,
    fix: 'use batches, which stops, continues and can be undone',
    find: (source) =>
      unfiltered(source, ['updateMany', 'deleteMany']).map(({ name, line }) => ({
        line,
        message: `${name} with an empty filter changes the whole collection at once`,
      })),
  },
  {
    id: 'signed-record',
    level: 'error',
    assurable: true,
    fix: 'leave signed records as they were signed (21 CFR 11.70), or assure that hashes and links are kept',
    find: (source) =>
      source.calls
        .filter(({ within }) => within !== 'down' && within !== 'check')
        .filter(
          ({ method, collection }) =>
            collection !== null &&
            RECORDS.includes(collection) &&
            /^(batches|update|replace|delete|bulkWrite|findOneAnd|rename|drop)/.test(method),
        )
        .map(({ collection, line }) => ({
          line,
          message: `documents of ${collection} are changed: their hashes no longer prove them`,
        })),
  },
  {
    id: 'record-ttl',
    level: 'error',
    assurable: false,
    fix: 'remove the index: these records are kept for years',
    find: (source) => ttlHits(source).filter(({ collection }) => collection !== null && RECORDS.includes(collection)),
  },
  {
    id: 'ttl',
    level: 'warning',
    assurable: true,
    fix: 'read in the plan how many it deletes now, and say under assured why they may go',
    find: (source) => ttlHits(source).filter(({ collection }) => collection === null || !RECORDS.includes(collection)),
  },
]

/** Lines where `change` of a walk gives `name`. */
function propertiesOf(source: Source, name: string): number[] {
  return keysIn(source, [name])
    .filter(() => source.calls.some(({ method }) => method === 'batches'))
    .map(({ line }) => line)
}

function ttlHits(source: Source): (Hit & { collection: string | null })[] {
  return source.calls
    .filter(({ within, args }) => within !== 'down' && has(args, 'expireAfterSeconds'))
    .map(({ line, args, collection }) => ({
      line: lineOfKey(args, 'expireAfterSeconds') ?? line,
      collection,
      message: `documents of ${collection ?? 'a collection'} expire by a TTL index`,
    }))
}

import { has, keysIn, mentions, ownCalls, rawCommands } from './places.ts'
import type { Hit, Rule } from './rule.ts'
import { type Call, lineOf, literal, visit } from './source.ts'

const NOT_REPEATABLE = /^(insertOne|insertMany)$/

/** What goes wrong when a migration is cut, runs again, or has to end. */
export const RERUN_RULES: readonly Rule[] = [
  {
    id: 'not-repeatable',
    level: 'error',
    assurable: true,
    fix: 'use an upsert by a fixed _id or batches, or let check tell and assure it',
    find: (source) => [
      ...ownCalls(source)
        .filter(({ method, path }) => NOT_REPEATABLE.test(method) && path.length > 0)
        .map(({ method, line }) => ({ line, message: `${method} runs twice after a cut` })),
      ...keysIn(source, ['$inc', '$mul', '$push', 'insertOne']).map(({ name, line }) => ({
        line,
        message: `${name} adds twice after a cut`,
      })),
    ],
  },
  {
    id: 'down-walks',
    level: 'error',
    assurable: true,
    fix: 'let down begin with batches.restore(), which is exact: the undo is refused otherwise',
    find: ({ calls }) => {
      const keepsImages = calls.some(
        (call) => isWalk(call) && call.within === 'up' && !has(call.args, 'beforeImages', false),
      )
      const down = calls.filter(({ within }) => within === 'down')
      const restores = down.findIndex(({ method, path }) => method === 'restore' && path.at(-1) === 'batches')
      const early = (restores < 0 ? down : down.slice(0, restores)).filter(isWalk)
      const message = 'down walks before it puts back the before-images that up keeps'
      return keepsImages ? early.map(({ line }) => ({ line, message })) : []
    },
  },
  {
    id: 'raw-command',
    level: 'warning',
    assurable: true,
    fix: 'use schema or batches, or say under assured what it does and why it can run twice',
    find: (source) =>
      rawCommands(source).map(({ line }) => ({ line, message: 'a raw command is neither planned nor undone' })),
  },
  {
    id: 'endless',
    level: 'warning',
    assurable: true,
    fix: 'stop when signal.aborted is true: a lost lease must end the loop',
    find: ({ program, calls }) => {
      const hits: Hit[] = []
      visit(program, (node) => {
        const isEndless =
          (node.type === 'WhileStatement' && literal(node.test) === true) ||
          (node.type === 'ForStatement' && !node.test)
        if (isEndless && !mentions(node, 'signal'))
          hits.push({ line: lineOf(node), message: 'a loop that asks neither its end nor signal' })
      })
      return calls.length === 0 ? [] : hits
    },
  },
  {
    id: 'import',
    level: 'error',
    assurable: false,
    fix: 'write what is needed into this file: only what is locked may have a say',
    find: ({ program }) =>
      program.body.flatMap((statement) =>
        statement.type === 'ImportDeclaration' && !String(statement.source.value).startsWith('node:')
          ? [
              {
                line: lineOf(statement),
                message: `import of ${String(statement.source.value)}: a migration can import node: modules only`,
              },
            ]
          : [],
      ),
  },
]

function isWalk({ method }: Call): boolean {
  return method === 'batches'
}

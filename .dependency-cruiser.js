// Imports point one way: actions, agent and cli → capability folders → release, stack → lib; a folder is entered by its door.

/** @param {string} name @param {string} comment @param {object} from @param {object} to */
const forbid = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to })

const CAPABILITIES = '(?:images|migrations|backup|health|ssh)'

export default {
  forbidden: [
    forbid('no-cycle', 'Two modules that need each other are one.', {}, { circular: true }),
    forbid('resolvable', 'An import that nothing answers.', {}, { couldNotResolve: true }),
    forbid(
      'by-the-door',
      'A folder is imported through its index.ts; the agent by its client.ts too, so that a caller does not carry the daemon.',
      { path: '^src/([^/]+)/' },
      { path: '^src/[^/]+/', pathNot: ['^src/$1/', '^src/[^/]+/index\\.ts$', '^src/agent/client\\.ts$'] },
    ),
    forbid(
      'scripts-by-the-door',
      'Scripts are callers like any other.',
      { path: '^scripts/' },
      { path: '^src/', pathNot: '^src/[^/]+/index\\.ts$' },
    ),
    forbid(
      'lib-knows-nothing',
      'src/lib knows neither PACS nor GitHub.',
      { path: '^src/lib/' },
      { path: '^src/(?!lib/)' },
    ),
    forbid(
      'release-and-stack-below',
      'release and stack stand below the capability folders.',
      { path: '^src/(release|stack)/' },
      { path: '^src/(?!release/|stack/|lib/)' },
    ),
    forbid(
      'capabilities-below',
      'A capability folder knows neither a job nor the agent.',
      { path: `^src/${CAPABILITIES}/` },
      { path: '^src/(actions|agent|runner|cli)/' },
    ),
    forbid(
      'cli-is-offline',
      'The command of a checkout knows neither a job nor a server; the doctor alone asks the agent of one.',
      { path: '^src/cli/', pathNot: '^src/cli/doctor/server\\.ts$' },
      { path: '^src/(actions|agent|runner)/' },
    ),
    forbid(
      'doctor-asks-as-a-client',
      'The doctor is a client of the agent and carries nothing else of it.',
      { path: '^src/cli/doctor/' },
      { path: '^src/(actions|agent|runner)/', pathNot: '^src/agent/client\\.ts$' },
    ),
    forbid(
      'cli-loads-ssh-late',
      'What speaks with a server is loaded by setup and doctor alone.',
      { path: '^src/cli/', pathNot: '^src/cli/(set-up\\.ts$|doctor/)' },
      { path: '^src/ssh/' },
    ),
    forbid(
      'agent-is-no-job',
      'The agent runs on a server.',
      { path: '^src/agent/' },
      { path: '^src/(actions|runner)/' },
    ),
    forbid(
      'runner-below-actions',
      'src/runner knows the job, not what is done in it.',
      { path: '^src/runner/' },
      { path: '^src/(?!runner/|lib/|release/)' },
    ),
    forbid(
      'job-in-runner-only',
      '@actions/* is imported by src/runner only: the same code runs on a server and in tests without a job.',
      { path: '^src/', pathNot: '^src/runner/' },
      { path: '(^|/)@actions/' },
    ),
    forbid(
      'src-stands-alone',
      'What ships needs neither tests nor scripts.',
      { path: '^src/' },
      { path: '^(test|scripts)/' },
    ),
    forbid(
      'src-ships-dependencies',
      'What ships is a dependency, not a tool of development.',
      { path: '^src/' },
      { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'] },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^test/fixtures/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types', 'default'] },
  },
}

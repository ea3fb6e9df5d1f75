import { describe, expect, it } from 'vitest'
import { parseActionFile } from '../../../scripts/action-files.ts'
import { fillTables } from '../../../scripts/action-readme.ts'

const file = parseActionFile(
  'x/action.yml',
  `name: Deploy
description: Brings a release to a server
inputs:
  release: { description: The release by digest, required: true }
  watch:
    description: |
      How long both releases
      are watched | at most 1h
    default: 60s
runs: { using: node24, main: ../../dist/deploy/index.js }
`,
)
const README = `# Deploy
<!-- inputs -->
stale
<!-- /inputs -->
Between.
<!-- outputs -->
<!-- /outputs -->
After.
`

describe('fillTables', () => {
  it('writes what action.yml says between the markers and leaves the rest', () => {
    expect(fillTables('README.md', README, file)).toBe(`# Deploy
<!-- inputs -->
| Input | Required | Default | What |
| --- | --- | --- | --- |
| \`release\` | yes | | The release by digest |
| \`watch\` | | \`60s\` | How long both releases are watched \\| at most 1h |
<!-- /inputs -->
Between.
<!-- outputs -->
None.
<!-- /outputs -->
After.
`)
  })

  it('changes nothing the second time', () => {
    const once = fillTables('README.md', README, file)
    expect(fillTables('README.md', once, file)).toBe(once)
  })

  it('refuses a README without the markers, by name', () => {
    expect(() => fillTables('actions/x/README.md', '# Deploy\n', file)).toThrow(
      /actions\/x\/README\.md.*<!-- inputs -->/,
    )
  })
})

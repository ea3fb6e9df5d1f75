import { describe, expect, it } from 'vitest'
import { toLocalActions } from '../../../scripts/workflow-copy.ts'

describe('toLocalActions', () => {
  it.each([
    ['uses: org/pacs-deploy/build@v1', 'uses: ./build'],
    ['- uses: org/pacs-deploy/health-check@0123456789abcdef # v1.0.0', '- uses: ./health-check # v1.0.0'],
    ['uses: org/pacs-deploy@v1', 'uses: ./'],
    ['uses: org/pacs-deploy-other/build@v1', 'uses: org/pacs-deploy-other/build@v1'],
    ['uses: actions/checkout@v7', 'uses: actions/checkout@v7'],
    ['uses: ./.github/workflows/deploy-environment.yml', 'uses: ./.github/workflows/deploy-environment.yml'],
  ])('turns "%s" into "%s"', (line, local) => {
    expect(toLocalActions(line)).toBe(local)
  })
})

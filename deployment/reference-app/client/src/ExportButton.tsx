import { orderExport } from './api/exports.ts'
import { download } from './download.ts'
import { useAction } from './useAction.ts'

/** Takes a study away as a ZIP. */
export function ExportButton({ study }: { study: string }) {
  const { run, isRunning, problem } = useAction()
  return (
    <p>
      <button type="button" disabled={isRunning} onClick={() => run(async () => download(await orderExport([study])))}>
        Download the study
      </button>
      {problem && <span role="alert"> {problem}</span>}
    </p>
  )
}

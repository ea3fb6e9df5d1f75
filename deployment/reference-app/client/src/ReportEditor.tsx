import type { ReportVersion } from './api/reports.ts'

interface ReportEditorProps {
  newest: ReportVersion | undefined
  isRunning: boolean
  onSave: (text: string) => void
}

/** Writes the next version, beginning with the newest one's text. */
export function ReportEditor({ newest, isRunning, onSave }: ReportEditorProps) {
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        onSave(String(new FormData(event.currentTarget).get('text')))
      }}
    >
      <label className="wide">
        {newest ? `Write version ${newest.version + 1}` : 'Write the report'}
        <textarea name="text" rows={6} required maxLength={20_000} defaultValue={newest?.text} />
      </label>
      <button type="submit" disabled={isRunning}>
        Save
      </button>
    </form>
  )
}

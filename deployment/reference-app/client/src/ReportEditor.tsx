import { useState } from 'react'
import type { ReportVersion } from './api/reports.ts'
import { drafts } from './drafts.ts'

interface ReportEditorProps {
  study: string
  newest: ReportVersion | undefined
  isRunning: boolean
  onSave: (text: string) => void
}

/** Writes the next version, beginning with what was written and not saved, or else with the newest one's text. */
export function ReportEditor({ study, newest, isRunning, onSave }: ReportEditorProps) {
  const base = newest?.version ?? 0
  const [draft] = useState(() => drafts.of(study))
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        onSave(String(new FormData(event.currentTarget).get('text')))
      }}
    >
      <label className="wide">
        {newest ? `Write version ${newest.version + 1}` : 'Write the report'}
        <textarea
          name="text"
          rows={6}
          required
          maxLength={20_000}
          defaultValue={draft?.text ?? newest?.text}
          onChange={(event) => drafts.keep(study, { base, text: event.target.value })}
        />
      </label>
      {draft && draft.base !== base && (
        <p role="alert">Version {base} was saved after you began this text: read it before you save yours.</p>
      )}
      <button type="submit" disabled={isRunning}>
        Save
      </button>
    </form>
  )
}

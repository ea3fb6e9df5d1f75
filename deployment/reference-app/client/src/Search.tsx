import { NO_TERMS, type SearchTerms } from './api/studies.ts'

const FIELDS: readonly { name: keyof SearchTerms; label: string; type: string; pattern?: string }[] = [
  { name: 'patientName', label: 'Name', type: 'search' },
  { name: 'patientId', label: 'Patient ID', type: 'search' },
  { name: 'modality', label: 'Modality', type: 'search', pattern: '[A-Z]{2,16}' },
  { name: 'from', label: 'From', type: 'date' },
  { name: 'to', label: 'To', type: 'date' },
]

export function Search({ onSearch }: { onSearch: (terms: SearchTerms) => void }) {
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        onSearch(readTerms(new FormData(event.currentTarget)))
      }}
    >
      {FIELDS.map(({ name, label, type, pattern }) => (
        <label key={name}>
          {label} <input name={name} type={type} maxLength={64} pattern={pattern} autoComplete="off" />
        </label>
      ))}
      <button type="submit">Search</button>
    </form>
  )
}

/** The terms of a submitted form; what is absent is empty. */
export function readTerms(form: FormData): SearchTerms {
  const terms = { ...NO_TERMS }
  for (const { name } of FIELDS) {
    const value = form.get(name)
    if (typeof value === 'string') terms[name] = value.trim()
  }
  return terms
}

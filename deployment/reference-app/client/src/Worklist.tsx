import type { Study } from './api/studies.ts'
import type { Loaded } from './useLoaded.ts'

interface WorklistProps {
  studies: Loaded<Study[]>
  selected: Study | undefined
  onSelect: (study: Study) => void
}

export function Worklist({ studies, selected, onSelect }: WorklistProps) {
  if (studies.state === 'loading') return <p className="hint">Loading…</p>
  if (studies.state === 'failed') return <p role="alert">{studies.message}</p>
  if (studies.value.length === 0) return <p className="hint">No study found.</p>
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Patient</th>
          <th scope="col">ID</th>
          <th scope="col">Date</th>
          <th scope="col">Modality</th>
          <th scope="col">Description</th>
          <th scope="col">Images</th>
        </tr>
      </thead>
      <tbody>
        {studies.value.map((study) => (
          <tr key={study.studyInstanceUid} aria-selected={study.studyInstanceUid === selected?.studyInstanceUid}>
            <td>
              <button type="button" onClick={() => onSelect(study)}>
                {study.patientName || '(no name)'}
              </button>
            </td>
            <td>{study.patientId}</td>
            <td>{study.date}</td>
            <td>{study.modalities.join(', ')}</td>
            <td>{study.description}</td>
            <td className="number">{study.instances}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

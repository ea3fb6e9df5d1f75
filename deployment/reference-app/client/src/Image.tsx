import { useState } from 'react'
import { imageOf, type Study } from './api.ts'

export function Image({ study }: { study: Study }) {
  const [failed, setFailed] = useState(false)
  const title = [study.patientName, study.date, study.description].filter((part) => part !== '').join(' · ')
  return (
    <figure>
      {failed ? (
        <p role="alert">This study has no image that can be drawn.</p>
      ) : (
        <img src={imageOf(study)} alt={title || 'Study without a title'} onError={() => setFailed(true)} />
      )}
      <figcaption>{title}</figcaption>
    </figure>
  )
}

import { useState } from 'react'
import { imageOf, type Study } from './api/studies.ts'

export function Image({ study }: { study: Study }) {
  const [failed, setFailed] = useState(false)
  const title = [study.patientName, study.date, study.description].filter((part) => part !== '').join(' · ')
  return (
    <figure>
      {failed ? (
        <p role="alert">No image: the study has none that can be drawn, or the image archive is away.</p>
      ) : (
        <img src={imageOf(study)} alt={title || 'Study without a title'} onError={() => setFailed(true)} />
      )}
      <figcaption>{title}</figcaption>
    </figure>
  )
}

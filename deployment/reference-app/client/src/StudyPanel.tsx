import type { Study } from './api/studies.ts'
import { ExportButton } from './ExportButton.tsx'
import { Image } from './Image.tsx'
import { NotifyForm } from './NotifyForm.tsx'
import { Report } from './Report.tsx'
import type { Who } from './session.ts'

/** One study: its image, its report, and what can be done with it. */
export function StudyPanel({ study, who, onNotified }: { study: Study; who: Who; onNotified: () => void }) {
  return (
    <>
      <Image study={study} />
      <ExportButton study={study.studyInstanceUid} />
      <NotifyForm study={study.studyInstanceUid} onNotified={onNotified} />
      <Report study={study.studyInstanceUid} who={who} />
    </>
  )
}

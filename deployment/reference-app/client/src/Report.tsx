import { useCallback, useState } from 'react'
import { type ReportVersion, readReport, saveReport, signReport } from './api/reports.ts'
import { drafts } from './drafts.ts'
import { ReportEditor } from './ReportEditor.tsx'
import { SignatureManifest } from './SignatureManifest.tsx'
import { SignForm } from './SignForm.tsx'
import type { Who } from './session.ts'
import { useAction } from './useAction.ts'
import { useLoaded } from './useLoaded.ts'

/** The report of a study: what is signed, what is being written, and how to sign it. */
export function Report({ study, who }: { study: string; who: Who }) {
  const loaded = useLoaded(useCallback((signal: AbortSignal) => readReport(study, signal), [study]))
  const [changed, setChanged] = useState<ReportVersion[]>()
  const { run, isRunning, problem } = useAction()
  if (loaded.state === 'loading') return <p className="hint">Loading the report…</p>
  if (loaded.state === 'failed') return <p role="alert">{loaded.message}</p>
  const versions = changed ?? loaded.value
  const newest = versions[0]
  return (
    <section aria-label="Report" className="report">
      <h2>Report</h2>
      {versions.length === 0 && <p className="hint">Nobody has written one.</p>}
      {versions
        .filter((version, index) => index === 0 || version.state === 'signed')
        .map((version) => (
          <Version key={version.id} version={version} />
        ))}
      {who.role === 'radiologist' && (
        <>
          {newest && (
            <SignForm
              version={newest}
              who={who}
              isRunning={isRunning}
              onSign={(signing) => run(async () => setChanged(await signReport(study, signing)))}
            />
          )}
          <ReportEditor
            key={newest?.version ?? 0}
            study={study}
            newest={newest}
            isRunning={isRunning}
            onSave={(text) =>
              run(async () => {
                const saved = await saveReport(study, text, newest?.version ?? 0)
                drafts.drop(study)
                setChanged(saved)
              })
            }
          />
        </>
      )}
      {problem && <p role="alert">{problem}</p>}
    </section>
  )
}

export function Version({ version }: { version: ReportVersion }) {
  return (
    <article>
      <h3>
        Version {version.version}, {version.state} <small>by {version.author}</small>
      </h3>
      <p className="text">{version.text}</p>
      {version.state === 'signed' && version.signatures.length === 0 && (
        <p role="alert">The signing of this version was interrupted: sign it again.</p>
      )}
      {version.signatures.map((signature) => (
        <SignatureManifest key={`${signature.printedName} ${signature.meaning}`} signature={signature} />
      ))}
    </article>
  )
}

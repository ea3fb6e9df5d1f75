import type { Signature } from './api/reports.ts'

/** What a signed record must show: printed name, date and time, meaning (21 CFR 11.50), and what it is bound to (11.70). */
export function SignatureManifest({ signature }: { signature: Signature }) {
  const { printedName, signedAt, meaning, recordId, recordHash, problem } = signature
  return (
    <dl className={problem === null ? 'signature' : 'signature broken'}>
      <dt>Signed by</dt>
      <dd>{printedName}</dd>
      <dt>At</dt>
      <dd>
        <time dateTime={signedAt}>{signedAt}</time>
      </dd>
      <dt>As</dt>
      <dd>{meaning}</dd>
      <dt>Record</dt>
      <dd>
        <code>{recordId}</code>
      </dd>
      <dt>SHA-256</dt>
      <dd>
        <code>{recordHash}</code>
      </dd>
      <dt>Verified</dt>
      <dd>
        {problem === null ? 'just now: the record is as it was signed' : <strong role="alert">no: {problem}</strong>}
      </dd>
    </dl>
  )
}

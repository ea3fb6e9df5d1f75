import { hashOf } from './record-hash.js'

/** Signatures that are looked at together: their reports are fetched at once. */
const LOT = 500

export default {
  title: 'every signature names a report, as it was signed',
  async check({ db }) {
    const found = []
    let lot = []
    const judgeLot = async () => {
      found.push(...(await judge(db, lot)))
      lot = []
    }
    for await (const signature of db.collection('digitalsignatures').find()) {
      lot.push(signature)
      if (lot.length === LOT) await judgeLot()
    }
    await judgeLot()
    return found
  },
}

async function judge(db, signatures) {
  // The driver is not at hand here, but its ids are.
  const ids = signatures.map(({ _id, recordId }) => _id.constructor.createFromHexString(recordId))
  const reports = await db
    .collection('reports')
    .find({ _id: { $in: ids } })
    .toArray()
  const byId = new Map(reports.map((report) => [String(report._id), report]))
  return signatures.flatMap(({ _id, recordId, recordHash }) => {
    const report = byId.get(recordId)
    if (report === undefined) return [`signature ${_id}: its report ${recordId} is not there`]
    const { study, text, author, createdAt, version } = report
    const isSame = hashOf({ recordId, study, text, author, createdAt, version }) === recordHash
    return isSame ? [] : [`signature ${_id}: its report ${recordId} is another one than was signed`]
  })
}

import { hashOf } from './record-hash.js'

export default {
  title: 'the audit chain is whole',
  async check({ db }) {
    let seq = 0
    let last = '0'.repeat(64)
    for await (const { _id, hash, ...entry } of db.collection('auditlogs').find().sort({ seq: 1 })) {
      seq += 1
      if (entry.seq !== seq) return [`audit entry ${seq} is not there`]
      if (entry.previousHash !== last) return [`audit entry ${seq} does not follow the one before it`]
      if (hashOf(entry) !== hash) return [`audit entry ${seq} is another one than was written`]
      last = hash
    }
    return []
  },
}

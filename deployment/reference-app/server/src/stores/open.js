import { Orthanc } from '../orthanc.js'
import { openDatabase } from './database.js'
import { openKeyStore } from './key-store.js'

/**
 * What the API keeps its things in. Nothing is waited for: the app starts without them and says which one is away.
 * @param {Pick<import('../config.js').Config, 'orthanc' | 'mongodb' | 'redis'>} config
 * @param {import('pino').Logger} log
 */
export function openStores({ orthanc, mongodb, redis }, log) {
  const { database, close: closeDatabase } = openDatabase(mongodb)
  const { keyStore, close: closeKeyStore } = openKeyStore(redis, (problem) => log.warn({ problem }, 'Redis is away'))
  return {
    stores: { orthanc: new Orthanc(orthanc), database, keyStore },
    async close() {
      closeKeyStore()
      await closeDatabase()
    },
  }
}

export default {
  title: 'the ledger of migrations is there',
  async check({ db }) {
    const applied = await db.collection('_migrations').countDocuments({ state: 'applied' }, { limit: 1 })
    return applied > 0 ? [] : ['no migration is applied: is this the database of the application?']
  },
}

// Run by mongosh at every start, over loopback: makes the replica set, the root user and the stack's users where they are missing, and
// gives users the roles below and the password of their secret. The root user's own password is changed by hand: DEPLOYMENT_GUIDE.md.
const { existsSync, readFileSync } = require('node:fs')

const secretOf = (user) => `/run/secrets/mongodb-${user}-password`
const replicaSet = { _id: 'pacs', members: [{ _id: 0, host: '127.0.0.1:27017' }] }
const users = {
  app: [{ role: 'readWrite', db: 'pacs' }],
  // pacs_restored: where a restore lays a whole database beside the live one.
  migrations: ['pacs', 'pacs_restored'].flatMap((database) => [
    { role: 'readWrite', db: database },
    { role: 'dbAdmin', db: database },
  ]),
  backup: [
    { role: 'backup', db: 'admin' },
    { role: 'readAnyDatabase', db: 'admin' },
  ],
}
// Figures and no document; only where docker-compose.mongodb-exporter.yml gives it a password.
if (existsSync(secretOf('metrics'))) users.metrics = [{ role: 'clusterMonitor', db: 'admin' }]

const admin = db.getSiblingDB('admin')
const password = (user) => readFileSync(secretOf(user), 'utf8').trim()
const isPrimary = () => admin.runCommand({ hello: 1 }).isWritablePrimary

function logIn() {
  try {
    admin.auth('root', password('root'))
    return true
  } catch {
    return false
  }
}

// Until there is a user, mongod lets this machine initiate and make the first one.
const known = logIn()
if (!isPrimary()) {
  try {
    admin.runCommand({ replSetInitiate: replicaSet })
    print('replica set initiated')
  } catch (error) {
    if (error.codeName !== 'AlreadyInitialized') throw error
  }
  while (!isPrimary()) sleep(100)
}
if (!known && !logIn()) {
  try {
    admin.runCommand({ createUser: 'root', pwd: password('root'), roles: [{ role: 'root', db: 'admin' }] })
  } catch (error) {
    throw new Error(
      `the user root cannot log in with the secret mongodb-root-password, and cannot be made: ${error.message}`,
    )
  }
  print('user root made')
  admin.auth('root', password('root'))
}
for (const [user, roles] of Object.entries(users)) {
  const exists = admin.runCommand({ usersInfo: user }).users.length > 0
  admin.runCommand({ [exists ? 'updateUser' : 'createUser']: user, pwd: password(user), roles })
  if (!exists) print(`user ${user} made`)
}

#!/bin/sh
# Makes the random secrets of the stack where they are absent.
set -eu

usage() {
  cat <<'TEXT'
usage: make-secrets.sh FOLDER

Makes every random secret of the stack that is not in FOLDER yet (.env.example says what each is for); never touches one that is.
A server keeps them in /opt/pacs/config/next/secrets, owned by pacs.
TEXT
}

case ${1:-} in
  -h | --help) usage; exit 0 ;;
  '' | -*) usage >&2; exit 40 ;;
esac
if [ $# -ne 1 ]; then
  usage >&2
  exit 40
fi
mkdir -p "$1"
cd "$1"
# Readable by the containers' users, who are not the owner: the folder's parents keep others out.
umask 0333

# put FILE: from standard input, whole or not at all.
put() {
  [ -e "$1" ] && return
  rm -f "$1.new"
  cat >"$1.new"
  mv "$1.new" "$1"
  echo "made $1"
}

sha256() { sha256sum "$1" | cut -d ' ' -f 1; }

for name in orthanc-password postgres-orthanc-password mongodb-root-password mongodb-app-password mongodb-migrations-password \
  mongodb-backup-password redis-app-password redis-backup-password restic-password app-session-key orthanc-metrics-password \
  redis-metrics-password grafana-admin-password; do
  openssl rand -hex 32 | tr -d '\n' | put "$name"
done
openssl rand -base64 96 | tr -d '\n' | put mongodb-keyfile
printf '{"RegisteredUsers":{"backend":"%s","metrics":"%s"}}' "$(cat orthanc-password)" "$(cat orthanc-metrics-password)" | put orthanc-users.json
printf '{"redis://metrics@redis:6379":"%s"}' "$(cat redis-metrics-password)" | put redis-metrics.json
# Hashes, not passwords. "app" may do what the API does, with its own keys; "backup" may ask for a snapshot; "metrics" may see
# figures; "health" may ping.
put redis-users.acl <<ACL
user default off
user app on #$(sha256 redis-app-password) resetchannels ~pacs:* -@all +get +getex +set +del +incr +expire +ttl +multi +exec +ping +hello +auth +client|setinfo +client|setname
user backup on #$(sha256 redis-backup-password) resetchannels -@all +bgsave +lastsave +info +ping
user metrics on #$(sha256 redis-metrics-password) resetchannels -@all +info +ping +hello +auth +client|setname +client|setinfo +latency|latest +slowlog|len
user health on nopass resetchannels -@all +ping
ACL
[ -e app-users.json ] || echo 'still missing: app-users.json, who may log in (.env.example says how)'

#!/bin/bash
# Starts mongod with its arguments, and does what it cannot do itself. Its keyfile must be its own and closed to others, which a mounted
# secret never is; and somebody has to make the replica set and the users. That is done beside it at every start, so that a first start
# that was cut is completed by the next one; /tmp/initialised says when it is done.
set -eu
rm -f /tmp/initialised
# As many files as mongod asks for; under ulimits in the Compose file, an engine that may not give as many would start nothing.
ulimit -Sn 64000 2>/dev/null || ulimit -Sn "$(ulimit -Hn)"
install -m 0400 /run/secrets/mongodb-keyfile /tmp/keyfile
(
  until (: </dev/tcp/127.0.0.1/27017) 2>/dev/null; do sleep 0.1; done
  until mongosh --quiet --norc --host 127.0.0.1 /etc/pacs/init.js; do sleep 1; done
  touch /tmp/initialised
) &
exec docker-entrypoint.sh mongod --keyFile /tmp/keyfile "$@"

#!/bin/sh
# As the vendor's: a host id, the configuration of all sources as /tmp/orthanc.json, then Orthanc.
set -e
if [ "${GENERATE_HOST_ID_IF_MISSING:-true}" = true ] && [ ! -e /etc/hostid ]; then
  head -c 4 /dev/urandom >/etc/hostid
fi
python3 /configurator.py
exec Orthanc "$@"

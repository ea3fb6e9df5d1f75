#!/bin/sh
# As the vendor's: templates become configuration, scripts of /docker-entrypoint.d run, then the command.
set -e
if [ -d /etc/nginx/templates ]; then
  names=$(env | sed 's/=.*//' | sed 's/.*/${&}/' | tr '\n' ' ')
  for template in /etc/nginx/templates/*.template; do
    [ -e "$template" ] || continue
    envsubst "$names" <"$template" >"/etc/nginx/conf.d/$(basename "$template" .template)"
  done
fi
for script in /docker-entrypoint.d/*.sh; do
  if [ -x "$script" ]; then "$script"; fi
done
exec "$@"

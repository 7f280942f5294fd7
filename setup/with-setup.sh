#!/bin/sh
# Usage: with-setup.sh [script.ts [argument…]]      sets the host up if need be, then runs the script
#        with-setup.sh --<set-up option>…           sets up only; --help lists the options
# Starts with nothing but sh and npm: the Node that runs everything else comes with the npm packages.
set -eu
cd "$(dirname "$0")/.."

# The hash of the lock file that node_modules was installed from; npm itself leaves no such mark.
lock_hash=$(sha256sum package-lock.json)
if [ "$(cat node_modules/.installed-from 2>/dev/null)" != "$lock_hash" ]; then
  flock package-lock.json sh setup/npm-packages.sh "$lock_hash"
fi

node=node_modules/node/bin/node
case ${1-} in
  '' | -*) exec "$node" setup/main.ts "$@" ;;
esac
"$node" setup/main.ts
exec "$node" "$@"

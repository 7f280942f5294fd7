#!/bin/sh
# Usage: with-packages.sh script.ts [argument…]      installs the npm packages if need be, then runs the script
# Starts with nothing but sh and npm: the Node that runs everything else comes with the npm packages.
set -eu
cd "$(dirname "$0")/.."

# The hash of the lock file that node_modules was installed from; npm itself leaves no such mark.
lock_hash=$(sha256sum package-lock.json)
if [ "$(cat node_modules/.installed-from 2>/dev/null)" != "$lock_hash" ]; then
  flock package-lock.json sh setup/npm-packages.sh "$lock_hash"
fi
exec node_modules/node/bin/node "$@"

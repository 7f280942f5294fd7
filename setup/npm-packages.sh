#!/bin/sh
# Installs the npm packages that package-lock.json names. with-packages.sh runs it, under a lock.
# Usage: npm-packages.sh <hash of package-lock.json>
set -eu
if [ "$(cat node_modules/.installed-from 2>/dev/null)" = "$1" ]; then exit 0; fi

echo 'setup: npm: installing packages (npm ci)' >&2
# Of all install scripts only one is wanted, the one that brings Node itself; the others would compile code nobody calls.
npm ci --ignore-scripts --loglevel=error >&2
npm rebuild node --loglevel=error >&2
printf '%s\n' "$1" >node_modules/.installed-from

#!/bin/sh
# Usage: with-setup.sh [script.ts [argument…]]      sets the host up if need be, then runs the script
#        with-setup.sh --<set-up option>…           sets up only; --help lists the options
set -eu
cd "$(dirname "$0")/.."
case ${1-} in
  '' | -*) exec sh setup/with-packages.sh setup/main.ts "$@" ;;
esac
sh setup/with-packages.sh setup/main.ts
exec node_modules/node/bin/node "$@"

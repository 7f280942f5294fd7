#!/bin/sh
# Keeps the Podman API service running where no systemd does, as its user. Plain sh, so that it costs little memory and
# needs nothing of the repository once it runs.
# Usage: supervisor.sh <run folder> <socket> <log file>
set -u
run=$1 socket=$2 log=$3
exec >>"$log" 2>&1 </dev/null

# One supervisor per socket: the lock goes with this process, however it ends.
exec 9>"$run/supervisor.lock"
flock -n 9 || exit 0
echo $$ >"$run/supervisor.pid"

# Half a megabyte of the past is enough to see what happened; jobs must not be able to fill the disk by it.
bound_log() {
  if [ "$(stat -c %s "$log")" -gt 1048576 ]; then
    tail -c 524288 "$log" >"$log.1"
    : >"$log"
  fi
}

trap 'trap - TERM; kill "$service" "$janitor" 2>/dev/null; wait; rm -f "$run/supervisor.pid" "$run/service.pid"; exit 0' TERM INT

service='' janitor=''
(while sleep 60; do bound_log; done) 9>&- &
janitor=$!

delay=0
while :; do
  started=$(date +%s)
  podman system service --time=0 "unix://$socket" 9>&- &
  service=$!
  echo "$service" >"$run/service.pid"
  wait "$service"
  echo "$(date -u +%FT%TZ) service ended with $?, starting it again in $delay s"
  bound_log
  sleep "$delay" 9>&- &
  wait $!
  # At once after a long life; slower and slower when it dies young.
  if [ $(($(date +%s) - started)) -gt 30 ]; then delay=0; else delay=$((delay < 8 ? delay * 2 + 1 : 15)); fi
done

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

# A sleep that a signal to this shell ends, too.
nap() {
  sleep "$1" &
  nap=$!
  wait "$nap"
  nap=''
}

# In the background; $$ is the supervisor, and this ends with it, even if that was killed.
keep_log_short() {
  trap 'kill "$nap"; exit 0' TERM
  while nap 60 && kill -0 $$; do bound_log; done
}

# What Podman started beside its containers. It outlives them, in network namespaces that no new container gets into, and
# Podman's DNS server is not started again as long as the old one runs.
end_network_helpers() {
  for process in /proc/[0-9]*; do
    case $({ tr '\0' ' ' <"$process/cmdline"; } 2>/dev/null) in
      */aardvark-dns\ *" $run/"* | */slirp4netns\ *" $run/"* | */pasta*" $run/"*) kill -9 "${process#/proc/}" ;;
    esac
  done
  names=$run/containers/networks/aardvark-dns
  if [ -d "$names" ]; then find "$names" -type f -delete; fi
}

# A child that was only just forked may miss a signal, so who lives on gets another one each second.
end() {
  kill "$1" 2>/dev/null || return 0
  tries=0
  while grep -q '^State:.[^Z]' "/proc/$1/status" 2>/dev/null; do
    sleep 0.1
    tries=$((tries + 1))
    if [ $((tries % 10)) -eq 0 ]; then kill "$1" 2>/dev/null; fi
  done
}

stop() {
  trap - TERM INT
  for child in $service $janitor $nap; do end "$child"; done
  wait
  rm -f "$run/supervisor.pid" "$run/service.pid"
  exit 0
}

service='' janitor='' nap=''
trap stop TERM INT
keep_log_short 9>&- &
janitor=$!

delay=0
while :; do
  started=$(date +%s)
  podman system service --time=0 "unix://$socket" 9>&- &
  service=$!
  echo "$service" >"$run/service.pid"
  wait "$service"
  code=$?
  # At once after a long life; slower and slower when it dies young again and again.
  if [ $(($(date +%s) - started)) -gt 5 ]; then delay=0; fi
  echo "$(date -u +%FT%TZ) service ended with $code, starting it again in $delay s"
  # Podman cannot start beside the records of processes that were all killed at once; this is its own advice for that. It
  # stops containers, so not when the service was merely killed (128 and up).
  if [ "$code" -gt 0 ] && [ "$code" -lt 128 ]; then
    podman system migrate 9>&-
    end_network_helpers
  fi
  service=''
  bound_log
  nap "$delay" 9>&-
  delay=$((delay < 8 ? delay * 2 + 1 : 15))
done

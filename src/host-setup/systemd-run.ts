/** The script that stands before systemd-run on the search path of Podman's service; its comment says why. */
export const SYSTEMD_RUN = `#!/bin/sh
# Stands before systemd-run on the search path of Podman's service. netavark starts Podman's DNS server with
# \`systemd-run --scope --user\`, in a /run of its own that holds no bus, and fails; the server then stays in the service's own
# cgroup, which lives on when the service is restarted. Everything else is systemd's.
case " $* " in
  *' --scope '*) ;;
  *) exec /usr/bin/systemd-run "$@" ;;
esac
while [ $# -gt 0 ]; do
  case $1 in
    -*) shift ;;
    *) exec "$@" ;;
  esac
done
`;

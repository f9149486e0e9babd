#!/bin/sh
# Runs torbox-bridge in the image, never as root unless PUID says so.
#
# Started as root: gives /config to PUID:PGID (default 1000:1000), changes to that user and runs the
# command. Started as any other user (`user:` in compose, runAsUser in Kubernetes): runs it at once.
# It stands before the real command in PATH, so `docker exec ... torbox-bridge check` drops too.
set -eu

program=/opt/venv/bin/torbox-bridge

stop() {
  echo "torbox-bridge: $*" >&2
  exit 2
}

is_number() {
  case $1 in
    '' | *[!0-9]*) return 1 ;;
  esac
}

# own_config: /config and what lies in it belong to the user. Quiet if that is so already.
own_config() {
  [ -d /config ] || return 0
  find /config \( ! -user "$uid" -o ! -group "$gid" \) -exec chown -h "$uid:$gid" {} + \
    || echo "torbox-bridge: cannot give all of /config to $uid:$gid; going on" >&2
}

# make_downloads: a download directory that is missing, or that Docker has just made as root and
# that is still empty, is given to the user. A directory with files keeps its owner.
make_downloads() {
  downloads=${BRIDGE_PATHS__DOWNLOADS:-/downloads}
  if [ ! -e "$downloads" ]; then
    mkdir -p "$downloads" 2>/dev/null && chown "$uid:$gid" "$downloads" || return 0
  elif [ "$(stat -c %u "$downloads")" = 0 ] && [ -z "$(ls -A "$downloads")" ]; then
    chown "$uid:$gid" "$downloads" || return 0
  fi
}

if [ "$(id -u)" = 0 ]; then
  uid=${PUID:-1000}
  gid=${PGID:-1000}
  is_number "$uid" || stop "PUID must be the number of a user, such as 1000, not \"$uid\""
  is_number "$gid" || stop "PGID must be the number of a group, such as 1000, not \"$gid\""
  if [ "$uid:$gid" != 0:0 ]; then
    case ${1:-} in
      run)
        own_config
        make_downloads
        ;;
    esac
    setpriv --reuid="$uid" --regid="$gid" --clear-groups true 2>/dev/null \
      || stop "cannot change to user $uid: add the capabilities SETUID, SETGID and CHOWN" \
        "(cap_add in compose), or choose the user with \`user: \"$uid:$gid\"\`"
    exec setpriv --reuid="$uid" --regid="$gid" --clear-groups "$program" "$@"
  fi
fi
exec "$program" "$@"

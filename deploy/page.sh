#!/bin/sh
# A web page on the worker's own machine, so that the example policies have something to heal.
#   page.sh restart PORT    starts it, after ending the one before
#   page.sh stop PORT       breaks it
set -eu
verb=$1 port=$2
here=${TMPDIR:-/tmp}/page-$port

runs() { [ -n "$pid" ] && grep -qs http.server "/proc/$pid/cmdline"; }

pid=$(cat "$here/pid" 2>/dev/null || true)
if runs; then
	kill -s KILL "$pid"
	while runs; do sleep 0.1; done
fi
[ "$verb" = restart ] || exit 0

mkdir -p "$here/content"
echo 'The page is up.' >"$here/content/index.html"
python3 -m http.server "$port" --bind 127.0.0.1 --directory "$here/content" </dev/null >/dev/null 2>&1 &
echo "$!" >"$here/pid"

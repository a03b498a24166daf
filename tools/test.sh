#!/bin/sh
# Runs the tests on two workers. Browser tests need a Chromium: without one they are left out, loudly; where CI is true
# that is a failure, so that nobody mistakes silence for success.
set -eu
cd "$(dirname "$0")/.."
bin=$1
shift

marks='not soak'
if [ -z "${CHROMIUM:-}" ]; then
    echo '!!' >&2
    echo '!! NO CHROMIUM FOUND: the browser tests are NOT run.' >&2
    echo '!! Install one (Debian: apt-get install chromium) or name it: make test CHROMIUM=/path/to/chromium' >&2
    echo '!!' >&2
    [ "${CI:-}" != true ] || exit 1
    marks='not soak and not browser'
fi
exec "$bin/python" -m pytest -n 2 -m "$marks" "$@"

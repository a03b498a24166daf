#!/bin/sh
# Runs the tests on four workers, which keep two cores busy: some of them wait; a file's tests stay together, for what
# they share is dear to make, and files are begun in the order of tests/conftest.py, longest first. Browser tests need a
# Chromium: without one they are left out, and it is said before and after; where CI is true that is a failure, so that
# nobody mistakes silence for success.
set -eu
cd "$(dirname "$0")/.."
unset PYTHONDONTWRITEBYTECODE # else each worker, and each process that a test starts, compiles everything again
bin=$1
shift

warn() {
    echo '!!' >&2
    echo '!! NO CHROMIUM FOUND: the browser tests are NOT run.' >&2
    echo '!! Install one (Debian: apt-get install chromium-headless-shell) or name it: make test CHROMIUM=/path/to/chromium' >&2
    echo '!!' >&2
}

if [ -n "${CHROMIUM:-}" ]; then
    exec "$bin/python" -m pytest -n 4 --dist loadfile --no-loadscope-reorder -m 'not soak' "$@"
fi

warn
[ "${CI:-}" != true ] || exit 1
status=0
"$bin/python" -m pytest -n 4 --dist loadfile --no-loadscope-reorder -m 'not soak and not browser' "$@" || status=$?
warn
exit $status

#!/bin/sh
# Makes or refreshes the project's own virtual environment. Needs a Python >= 3.11 with venv and pip, nothing else; does
# nothing when the lock, the packaging file, the interpreter and the place are those of the last time.
set -eu
cd "$(dirname "$0")/.."
venv=${VENV:-.venv}
lock=requirements/dev.lock

stop() {
    printf 'setup: %s\n' "$@" >&2
    exit 1
}

fits() { # prints "3.11.7 /usr/bin/python3.11" if $1 is new enough
    "$1" -c 'import sys; sys.version_info >= (3, 11) or sys.exit(1); print(sys.version.split()[0], sys.executable)' 2>/dev/null
}

usable() { # the environment is whole, of the Python found, and was not moved here from elsewhere
    grep -qsF "$(cd "$venv" && pwd)" "$venv/bin/activate" &&
        [ "$("$venv/bin/python" -c 'import pip, sys; print(sys.version.split()[0])' 2>/dev/null)" = "${found%% *}" ]
}

if [ -n "${PYTHON:-}" ]; then
    found=$(fits "$PYTHON") || stop "PYTHON=$PYTHON does not run or is older than 3.11; name another, or leave PYTHON out."
else
    for PYTHON in python3 python3.11 python3.12 python3.13 python3.14 none; do
        found=$(fits "$PYTHON") && break
    done
    [ "$PYTHON" != none ] || stop "no Python 3.11 or newer found (tried python3 and python3.11 to python3.14)." \
        "Install one (Debian: apt-get install python3 python3-venv) or name it: make setup PYTHON=/path/to/python3"
fi

key=$( (echo "$found"; pwd; cat "$lock" pyproject.toml src/caseward/__init__.py) | cksum)
if [ -f "$venv/.setup" ] && [ "$(cat "$venv/.setup")" = "$key" ] && [ -x "$venv/bin/python" ]; then
    exit 0
fi

"$PYTHON" -c 'import ensurepip, venv' 2>/dev/null ||
    stop "$PYTHON cannot make virtual environments: its venv or ensurepip module is missing." \
        "Install it (Debian: apt-get install python3-venv)."

echo "setup: Python $found; installing $(grep -c '==' "$lock") pinned packages into $venv (about a minute, once)"
rm -f "$venv/.setup"
if [ -d "$venv" ] && ! usable; then
    [ -f "$venv/pyvenv.cfg" ] || stop "$venv is a folder, but no virtual environment; move it away or name another: VENV=..."
    rm -rf "$venv"
fi
[ -x "$venv/bin/python" ] || "$PYTHON" -m venv "$venv"
pip="$venv/bin/python -m pip --disable-pip-version-check --quiet"
$pip install --require-hashes -r "$lock" ||
    stop "the packages could not be installed; see pip's message above. Setting up needs a package index within reach" \
        "(pip's own configuration and PIP_* variables apply); afterwards everything works offline."
$pip install --no-deps --no-build-isolation --editable .
echo "$key" >"$venv/.setup"

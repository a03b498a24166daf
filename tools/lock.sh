#!/bin/sh
# Pins every dependency, with hashes, for all platforms and Python 3.11 or newer. No address of any index is written, so
# the files work with whatever index the reader's pip uses. UPGRADE=1 moves to the newest releases; without it only what
# pyproject.toml demands changes.
set -eu
cd "$(dirname "$0")/.."

if ! command -v uv >/dev/null 2>&1; then
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT INT TERM
    "${PYTHON:-python3}" -m venv "$scratch"
    "$scratch/bin/python" -m pip install --quiet --disable-pip-version-check uv
    PATH="$scratch/bin:$PATH"
fi

compile() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
        --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
        ${UPGRADE:+--upgrade} "$@" >/dev/null
}

mkdir -p requirements
compile pyproject.toml -o requirements/runtime.lock
compile pyproject.toml --group dev -c requirements/runtime.lock -o requirements/dev.lock

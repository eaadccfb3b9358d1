# Sourced by the commands beside it. Works in the checkout's root and makes a private virtual
# environment in .venv from the lock file: with uv where it is, else with what Python ships.
# Safe to run twice and at once; a second time it fetches nothing.

set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

export UV_PYTHON_DOWNLOADS=never
export UV_PROJECT_ENVIRONMENT="$PWD/.venv"
unset VIRTUAL_ENV

say() { printf '%s\n' "$*" >&2; }

python_of_this_machine() {
    local python
    for python in python3.11 python3.12 python3.13 python3; do
        if "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
            2>/dev/null; then
            command -v "$python"
            return
        fi
    done
    say "Python 3.11, 3.12 or 3.13 is needed and none was found on the PATH."
    exit 1
}

# set_up GROUP: GROUP is "main" (what the product needs) or "dev" (and what its tests need).
set_up() {
    local group=$1 lock stamp
    lock=$(cksum <uv.lock)
    stamp=.venv/synced-$group
    mkdir -p .venv
    exec 9>.venv/lock
    flock 9
    if [ "$(cat "$stamp" 2>/dev/null)" != "$lock" ]; then
        say "Setting up .venv ($group) ..."
        [ -x .venv/bin/python ] || "$(python_of_this_machine)" -m venv .venv
        sync_from_lock "$group"
        printf '%s\n' "$lock" >"$stamp"
    fi
    exec 9>&-
}

sync_from_lock() {
    local uv=uv
    if ! command -v uv >/dev/null; then
        uv=.venv/bin/uv
        [ -x "$uv" ] || .venv/bin/python -m pip install --quiet --disable-pip-version-check uv
    fi
    local only=()
    [ "$1" = dev ] || only=(--no-dev)
    "$uv" sync --quiet --frozen --inexact "${only[@]}"
}

# Sourced by the commands beside it. Works in the checkout's root and makes a private virtual
# environment in .venv from the lock file: with uv where a recent one is, else with what Python
# ships. Safe to run twice and at once, and after a run that failed; a second time it fetches nothing.

set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.."

export UV_PYTHON_DOWNLOADS=never
export UV_PROJECT_ENVIRONMENT="$PWD/.venv"
unset VIRTUAL_ENV

say() { printf '%s\n' "$*" >&2; }

give_up() {
    printf '%s\n' "$@" >&2
    exit 1
}

# set_up GROUP: GROUP is "main" (what the product needs) or "dev" (and what its tests need).
set_up() {
    local group=$1 lock stamp
    lock=$(cksum <uv.lock)
    stamp=.venv/synced-$group
    hold_lock
    if [ "$(cat "$stamp" 2>/dev/null)" != "$lock" ]; then
        say "Setting up .venv ($group) ..."
        sync_from_lock "$group"
        printf '%s\n' "$lock" >"$stamp"
    fi
    release_lock
}

# One at a time writes into .venv.
hold_lock() {
    mkdir -p .venv
    exec 9>.venv/lock
    flock 9
}

release_lock() { exec 9>&-; }

sync_from_lock() {
    local uv=uv only=()
    if fits uv; then
        is_venv_with sys || make_venv_with_uv
    else
        uv=.venv/bin/uv
        fits "$uv" || install_uv
    fi
    [ "$1" = dev ] || only=(--no-dev)
    "$uv" sync --quiet --frozen --inexact "${only[@]}"
}

# Whether a uv is there and of a version that pyproject.toml accepts, which it says itself.
fits() { "$1" cache dir >/dev/null 2>&1; }

# Whether .venv is an environment of its own, not a mere link to Python, and has this module.
is_venv_with() {
    .venv/bin/python -c "import sys, $1; sys.exit(sys.prefix == sys.base_prefix)" 2>/dev/null
}

make_venv_with_uv() {
    local python
    python=$(python_of_this_machine)
    uv venv --quiet --allow-existing --python "$python" .venv
}

install_uv() {
    local version
    # A venv that was left half made, or that uv made, has no pip: then it is made over.
    is_venv_with pip || make_venv_with_python
    version=$(sed -n 's/^required-version = "\(.*\)"$/\1/p' pyproject.toml)
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "uv$version"
}

make_venv_with_python() {
    local python said
    python=$(python_of_this_machine)
    said=$("$python" -m venv .venv 2>&1) || give_up "$said" \
        "On Debian: apt-get install python3-venv. Or install uv: https://docs.astral.sh/uv/"
}

python_of_this_machine() {
    local python
    for python in python3.11 python3.12 python3.13 python3; do
        if "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' \
            2>/dev/null; then
            command -v "$python"
            return
        fi
    done
    give_up "Python 3.11, 3.12 or 3.13 is needed and none was found on the PATH."
}

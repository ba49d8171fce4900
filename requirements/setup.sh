#!/bin/sh
# Puts everything that welltimed needs into .venv: `make setup`, `make setup PYTHON=/path/to/python`.
# Takes nothing that is not pinned by hash, and no time when nothing has changed.
set -eu
cd "$(dirname "$0")/.."

stop() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

# --- a Python, headers and all ------------------------------------------------------------------

fits() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

python=${PYTHON:-}
if [ -n "$python" ]; then
    fits "$python" || stop "PYTHON=$python is not Python 3.11, 3.12 or 3.13; name one that is, as in: make setup PYTHON=/usr/bin/python3.12"
elif fits .venv/bin/python; then
    python=.venv/bin/python
else
    for name in python3 python3.13 python3.12 python3.11 python; do
        if fits "$name"; then
            python=$name
            break
        fi
    done
    [ -n "$python" ] || stop "there is no Python 3.11, 3.12 or 3.13 here; install one, or name it, as in: make setup PYTHON=/opt/python3.12/bin/python3"
fi

identity() {
    "$1" -c 'import sys; print(sys.version.split()[0], sys.base_prefix)' 2>/dev/null || true
}

# What the result depends on: where it is, which Python, which packages.
now=$(
    pwd
    identity "$python"
    cksum pyproject.toml requirements/setup.sh requirements/*.txt
)
stamp=.venv/.setup
if [ -x .venv/bin/welltimed ] && [ "$(cat "$stamp" 2>/dev/null || true)" = "$now" ]; then
    exit 0
fi

"$python" -c 'import ensurepip, venv' >/dev/null 2>&1 ||
    stop "$python has no venv module; install it (on Debian and Ubuntu the package python3-venv), or name another with PYTHON="

# The matcher, durable-rules, comes as C source.
compiler=${CC:-cc}
command -v "${compiler%% *}" >/dev/null 2>&1 ||
    stop "there is no C compiler ($compiler); install one (on Debian and Ubuntu: apt-get install build-essential)"
headers=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
[ -f "$headers/Python.h" ] ||
    stop "the headers of $python are missing ($headers/Python.h); install them (on Debian and Ubuntu the package python3-dev)"
printf '#include <Python.h>\nint main(void) { return 0; }\n' |
    $compiler -I"$headers" -x c -c -o /dev/null - 2>/dev/null ||
    stop "the C compiler ($compiler) cannot compile a small program; install its libraries (on Debian and Ubuntu: apt-get install build-essential)"

# --- the packages -------------------------------------------------------------------------------

# Programs in .venv name its Python by full path: another Python or another place needs a new one.
if [ "$(identity .venv/bin/python)" != "$(identity "$python")" ] ||
    [ "$(head -n 1 "$stamp" 2>/dev/null || pwd)" != "$(pwd)" ]; then
    base=$("$python" -c 'import sys; print(getattr(sys, "_base_executable", "") or sys.executable)')
    "$base" -m venv --clear .venv || stop "the environment .venv could not be made; see above"
fi
rm -f "$stamp"

pinned=$(sed -n 's/^uv==\([^ ]*\).*/\1/p' requirements/uv.txt)
case $(.venv/bin/uv --version 2>/dev/null || true) in
"uv $pinned" | "uv $pinned "*) ;;
*)
    printf 'setup: installing uv %s\n' "$pinned"
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
        --requirement requirements/uv.txt ||
        stop "uv could not be installed; see above: is the network there?"
    ;;
esac

printf 'setup: installing the packages into .venv\n'
set -- --quiet --python .venv/bin/python --build-constraints requirements/build.txt
.venv/bin/uv pip sync "$@" --require-hashes requirements/dev.txt ||
    stop "the packages could not be installed; see above: is the network there?"
.venv/bin/uv pip install "$@" --no-deps --editable . ||
    stop "welltimed itself could not be installed; see above"

printf '%s\n' "$now" >"$stamp"
printf 'setup: done; the program is .venv/bin/welltimed\n'

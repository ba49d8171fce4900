#!/bin/sh
# Sees that there is a Chromium for the browser tests, from the system's packages where it may.
set -u

found() {
    command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1
}

found && exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    printf 'chromium: installing it from the system'\''s packages\n'
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; } >/dev/null
    found && exit 0
fi
cat >&2 <<'END'
***********************************************************************************
* There is no Chromium, and it could not be installed: BROWSER TESTS ARE SKIPPED. *
* Install it (on Debian: apt-get install chromium), then run `make test` again.   *
***********************************************************************************
END

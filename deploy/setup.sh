#!/bin/sh
# Sets up everything that `make run`, `make lint` and `make test` need, and nothing twice:
#   deploy/setup.sh           the Python environment and the browser files
#   deploy/setup.sh promtool  the program that checks alert rules, where it can be had
#   deploy/setup.sh packages  the system packages that tests need (X11 tools, a browser), where they can be installed
set -eu
cd "$(dirname "$0")/.."
venv=.venv
lock=requirements/dev.txt

say() { printf '%s\n' "$*" >&2; }
fail() { say "$@"; exit 1; }

# apt_install PACKAGE… : true when they are installed afterwards
apt_install() {
    may_install || return 1
    say "Installing $*"
    # shellcheck disable=SC2086
    $as_root apt-get update -qq && apt_get_install "$@"
}

may_install() {
    command -v apt-get >/dev/null || return 1
    if [ "$(id -u)" = 0 ]; then as_root=env; elif sudo -n true 2>/dev/null; then as_root="sudo -n"; else return 1; fi
}

apt_get_install() {
    # shellcheck disable=SC2086
    $as_root DEBIAN_FRONTEND=noninteractive apt-get install -yqq --no-install-recommends "$@" >/dev/null
}

# A python that is 3.11 or newer; a name may exist and yet not run (shims).
find_python() {
    for name in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    fail "Daybook needs Python 3.11 or newer, and none was found. Install one, or name it: make PYTHON=/path/to/python3"
}

make_venv() {
    "$venv/bin/python" -c 'import pip' 2>/dev/null && return
    python=$(find_python)
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
        apt_install "$package" || apt_install python3-venv ||
            fail "$python cannot make virtual environments. Install $package (or python3-venv) as root, then try again."
    fi
    say "Making $venv with $python"
    "$python" -m venv --clear "$venv"
}

# uv does not read pip's settings, nor the system's certificates unless told; a machine with a mirror usually has set pip's.
use_pip_settings() {
    pip_setting() { "$venv/bin/python" -m pip config get "global.$1" 2>/dev/null || true; }
    export UV_INDEX_STRATEGY=unsafe-best-match # as pip does; every file is checked against its hash anyway
    : "${UV_DEFAULT_INDEX:=${PIP_INDEX_URL:-$(pip_setting index-url)}}"
    : "${UV_INDEX:=$(echo "${PIP_EXTRA_INDEX_URL:-$(pip_setting extra-index-url)}" | xargs)}"
    : "${UV_FIND_LINKS:=$(echo "${PIP_FIND_LINKS:-$(pip_setting find-links)}" | xargs | tr ' ' ',')}"
    for name in UV_DEFAULT_INDEX UV_INDEX UV_FIND_LINKS; do
        eval "value=\$$name"
        # shellcheck disable=SC2154
        if [ -n "$value" ]; then export "${name?}"; else unset "$name"; fi
    done
}

install_dependencies() {
    cmp -s "$lock" "$venv/installed.txt" && return
    if ! [ -x "$venv/bin/uv" ]; then
        # the locked uv, hashes and all
        awk '/^uv==/ { found = 1 } found { print } found && !/\\$/ { exit }' "$lock" >"$venv/uv.txt"
        "$venv/bin/python" -m pip install --quiet --require-hashes --no-deps -r "$venv/uv.txt"
    fi
    use_pip_settings
    say "Installing Python packages"
    VIRTUAL_ENV=$venv "$venv/bin/uv" --system-certs pip sync --quiet --require-hashes "$lock"
    # once now, instead of by whatever is started first
    "$venv/bin/python" -m deploy.local.nursery || true
    cp "$lock" "$venv/installed.txt"
}

# The MongoDB binary of the wheel needs libcurl, which a small system may lack.
libraries() {
    mongod=$(echo "$venv"/lib/python3.*/site-packages/fiftyone/db/bin/mongod)
    if [ -z "${DAYBOOK_MONGO_URL:-}" ] && [ -f "$mongod" ] && command -v ldd >/dev/null; then
        missing=$(ldd "$mongod" | awk '/not found/ { print $1 }' | xargs)
        if [ -n "$missing" ]; then
            apt_install libcurl4 || apt_install libcurl4t64 ||
                fail "MongoDB needs $missing: install libcurl4 as root, or set DAYBOOK_MONGO_URL to a server of yours."
        fi
    fi
}

# need COMMAND PACKAGE: adds the package to $wanted where the command is missing
need() { command -v "$1" >/dev/null || wanted="$wanted $2"; }

# Only the program: Debian's package would start a Prometheus server on this machine.
fetch_promtool() {
    if command -v promtool >/dev/null || [ -x "$venv/bin/promtool" ] || ! command -v apt-get >/dev/null; then return 0; fi
    folder=$(mktemp -d)
    say "Fetching promtool"
    (cd "$folder" && apt-get download -qq prometheus && dpkg-deb -x prometheus_*.deb .) >/dev/null 2>&1 &&
        cp "$folder/usr/bin/promtool" "$venv/bin/promtool" ||
        say "promtool could not be had: \`make manifests\` will say that the alert rules were not checked."
    rm -rf "$folder"
}

# A browser that tests can drive costs a quarter of the CPU without its windows. Only where its package is of the very
# version that is installed: nobody's browser is exchanged for this.
browser_shell() {
    command -v chromium-headless-shell >/dev/null && return
    version=$(dpkg-query -W -f '${Version}' chromium 2>/dev/null) || return 0
    if apt-cache show "chromium-headless-shell=$version" >/dev/null 2>&1 && may_install; then
        say "Installing chromium-headless-shell"
        apt_get_install --no-remove "chromium-headless-shell=$version" 2>/dev/null || say "Tests do with chromium itself."
    fi
}

packages() {
    wanted=""
    need Xvfb xvfb
    need xdotool xdotool
    need openbox openbox
    need xprop x11-utils
    need xterm xterm
    command -v google-chrome >/dev/null || command -v chromium-browser >/dev/null || need chromium chromium
    "$venv/bin/python" -c 'import tkinter' 2>/dev/null || wanted="$wanted python3-tk"
    # shellcheck disable=SC2086
    if [ -n "$wanted" ] && ! apt_install $wanted; then
        say "Tests that drive a desktop or a browser are skipped or fail: these packages are missing and could not be" \
            "installed here:$wanted. Install them as root (names are Debian's)."
    fi
}

case "${1:-}" in
    promtool) fetch_promtool ;;
    packages) packages; browser_shell; fetch_promtool ;;
    *)
        make_venv
        install_dependencies
        libraries
        deploy/vendor.sh
        ;;
esac

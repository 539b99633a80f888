#!/bin/sh
# Puts what diary's pages take from npm into services/diary/static/vendor; nothing when it is up to date.
set -eu
cd "$(dirname "$0")/../services/diary"
if ! [ -f package-lock.json ] || cmp -s package-lock.json static/vendor/installed.json; then exit 0; fi

command -v npm >/dev/null || PATH="$(cd ../.. && pwd)/.venv/bin:$PATH" # from the nodejs wheel
echo "Installing browser files" >&2
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
mkdir -p static/vendor
cp node_modules/htmx.org/dist/htmx.min.js static/vendor/htmx.js
cp node_modules/htmx-ext-sse/dist/sse.js static/vendor/sse.js
cp package-lock.json static/vendor/installed.json

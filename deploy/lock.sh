#!/bin/sh
# Compiles each deployable's dependencies into requirements/<deployable>.txt: pinned by hash, free of index addresses.
set -eu
cd "$(dirname "$0")/.."
uv=.venv/bin/uv
lock() {
    name=$1; shift
    "$uv" --system-certs pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
        --python-version 3.11 --override requirements/overrides.txt --custom-compile-command "make lock" \
        -o "requirements/$name.txt" "$@"
}
wire="services/wire/pyproject.toml --extra events"
# shellcheck disable=SC2086
for service in ingest media scoring licensing diary; do
    lock "$service" $wire services/kit/pyproject.toml "services/$service/pyproject.toml"
done
lock agent services/wire/pyproject.toml agent/pyproject.toml
# shellcheck disable=SC2086
lock dev --group dev $wire services/*/pyproject.toml agent/pyproject.toml deploy/local/pyproject.toml

#!/bin/sh
# Collects the texts of services/ and agent/ into the catalogues of every language (decision 0016), and compiles these.
# Then translate what is empty in services/wire/locale/*/LC_MESSAGES/daybook.po, and run it again.
# A new language: deploy/languages.sh fr, and its line in services/wire/language.py.
set -eu
cd "$(dirname "$0")/.."
locale=services/wire/locale
babel=.venv/bin/pybabel
template=$(mktemp)
trap 'rm -f "$template"' EXIT

"$babel" --quiet extract --mapping "$locale/babel.toml" --no-location --sort-output \
    --project Daybook --version 1 --output "$template" services agent
if [ $# -gt 0 ]; then
    "$babel" --quiet init --input-file "$template" --output-dir "$locale" --domain daybook --locale "$1"
fi
"$babel" --quiet update --input-file "$template" --output-dir "$locale" --domain daybook --no-fuzzy-matching \
    --ignore-obsolete --width 120
for catalogue in "$locale"/*/LC_MESSAGES/daybook.po; do # Babel writes people's names that there are none of
    grep -v '^"\(Report-Msgid-Bugs-To\|Last-Translator\|Language-Team\)' "$catalogue" >"$template"
    cp "$template" "$catalogue"
done
"$babel" --quiet compile --directory "$locale" --domain daybook --statistics

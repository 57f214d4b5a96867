#!/usr/bin/env bash
# Collects the sentences of each app of the office into its catalogue (new ones without a translation) and
# compiles the catalogues.
#   tools/translations.sh          both
#   tools/translations.sh compile  only compile
set -euo pipefail
cd "$(dirname "$0")/.."
export PYTHONPATH=$PWD
babel=.venv/bin/pybabel
template=$(mktemp)
trap 'rm -f "$template"' EXIT
# readers never see a catalogue that is half written
compiled() {
    "$babel" -q compile -i "$1" -o "${1%.po}.mo.$$" 2>/dev/null && mv "${1%.po}.mo.$$" "${1%.po}.mo"
}
for app in src/minewatch/office/*/; do
    [ -f "$app/apps.py" ] || continue
    catalogue="$app/locale/zh_Hans/LC_MESSAGES/django.po"
    if [ "${1:-}" != compile ]; then
        "$babel" -q extract -F tools/babel.cfg -k gettext_lazy -k _ -k ngettext:1,2 -k pgettext:1c,2 --no-location \
            --sort-output -o "$template" "$app"
        grep -q '^msgid "..*"' "$template" || continue
        if [ -f "$catalogue" ]; then
            "$babel" -q update -i "$template" -o "$catalogue" -l zh_Hans --ignore-obsolete --no-fuzzy-matching \
                --ignore-pot-creation-date --no-wrap
        else
            mkdir -p "$(dirname "$catalogue")"
            "$babel" -q init -i "$template" -o "$catalogue" -l zh_Hans --no-wrap
        fi
    fi
    [ ! -f "$catalogue" ] || compiled "$catalogue"
done

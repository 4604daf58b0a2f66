#!/usr/bin/env bash
# The pictures of docs/cases/two-functions.md are what its commands draw.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
page=$here/../../docs/cases/two-functions.md
commands=$(grep -E '^    pv (synth|bisect) .*d48.gguf' "$page")
same "$(grep -c -- --svg <<<"$commands")" 2 'commands that draw'
while read -r _ line; do
  # shellcheck disable=SC2086
  run "$pv" $line
  if [ "$code" -le 1 ]; then ok; else bad "$call: exit $code: $err"; fi
done <<<"$commands"
for file in "${page%.md}"/*/*.svg; do
  if cmp -s "$file" "docs/cases/two-functions/${file#"${page%.md}"/}"; then ok; else bad "$file is not what is drawn"; fi
done
same "$(find docs -name '*.svg' | wc -l)" "$(find "${page%.md}" -name '*.svg' | wc -l)" 'number of pictures'
finish

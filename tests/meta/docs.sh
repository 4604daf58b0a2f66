#!/usr/bin/env bash
# What the documents name is there: files, tests, rules, commands, and the example contract is a
# contract. $1 is pv. Then the same checks over planted faults.
set -u
pv=$1
passed=0
failed=0
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# expect NAME TEXT: what the last check printed is TEXT, or nothing.
expect() {
  if { [ -z "$2" ] && [ -z "$output" ]; } || { [ -n "$2" ] && grep -qF -- "$2" <<<"$output"; }; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf '%s: want "%s", got:\n%s\n' "$1" "$2" "$output"
  fi
}

# Relative links of markdown files that lead nowhere.
dead_links() {
  local file target
  for file in "$@"; do
    grep -oE '\]\([^)# ]+' "$file" | sed 's/^](//' | grep -vE '^[a-z]+:' |
      while IFS= read -r target; do
        [ -e "$(dirname "$file")/$target" ] || printf '%s: %s\n' "$file" "$target"
      done
  done
}

# Words in backquotes that look like a path of this repository, a test or a rule, and are none.
dead_names() {
  local word
  grep -ohE '`[^` ]+`' "$@" | tr -d '`' | sort -u | while IFS= read -r word; do
    case $word in
      *'<'* | *'*'* | reports/runs* | reports/published* | NAME*) ;;
      runtime/* | validator/* | kernels/* | tests/* | docs/* | models/* | contracts/* | cmake/*)
        [ -e "$word" ] || printf 'no such file: %s\n' "$word"
        ;;
      test_*.c | fuzz_*.c) [ -n "$(git ls-files "tests/**/$word")" ] || printf 'no such test: %s\n' "$word" ;;
      test_*) grep -rqE "(static void $word\(|NAME $word\b|pv_test\($word )" tests || printf 'no such test: %s\n' "$word" ;;
    esac
  done
  grep -ohE '\bPV0[0-9]{2}\b' "$@" | sort -u | while IFS= read -r word; do
    grep -qF "\"$word\"" validator/rules/catalog.c || printf 'no such rule: %s\n' "$word"
  done
}

# Commands of pv in indented or fenced lines that its help does not list.
dead_commands() {
  local word
  grep -ohE '^( {4}|\$ )?(build-release/bin/)?pv [a-z]+' "$@" | grep -oE '[a-z]+$' | sort -u |
    while IFS= read -r word; do
      "$pv" --help | grep -qE "^  $word " || printf 'no such command: pv %s\n' "$word"
    done
}

# Rows "| `file` | ... | `SHA-256` |" of a markdown file whose file is another one.
wrong_digests() {
  local name digest
  sed -nE 's/^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$/\1 \2/p' "$1" | while read -r name digest; do
    [ "$(sha256sum "models/$name" 2>/dev/null | cut -c1-64)" = "$digest" ] ||
      printf 'another file: %s\n' "$name"
  done
}

# The first YAML block of a markdown file, linted under its own name.
lint_example() {
  awk '/^```yaml/ { on = 1; next } /^```/ { on = 0 } on' "$1" >"$folder/example"
  local name
  name=$(sed -n 's/^  name: //p' "$folder/example" | head -1)
  mv "$folder/example" "$folder/$name.yaml"
  "$pv" lint "$folder/$name.yaml" 2>&1 | grep -v '0 errors, 0 warnings'
}

mapfile -d '' -t pages < <(git ls-files -z -- '*.md' ':!reports/published' ':!tests')
[ "${#pages[@]}" -ge 5 ] && output= || output='too few pages'
expect 'pages are looked at' ''
output=$(dead_links "${pages[@]}")
expect 'links' ''
output=$(dead_names "${pages[@]}")
expect 'names' ''
output=$(dead_commands "${pages[@]}")
expect 'commands' ''
output=$(wrong_digests models/README.md)
expect 'digests' ''
output=$(grep -cE '`[0-9a-f]{64}`' models/README.md)
expect 'digests are looked at' 2
output=$(lint_example docs/contract-format.md)
expect 'the example is a contract' ''
output=$("$pv" lint contracts 2>&1 | grep -v '0 errors, 0 warnings')
expect 'the contracts are sound' ''

page=$folder/page.md
printf '[a](no-such-page.md) [b](https://example.org/x)\n' >"$page"
output=$(dead_links "$page")
expect 'a dead link is found' 'no-such-page.md'
printf '`tests/unit/nothing.c` `test_of_nothing` PV099\n' >"$page"
output=$(dead_names "$page")
expect 'a dead path is found' 'no such file: tests/unit/nothing.c'
expect 'a dead test is found' 'no such test: test_of_nothing'
expect 'a dead rule is found' 'no such rule: PV099'
printf '    pv prove everything\n' >"$page"
output=$(dead_commands "$page")
expect 'a dead command is found' 'no such command: pv prove'
sed -E 's/`[0-9a-f]{64}`/`0000000000000000000000000000000000000000000000000000000000000000`/' \
  models/README.md >"$page"
output=$(wrong_digests "$page")
expect 'a wrong digest is found' 'another file: tiny-coder-moe.reference'
sed 's/router.topk_rule/router.topk_rules/' docs/contract-format.md >"$page"
output=$(lint_example "$page")
expect 'a wrong example is found' 'PV027'

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

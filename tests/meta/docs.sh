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
      *'<'* | *'*'* | reports/runs* | reports/published* | NAME* | */NAME.*) ;;
      base/* | runtime/* | validator/* | kernels/* | tests/* | docs/* | models/* | contracts/* | cmake/*)
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

# The real parameters of each check with their defaults: "CHECK PARAMETER DEFAULT".
real_parameters() {
  awk -F '|' '/^## / { check = substr($0, 4) }
    $3 ~ /^ number,/ { gsub(/[` ]/, "", $2); gsub(/[` ]/, "", $4); print check, $2, $4 }' docs/checks.md
}

# Every tolerance of the contracts: "CONTRACT FALSIFIER PARAMETER: VALUE", or "computed" where the
# check has its own bound.
contract_gates() {
  local file id text check of parameter default value
  for file in contracts/*.yaml; do
    sed -nE 's/^  - id: (F_[A-Z0-9_]+)$/\1/p' "$file" | while read -r id; do
      text=$("$pv" explain "$id")
      check=$(sed -nE '1s/.* bound to the check //p' <<<"$text")
      real_parameters | while read -r of parameter default; do
        [ "$of" = "$check" ] || continue
        [ "$parameter" != least_margin ] || continue # says where is compared, not how near
        value=$(awk -v p="$parameter" '$1 == p { print $2 }' <<<"$text")
        printf '%s %s %s: %s\n' "$(basename "$file" .yaml)" "$id" "$parameter" "${value:-$default}"
      done
      case $check in
        gemv.bound | types.dispatch | quant.blocks | router.topk_rule)
          printf '%s %s computed\n' "$(basename "$file" .yaml)" "$id"
          ;;
      esac
    done
  done | sort
}

# Gates that a page's table lacks, has otherwise or without an origin, and rows of no gate. $2:
# contract_gates.
wrong_gates() {
  diff <(sed -nE 's/^\| `([a-z0-9-]+)` \| `(F_[A-Z0-9_]+)` \| `([^`]+)` \| (noise|bound|asked for|use) \|.*/\1 \2 \3/p' "$1" | sort) - <<<"$2" |
    sed -nE 's/^< /no such gate: /p; s/^> /not in the table: /p'
}

# Falsifiers with a tolerance (lines of contract_gates) of whose criteria none names its number, as it
# stands or as its distance from 1; a criterion that refers to others by number names theirs.
silent_claims() {
  local file id parameter value claims words near
  while read -r file id parameter value; do
    case $parameter in tolerance: | min_cosine: | max_ulp: | min_tokens_per_s: | max_fraction:) ;; *) continue ;; esac
    claims=$("$pv" explain "$id" | sed -nE 's/^  judges +//p')
    words=$(for claim in $claims; do "$pv" explain "$claim" | sed -n 1p; done)
    near=$(awk -v v="$value" 'BEGIN { printf "%.0e", 1 - v }' | sed 's/e-0/e-/')
    [ "$parameter" = max_fraction: ] && near=$(awk -v v="$value" 'BEGIN { print v * 100 " %" }')
    grep -qE '\b00[1-9], ' <<<"$words" || grep -qF -- "$value" <<<"$words" ||
      grep -qF -- "$near" <<<"$words" || printf '%s %s: %s %s is not in: %s\n' "$file" "$id" "$parameter" "$value" "$words"
  done <<<"$1"
}

# The first YAML block of a markdown file, linted under its own name.
lint_example() {
  awk '/^```yaml/ { on = 1; next } /^```/ { on = 0 } on' "$1" >"$folder/example"
  local name
  name=$(sed -n 's/^  name: //p' "$folder/example" | head -1)
  mv "$folder/example" "$folder/$name.yaml"
  "$pv" lint "$folder/$name.yaml" 2>&1 | grep -v '0 errors, 0 warnings'
}

# Lines with "carried" or "carries", a word for "supported by the evidence" that readers did not
# know: in what documents say and programs print. The member of evidence.json keeps its name.
unknown_words() {
  sed 's/`status_carried`//g' "$@" | grep -E '\b[Cc]arr(y|ied|ies)\b' | cut -c1-120
}

# What is printed: strings of the sources, without the names of members.
printed_words() {
  git ls-files -z -- 'validator/*.c' 'reports/render/*.c' 'runtime/checks/*.c' |
    xargs -0 grep -hoE '"([^"\\]|\\.)*"' | grep -E '[Cc]arr(y|ied|ies)\b' |
    grep -vxE '"(status_carried|carried|carried_status)"'
}

# Rooms that a page does not name.
unnamed_rooms() {
  git ls-files -- '*/CMakeLists.txt' ':!tests' | sed 's|/CMakeLists.txt||' | while IFS= read -r room; do
    grep -qF "\`$room\`" "$1" || printf 'not named: %s\n' "$room"
  done
}

mapfile -d '' -t pages < <(git ls-files -z -- '*.md' 'contracts/*.yaml' ':!reports/published' ':!tests')
[ "${#pages[@]}" -ge 5 ] && output= || output='too few pages'
expect 'pages are looked at' ''
output=$(dead_links "${pages[@]}")
expect 'links' ''
output=$(dead_names "${pages[@]}")
expect 'names' ''
output=$(unnamed_rooms docs/architecture.md)
expect 'rooms' ''
output=$(unnamed_rooms docs/numerics.md | wc -l)
[ "$output" -gt 20 ] && output= || output="only $output rooms are not in a page about something else"
expect 'rooms are looked at' ''
output=$(dead_commands "${pages[@]}")
expect 'commands' ''
output=$(wrong_digests models/README.md)
expect 'digests' ''
output=$(grep -cE '`[0-9a-f]{64}`' models/README.md)
expect 'digests are looked at' 2
mapfile -d '' -t spoken < <(git ls-files -z -- '*.md' 'contracts/*.yaml' ':!reports/published' ':!CHANGELOG.md' ':!tests/fuzz')
[ "${#spoken[@]}" -ge 20 ] && output= || output='too few documents'
expect 'documents are looked at' ''
output=$(unknown_words "${spoken[@]}")
expect 'words of documents' ''
output=$(printed_words)
expect 'words that are printed' ''
gates=$(contract_gates)
[ "$(grep -c . <<<"$gates")" -ge 20 ] && output= || output='too few gates'
expect 'gates are looked at' ''
output=$(wrong_gates docs/numerics.md "$gates")
expect 'gates' ''
output=$(silent_claims "$gates")
expect 'claims name their gates' ''
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
printf 'a status is Carried, see `status_carried`\n' >"$page"
output=$(unknown_words "$page")
expect 'an unknown word is found' 'a status is Carried'
printf '    pv prove everything\n' >"$page"
output=$(dead_commands "$page")
expect 'a dead command is found' 'no such command: pv prove'
sed -E 's/`[0-9a-f]{64}`/`0000000000000000000000000000000000000000000000000000000000000000`/' \
  models/README.md >"$page"
output=$(wrong_digests "$page")
expect 'a wrong digest is found' 'another file: tiny-coder-moe.reference'
sed 's/`F_DISPATCH_F64` | `tolerance: 1e-11`/`F_DISPATCH_F64` | `tolerance: 1e-10`/' docs/numerics.md >"$page"
output=$(wrong_gates "$page" "$gates")
expect 'another number is found' 'no such gate: moe-expert-dispatch-v1 F_DISPATCH_F64 tolerance: 1e-10'
expect 'another number is missed' 'not in the table: moe-expert-dispatch-v1 F_DISPATCH_F64 tolerance: 1e-11'
sed 's/`max_ulp: 4` | bound/`max_ulp: 4` | habit/' docs/numerics.md >"$page"
output=$(wrong_gates "$page" "$gates")
expect 'a gate without an origin is found' 'not in the table: swiglu-kernel-v1 F_SWIGLU_ULP max_ulp: 4'
output=$(silent_claims "$(sed 's/min_cosine: 0.99$/min_cosine: 0.98/' <<<"$gates")")
expect 'a claim beside another gate is found' 'qwen3-moe-forward-v1 F_FWD_REFERENCE: min_cosine: 0.98 is not in:'
grep -v '`F_Q6K_BLOCKS`' docs/numerics.md >"$page"
output=$(wrong_gates "$page" "$gates")
expect 'a missing gate is found' 'not in the table: q6k-gemv-v1 F_Q6K_BLOCKS computed'
sed 's/router.topk_rule/router.topk_rules/' docs/contract-format.md >"$page"
output=$(lint_example "$page")
expect 'a wrong example is found' 'PV027'

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

#!/usr/bin/env bash
# docs/report.png, the picture of a report in the README, is of the present state. docs/report.txt says
# what it was made of; without an argument that is compared with what is here. `picture.sh renew PV
# [CONTRACT]` (`./dev picture`) runs the contract, photographs its report with the browser that
# tests/render looks at reports with, and writes both anew.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
golden=tests/unit/reports/golden
record=docs/report.txt
picture=docs/report.png

digest() { sha256sum | cut -c1-64; }

# What the renderer makes of fixed results: test_reports_golden holds these files to the program.
renderer() { cat "$golden"/*.html "$golden"/*.svg | digest; }
version() { sed -nE '/^metadata:/,/^[a-z]/ s/^  version: "([^"]+)"$/\1/p' "$1"; }
word() { sed -n "s/^$2 //p" "$1"; }

# Lines of a record ($1) that the picture ($2) and the tree do not bear out.
outdated() {
  local contract
  contract=$(word "$1" contract)
  [ "$(word "$1" renderer)" = "$(renderer)" ] || echo 'the renderer draws another page now'
  [ "$(word "$1" picture)" = "$(digest <"$2")" ] || echo 'the picture is another file'
  if [ ! -f "$contract" ]; then
    echo "the contract is not there: $contract"
  elif [ "$(word "$1" version)" != "$(version "$contract")" ]; then
    echo "$contract has another version now"
  fi
}

renew() {
  local pv=$1 contract=${2:-contracts/qwen3-moe-forward-gpu-v1.yaml} report
  "$pv" validate "$contract" --out "$folder/runs" >"$folder/said" || {
    cat "$folder/said"
    echo "the picture would show a contract that is not verified: $contract" >&2
    return 1
  }
  report=$(find "$folder/runs" -name report.html)
  python3 tests/render/browser.py picture "$report" "$folder/report.png" || return
  mv "$folder/report.png" "$picture"
  printf '%s\n' "contract $contract" "version $(version "$contract")" "renderer $(renderer)" \
    "picture $(digest <"$picture")" >"$record"
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ "${1:-}" = renew ]; then
  renew "${@:2}"
  exit
fi

passed=0
failed=0
# expect NAME TEXT: what the last look found is TEXT.
expect() {
  if [ "$output" = "$2" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf '%s: want "%s", got:\n%s\n' "$1" "$2" "$output"
  fi
}
output=$(outdated "$record" "$picture")
expect 'the picture is of the present state (else: ./dev picture)' ''
sed 's/^renderer ./&0/' "$record" >"$folder/record"
output=$(outdated "$folder/record" "$picture")
expect 'another renderer is found' 'the renderer draws another page now'
output=$(outdated "$record" README.md)
expect 'another picture is found' 'the picture is another file'
sed 's/^version .*/version 0.0.1/' "$record" >"$folder/record"
output=$(outdated "$folder/record" "$picture")
expect 'another version is found' "$(word "$record" contract) has another version now"
sed 's/^contract .*/contract contracts\/nothing.yaml/' "$record" >"$folder/record"
output=$(outdated "$folder/record" "$picture")
expect 'another contract is found' 'the contract is not there: contracts/nothing.yaml'
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

# shellcheck shell=bash disable=SC2034
# Helpers for the tests of the program `pv`; sourced. $1 is pv, $2 the fake probe.
set -u
pv=$1
fake=$2
passed=0
failed=0
began=$(pwd)
work=$(mktemp -d)
trap 'cd "$began"; rm -rf "$work"' EXIT
export LC_ALL=C.UTF-8 ASAN_OPTIONS=${ASAN_OPTIONS:-handle_segv=0:handle_abort=0}
unset CI
mkdir -p "$work/contracts" "$work/models"
printf 'a model' >"$work/models/tiny-coder-moe-Q4_K_M.gguf"
printf 'a reference' >"$work/models/tiny-coder-moe.reference"
cd "$work" || exit 1
# repository DIR: evidence is published in one with a commit, and nothing above it is looked at.
repository() {
  git init -q "$1" &&
    git -C "$1" -c user.name=t -c user.email=t@example.org commit -q --allow-empty -m t
}
repository "$work" || exit 1

ok() { passed=$((passed + 1)); }
bad() {
  failed=$((failed + 1))
  printf 'FAILED %s\n' "$*"
}

# run COMMAND...: sets code, out, err.
run() {
  "$@" >"$work/.out" 2>"$work/.err"
  code=$?
  out=$(cat "$work/.out")
  err=$(cat "$work/.err")
  call=$*
}
validate() { run "$pv" validate --probe "$fake" "$@"; }

exits() { if [ "$code" -eq "$1" ]; then ok; else bad "$call: exit $code, want $1: $out $err"; fi; }
# Lines may be folded anywhere.
says() { if tr -s ' \n' ' ' <<<"$out" | grep -qF -- "$1"; then ok; else bad "$call: no '$1' in: $out"; fi; }
warns() { if grep -qF -- "$1" <<<"$err"; then ok; else bad "$call: no '$1' in: $err"; fi; }
silent() { if ! grep -qF -- "$1" <<<"$out$err"; then ok; else bad "$call: '$1' in: $out $err"; fi; }
same() { if [ "$1" = "$2" ]; then ok; else bad "$3: got '$1', want '$2'"; fi; }
# One field of the JSON on standard output, by a jq-like Python expression over `d`.
field() {
  same "$(python3 -c "import json,sys; d=json.load(sys.stdin); print($1)" <<<"$out" 2>&1)" "$2" "$1"
}

# against SCHEMA FILE...: held against a schema of tests/schemas, or json for those of pv's own, by the
# Python that has Debian's python3-jsonschema.
against() {
  local schema=$1 at=$here/../schemas
  shift
  if [ -z "${python:-}" ]; then
    python=python3
    "$python" -c 'import jsonschema, yaml' 2>/dev/null || python=/usr/bin/python3
  fi
  [ "$schema" = json ] || schema=$at/$schema
  run "$python" "$at/check.py" "$schema" "$@"
}

# no_digests FOLDER: of a trace, so that its numbers may be changed.
no_digests() {
  python3 - "$1/manifest.json" <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
for t in d['tensors']: del t['sha256']
json.dump(d, open(sys.argv[1], 'w'))
PY
}

# contract NAME STATUS "FALSIFIER CHECK RUNG"...: one criterion AC_n for each falsifier.
contract() {
  local name=$1 status=$2 number=0 line criteria='' falsifiers='' limit
  shift 2
  for line in "$@"; do
    # shellcheck disable=SC2086
    set -- $line
    number=$((number + 1))
    # Short only for those that are to run into it: this machine may be busy.
    case $1 in *HANG*) limit=1 ;; *) limit=100 ;; esac
    criteria+="
  - id: AC_$number
    property: Claim $number
    formal: a = b
    needed_for: $3"
    falsifiers+="
  - id: $1
    rule: r
    prediction: p
    criteria: [AC_$number]
    check: $2
    timeout_s: $limit
    if_fails: look"
  done
  cat >"contracts/$name.yaml" <<YAML
# A comment that stays.
schema: pv/contract/v1

metadata:
  name: $name
  version: "1.0.0"
  kind: kernel
  status: $status # pv moves it
  created: "2026-11-20"
  author: The pv authors
  description: Made by a test.
  amendment_history:
    - version: "1.0.0"
      date: "2026-11-20"
      kind: created
      title: First version

acceptance_criteria:$criteria

falsification_tests:$falsifiers
YAML
}

finish() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

#!/usr/bin/env bash
# What is run again after a change (tests/keys.sh). A change is planted in the list of the tree, of what
# was built or of what passed, over the real build: $1, below the root.
set -u
build=${1#"$PWD/"}
passed=0
failed=0
ok() { passed=$((passed + 1)); }
bad() {
  failed=$((failed + 1))
  printf 'FAILED %s\n' "$*"
}
sources() { git ls-files -z --cached --others --exclude-standard -- "$@"; }
die() {
  bad "$*"
  exit 1
}
source tests/keys.sh
passed_keys=$(mktemp)
keys_begin 0
keys_entries "$build" '' >"$keys/before"
cp "$keys/tree" "$keys/tree.before"
cp "$keys/built" "$keys/built.before"

# planted LIST PATH: another digest, or a new file of that name; sets `again`, the entries with a
# changed key or none now.
planted() {
  cp "$keys/tree.before" "$keys/tree"
  cp "$keys/built.before" "$keys/built"
  awk -v path="$2" '$NF == path { $1 = "planted"; found = 1 } { print }
    END { if (!found) print "planted 644 " path }' "$keys/$1.before" >"$keys/$1"
  what=$2
  again=$(keys_derive "$build" '' | awk 'NR == FNR { now[$2] = $1; next }
    now[$2] != $1 { print $2 }' - "$keys/before")
}
runs() { for name in "$@"; do if grep -qxF "$name" <<<"$again"; then ok; else bad "$what: $name is not run again"; fi; done; }
rests() { for name in "$@"; do if ! grep -qxF "$name" <<<"$again"; then ok; else bad "$what: $name is run again"; fi; done; }
# labelled REGEX: entries with a label that matches; without, those of a sanitizer's tier.
entries() { ctest --test-dir "$build" -N "$@" | sed -n 's/^ *Test *#[0-9]*: *//p'; }

mapfile -t all < <(entries)
same=$(cut -d ' ' -f 2 "$keys/before" | sort | diff - <(printf '%s\n' "${all[@]}" | sort))
if [ -z "$same" ]; then ok; else bad "entries without a key: $same"; fi
spilled=$(grep -l '^# CMake' "$keys"/entries/*)
if [ -z "$spilled" ]; then ok; else bad "what CMake wrote of other folders is in the keys of: $spilled"; fi
mapfile -t threads < <(entries -L '^threads$')
mapfile -t targets < <(entries -R '^fuzz_')
# What a sanitizer runs of its own: a script over no program has the same key in each build.
mapfile -t sanitized < <(entries -LE '^(slow|long|gpu|once)$' | while read -r name; do
  if grep -qE '^[0-9a-f]{64} bin/' "$keys/entries/$name"; then echo "$name"; fi
done)
if [ ${#threads[@]} -gt 0 ] && [ ${#targets[@]} -gt 0 ] && [ ${#sanitized[@]} -gt 60 ]; then ok; else bad 'too few entries'; fi

planted tree README.md
runs test_meta_docs test_gpu_parity
rests "${sanitized[@]}"
planted tree docs/checks.md
runs test_meta_docs test_cli_defaults test_checks_spec
rests test_cli_validate test_cli_bisect test_bisect "${threads[@]}" "${targets[@]}"
planted tree page_commands
runs test_meta_examples_quick
rests test_cli_validate test_bisect
planted tree tests/cli/diff.sh
runs test_cli_diff test_meta_docs
rests test_cli_validate test_bisect "${threads[@]}" "${targets[@]}"
planted tree tests/cli/lib.sh
runs test_cli_diff test_cli_validate
rests test_bisect "${threads[@]}" "${targets[@]}"
planted tree "$(git ls-files reports/published | head -n 1)"
runs test_cli_own_model test_cli_output test_meta_examples_quick
rests test_cli_bisect test_bisect test_forward_golden "${threads[@]}" "${targets[@]}"
planted tree contracts/moe-router-v1.yaml
runs test_cli_own_model test_rules test_fault_input
rests test_bisect test_forward_golden "${threads[@]}"
planted tree "$(git ls-files tests/fuzz/corpus/gguf | head -n 1)"
runs fuzz_gguf
rests fuzz_ptx test_gguf test_cli_validate
planted tree base/text.c # acts through programs, and these are the same
runs test_meta_house test_meta_digest test_cli_completion
rests test_base_text test_base_pool test_cli_validate
planted tree kernels/arith/arith.h # an argument
runs check-arith
for path in models/tiny-coder-moe-Q4_K_M.gguf tests/tiers.sh unheard/of; do
  planted tree "$path"
  runs "${all[@]}"
done
planted built bin/pv-probe
runs test_cli_validate test_cli_bisect test_negative_contracts
rests test_base_text "${threads[@]}"
planted built bin/test_yaml
runs test_yaml
rests test_base_text test_cli_validate
sed -i '/bin\/test_yaml$/d' "$keys/built"
if ! keys_derive "$build" '' | grep -q ' test_yaml$'; then ok; else bad 'a program that is not there has a key'; fi
cp "$keys/built.before" "$keys/built"
if [ "$(keys_derive "$build" 'other options' | sort | comm -12 - <(sort "$keys/before"))" = '' ]; then ok; else bad 'options are in no key'; fi

# The linter's: the settings, the file, and each header that it was compiled with.
keys_lint >"$keys/lint.before"
if [ "$(wc -l <"$keys/lint.before")" -gt 300 ]; then ok; else bad 'too few files are linted'; fi
for path in base/text.c base/text.h .clang-tidy tests/.clang-tidy; do
  if grep -qE "^$(sha256sum "$path" | cut -c1-64) .*$path$" "$keys/lint/base/text.c"; then ok; else bad "$path is not in the linter's key"; fi
done
if ! grep -qE '/(README.md|tests/cli|validator)' "$keys/lint/base/text.c"; then ok; else bad 'what text.c does not include is in its key'; fi

# What passed.
printf '%s\n' 'k1 a' 'k2 b' | keys_pass b c
if [ "$(printf '%s\n' 'k1 a' 'k2 b' | keys_new a b c)" = $'k1 a\n- c' ]; then ok; else bad 'keys_new'; fi
printf -- '- c\n' | keys_pass c
if [ "$(cat "$passed_keys")" = k2 ]; then ok; else bad 'what has no key passed'; fi
rm -f "$passed_keys"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

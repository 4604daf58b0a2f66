#!/usr/bin/env bash
# docs/tutorial.md, word by word in an empty folder: each block is run as it stands there, and what the page
# quotes behind it must be in what it prints. Then the step of the job that it ends with. $1 is pv.
set -u
pv=$(realpath "$1")
source tests/pages.sh
page=$PWD/docs/tutorial.md
passed=0
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin" "$work/empty"
# As it is installed: beside each other, and the contract about any model above them.
ln -s "$pv" "$work/bin/pv"
export PATH=$work/bin:$PATH LC_ALL=C.UTF-8
unset CI COLUMNS
cd "$work/empty" || exit 1

ok() { passed=$((passed + 1)); }
bad() {
  failed=$((failed + 1))
  printf 'FAILED %s\n' "$*"
}

follow_page "$page"
if [ "$page_blocks" -ge 12 ] && [ "$page_quotes" -ge 20 ]; then ok; else bad "only $page_blocks blocks and $page_quotes quotes"; fi

# The job: green as it is, red over a file that changed.
step=$(sed -n '/name: Verdict/,/run:/s/^ *run: //p' .github/workflows/verdict.yml)
if bash -e -o pipefail -c "$step" >"$work/said" 2>&1; then ok; else bad "the step is red: $(tail -3 "$work/said")"; fi
printf '\xff' | dd of=my.gguf bs=1 seek=700000 conv=notrunc status=none
if bash -e -o pipefail -c "$step" >"$work/said" 2>&1; then bad 'the step is green over a file that changed'; else ok; fi

# What is not there is found: a quote that nothing prints, a command that fails.
before=$failed
printf '%s\n' 'x' '' '    echo one' '' '> two' '' '    false' >"$work/page.md"
follow_page "$work/page.md" >"$work/expected"
if [ "$failed" -eq $((before + 2)) ]; then failed=$before && ok; else bad 'a wrong page is not found'; fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

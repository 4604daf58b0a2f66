#!/usr/bin/env bash
# pv validate for a CI: formats, files beside the reports, folders, the last run's name. SARIF, JUnit,
# JSON and the files for GitHub and GitLab are held against the schemas of others and of docs/schema.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
root=$(cd "$here/../.." && pwd)
rung=ACTIVE_ALGORITHM_LEVEL
plain=router.topk_rule

# fits SCHEMA FILE...: of tests/schemas, or json for docs/schema.
fits() {
  local schema=$1
  shift
  case $schema in
    *.xsd) run xmllint --noout --schema "$root/tests/schemas/$schema" "$@" ;;
    *) against "$schema" "$@" ;;
  esac
  exits 0
}
# lacks_fit SCHEMA FILE: what is broken is found.
lacks_fit() {
  local before=$failed
  fits "$@" >/dev/null
  if [ "$failed" -eq $((before + 1)) ]; then failed=$before && ok; else bad "$*: nothing is found"; fi
}

mkdir -p contracts/below/.hidden empty
contract good $rung "F_PASS_1 $plain PROPOSED" "F_PASS_2 $plain $rung"
contract falsified $rung "F_FAIL $plain $rung" "F_PASS $plain $rung"
contract below/open $rung "F_ERROR $plain $rung"
sed -i 's|name: below/|name: |' contracts/below/open.yaml
cp contracts/good.yaml contracts/below/.hidden/good.yaml
printf 'a: list\n' >contracts/other.yaml
printf 'schema: pv/kernel/v1\n' >contracts/kernel.yaml
printf 'schema: of somebody else\n' >contracts/else.yaml
printf '{{ no YAML }}: [\n' >contracts/template.yml
ln -s .. contracts/below/up

# A folder: all contracts in it, in the order of their paths, and one last line.
files=(--junit out.xml --sarif out.sarif --summary out.md)
validate contracts "${files[@]}"
exits 1
same "$(grep -E '^(good|falsified|open) 1' <<<"$out" | tr '\n' ' ')" 'open 1.0.0 falsified 1.0.0 good 1.0.0 ' 'the contracts'
same "$(tail -1 <<<"$out")" '3 contracts: 1 as claimed, 1 not as claimed, 1 not judged; exit code 1' 'the last line'
validate contracts/good.yaml
silent '1 contract:'
fits junit-10.xsd out.xml
fits sarif-2.1.0.json out.sarif
same "$(grep -c '<testsuite ' out.xml)" 3 'suites'
same "$(grep -c 'contracts/falsified.yaml' out.md)" 1 'the file in the summary'
line=$(grep -n 'id: AC_1' contracts/falsified.yaml | cut -d: -f1)
out=$(cat out.sarif)
field "[(r['ruleId'], r['level']) for r in d['runs'][0]['results']]" \
  "[('open/AC_1', 'warning'), ('open/status', 'warning'), ('falsified/AC_1', 'error'), ('falsified/status', 'error')]"
field "d['runs'][0]['results'][2]['locations'][0]['physicalLocation']['region']['startLine']" "$line"
field "d['runs'][0]['results'][2]['relatedLocations'][0]['physicalLocation']['region']['startLine']" \
  "$(grep -n 'id: F_FAIL' contracts/falsified.yaml | cut -d: -f1)"
# what a schema is for is found
sed 's/"level": "error"/"level": "awful"/' out.sarif >wrong.sarif
lacks_fit sarif-2.1.0.json wrong.sarif
sed 's/<testsuite /<testsuite kind="x" /' out.xml >wrong.xml
lacks_fit junit-10.xsd wrong.xml

# Annotations name the file from the root of the repository, wherever the call is made.
for place in . contracts; do
  cd "$work/$place" || exit 1
  validate "$work/contracts/falsified.yaml" --format github
  exits 1
  says "::error file=contracts/falsified.yaml,line=$line,col=9,title=falsified AC_1 FAIL::Claim 1. F_FAIL: 3 of 10 elements differ"
done
cd "$work" || exit 1
same "$(grep -vc '^::' <<<"$out")" 0 'lines of a log that are no annotation'
validate contracts/good.yaml --format github
exits 0
says '::notice file=contracts/good.yaml,'
validate contracts --format sarif
exits 1
echo "$out" >printed.sarif
fits sarif-2.1.0.json printed.sarif
validate contracts --format json
exits 1
echo "$out" >printed.json
fits json printed.json
validate contracts/good.yaml --format text
says 'Verified'

# quiet and verbose
validate contracts/good.yaml -q
exits 0
same "$out$err" '' 'of a sound contract, quietly'
validate contracts -q
exits 1
same "$(grep -c . <<<"$out")" 3 'quiet lines'
says 'contracts/falsified.yaml: Falsified. 1 of 2 criteria is false (AC_1)'
validate contracts/good.yaml --quiet
same "$out$err" '' 'the longer word'
validate contracts/good.yaml -v
says "F_PASS_1 $plain compared 10"
validate contracts/good.yaml
silent 'compared 10'

# colours
escape=$(printf '\033')
validate contracts/good.yaml --color always
says "$escape[32m"
NO_COLOR=1 validate contracts/good.yaml --color always
says "$escape[32m"
for words in '' '--color auto' '--color never'; do
  # shellcheck disable=SC2086
  validate contracts/good.yaml $words
  silent "$escape"
done
if command -v script >/dev/null; then
  for case in 'TERM=xterm yes' 'TERM=dumb no' 'TERM=xterm&NO_COLOR=1 no' 'TERM=xterm&NO_COLOR= yes'; do
    read -r set want <<<"$case"
    # shellcheck disable=SC2046
    said=$(env -u NO_COLOR $(tr '&' ' ' <<<"$set") script -qec "$pv validate --probe $fake contracts/good.yaml" /dev/null)
    [[ $said == *"$escape[32m"* ]] && is=yes || is=no
    same "$is" "$want" "colours on a terminal with $set"
  done
fi

# latest: a relative link that follows each run, and takes nothing else's place
newest=$(find reports/runs/good -mindepth 1 -maxdepth 1 -type d -printf '%T@ %f\n' | sort -n | tail -1 | cut -d' ' -f2)
same "$(readlink reports/runs/good/latest)" "$newest" 'latest'
validate contracts/good.yaml
if [ "$(readlink reports/runs/good/latest)" != "$newest" ]; then ok; else bad 'latest stands still'; fi
run "$pv" evidence verify --probe "$fake" reports/runs/good/latest
exits 0
rm reports/runs/good/latest
mkdir reports/runs/good/latest
validate contracts/good.yaml
exits 0
warns '`latest` is not this run: something else has that name'
same "$(find reports/runs/good -name '*.latest' | wc -l)" 0 'links that were left'
validate contracts/good.yaml --out elsewhere
same "$(find elsewhere/good/latest/ -name report.md | wc -l)" 1 'latest below --out'

# A file that can not be written is known before anything is run; so is one that is read.
rm -rf reports
for words in '--junit none/x.xml' '--sarif /dev/full' '--summary contracts' '--junit contracts/good.yaml' \
  '--junit one --summary ./one' '--sarif models/tiny-coder-moe-Q4_K_M.gguf --model models/tiny-coder-moe-Q4_K_M.gguf'; do
  : >one
  before=$(sha256sum contracts/good.yaml models/*)
  # shellcheck disable=SC2086
  validate contracts/good.yaml $words
  exits 2
  same "$(sha256sum contracts/good.yaml models/*)" "$before" "what is read, after $words"
done
same "$(find reports -type f 2>/dev/null | wc -l)" 0 'files after a refused call'
validate contracts --junit contracts/good.yaml
exits 2
warns "would write over 'contracts/good.yaml', which is read"

# A call that fails leaves no file of an earlier one that says that all is well.
sed 's/needed_for/needed/' contracts/good.yaml >bad.yaml
for call in bad.yaml empty contracts/none.yaml 'contracts/good.yaml --backend none'; do
  validate contracts/good.yaml "${files[@]}"
  exits 0
  # shellcheck disable=SC2086
  validate $call "${files[@]}"
  exits 2
  fits junit-10.xsd out.xml
  fits sarif-2.1.0.json out.sarif
  same "$(grep -c '<error ' out.xml | sed 's/[1-9].*/some/')" some "errors in JUnit after $call"
  same "$(grep -c '"executionSuccessful": false' out.sarif)" 1 "SARIF after $call"
  same "$(grep -c 'ended before all was judged' out.md)" 1 "the summary after $call"
done
same "$(find . -name 'out.*.*' | wc -l)" 0 'temporary files'
validate empty
warns "there is no contract in the folder 'empty'"
validate bad.yaml --format github
exits 2
says '::error file=bad.yaml,line='
validate bad.yaml --format sarif
echo "$out" >printed.sarif
fits sarif-2.1.0.json printed.sarif
printf 'schema: pv/contract/v1\n  a: [\n' >contracts/below/broken.yaml
validate contracts
exits 2
warns 'contracts/below/broken.yaml:'
rm contracts/below/broken.yaml

# Ctrl-C: 130, and the files say so; killed, they say that it never ended.
contract slow $rung "F_HANG $plain $rung"
sed -i 's/timeout_s: 1$/timeout_s: 200/' contracts/slow.yaml
for signal in INT KILL; do
  export PV_FAKE_LOG=$work/.pids
  : >"$PV_FAKE_LOG"
  validate contracts/good.yaml "${files[@]}"
  : >"$PV_FAKE_LOG"
  python3 - "$signal" "$pv" validate --probe "$fake" contracts/slow.yaml "${files[@]}" >.code 2>.err <<'PY'
import os, signal, subprocess, sys, time
child = subprocess.Popen(sys.argv[2:], preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
end = time.monotonic() + 200  # the limit only ends what hangs
while not open(os.environ["PV_FAKE_LOG"]).read() and time.monotonic() < end: time.sleep(0.02)
child.send_signal(getattr(signal, "SIG" + sys.argv[1]))
print(child.wait(200))
PY
  [ $signal = INT ] && want=130 said=interrupted || want=-9 said='the call has not ended'
  same "$(cat .code)" $want "exit code after SIG$signal"
  for file in out.xml out.sarif out.md; do
    if grep -q "$said" $file; then ok; else bad "$file after SIG$signal: $(cat $file)"; fi
  done
  unset PV_FAKE_LOG
done
finish

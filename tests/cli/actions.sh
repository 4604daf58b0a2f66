#!/usr/bin/env bash
# action.yml and ci/gitlab.yml: what they are by the schemas of their servers, and their steps, run with
# what the servers set.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
root=$(cd "$here/../.." && pwd)
rung=ACTIVE_ALGORITHM_LEVEL
plain=router.topk_rule
against github-action.json "$root/action.yml"
exits 0
against gitlab-ci.json "$root/ci/gitlab.yml"
exits 0
sed 's/^  using: composite/  using: composed/' "$root/action.yml" >wrong.yml
against github-action.json wrong.yml
exits 1

contract good $rung "F_PASS $plain $rung"
mkdir 'more contracts'
contract falsified $rung "F_FAIL $plain $rung"
contract open $rung "F_ERROR $plain $rung"
mv contracts/falsified.yaml contracts/open.yaml 'more contracts'
mv 'more contracts' more
export RUNNER_TEMP=$work/temp GITHUB_STEP_SUMMARY=$work/summary.md
mkdir temp

# github INPUT=VALUE...: the fake probe judges.
github() {
  : >summary.md
  run "$python" "$here/actions.py" github "$root/action.yml" "$work" "pv=$pv" "args=--probe $fake" "$@"
}
github
exits 0
says 'exit-code=0'
warns '::notice file=contracts/good.yaml,'
same "$(grep -c 'as claimed' summary.md)" 1 'the summary of the job'
for name in sarif junit; do
  file=$(sed -n "s/^$name=//p" <<<"$out")
  if [ -s "$file" ]; then ok; else bad "the output $name: $file"; fi
done
same "$(find pv-reports/good/latest/ -name report.html | wc -l)" 1 'the reports'
github "contracts=contracts
more" 'out=the reports'
exits 1
says 'exit-code=1'
says 'sarif=the reports/pv.sarif'
warns '::error file=more/falsified.yaml,'
warns '3 contracts: 1 as claimed, 1 not as claimed, 1 not judged'
against sarif-2.1.0.json 'the reports/pv.sarif'
exits 0
github contracts=more/open.yaml
exits 3
github contracts=more/open.yaml fail-on-unjudged=false
exits 0
says 'exit-code=3'
github contracts=nowhere
exits 2
warns '::error file=nowhere,'
github "contracts=contracts/good.yaml \$(touch $work/obeyed) ; touch $work/obeyed"
exits 2
if [ -e obeyed ]; then bad 'words of an input were obeyed'; else ok; fi
# the program: not there, another one of the same name, and this one
github pv=/nowhere/pv
exits 2
warns '::error title=pv validate::there is no program /nowhere/pv'
printf '#!/bin/sh\necho pv 1.6.20\n' >viewer
chmod +x viewer
github "pv=$work/viewer"
exits 2
warns 'this pv is another program'
# without one it is built from the source beside action.yml, by the command that builds everything
mkdir -p source/ci
cp "$root/action.yml" source
cp "$root"/ci/*.sh source/ci
printf '%s\n' '#!/bin/sh' 'here=$(dirname "$0")' 'mkdir -p "$here/build-release/bin"' \
  "ln -sf '$pv' '$(dirname "$pv")/pv-probe' \"\$here/build-release/bin\"" 'echo "$@" >"$here/called"' >source/dev
chmod +x source/dev
run "$python" "$here/actions.py" github source/action.yml "$work" "args=--probe $fake"
exits 0
same "$(cat source/called)" 'build release' 'how it is built'

# gitlab VARIABLE=VALUE...
gitlab() { run "$python" "$here/actions.py" gitlab "$root/ci/gitlab.yml" "$work" "PV=$pv" "PV_ARGS=--probe $fake" "$@"; }
gitlab
exits 0
says 'Verified'
gitlab PV_CONTRACTS=more/open.yaml PV_OUT=other
exits 3
says 'allowed=yes'
gitlab 'PV_CONTRACTS=contracts more'
exits 1
says 'allowed=no'
xmllint --noout --schema "$root/tests/schemas/junit-10.xsd" pv-reports/junit.xml 2>/dev/null
same $? 0 'JUnit of the job'
gitlab PV_CONTRACTS=nowhere
exits 2
finish

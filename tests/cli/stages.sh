#!/usr/bin/env bash
# Stages: their status follows from the evidence in everything that pv writes. And a file that is
# wrong in many places, of another dialect or no contract at all is told so at once.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
rung=ACTIVE_ALGORITHM_LEVEL
plain=router.topk_rule
repository=$(cd "$here/../.." && pwd)

# stages FILE "ID CRITERIA"...: appended to a contract.
stages() {
  local file=$1 line
  shift
  printf 'implementation_stages:\n' >>"$file"
  for line in "$@"; do
    printf '  - id: %s\n    description: Stage %s\n    criteria: [%s]\n' "${line%% *}" "${line%% *}" \
      "${line#* }" >>"$file"
  done
}

contract good $rung "F_PASS_1 $plain $rung" "F_PASS_2 $plain $rung" "F_NOTRUN $plain ACTIVE_RUNTIME"
stages contracts/good.yaml 'all AC_1, AC_2' 'some AC_2, AC_3' 'device AC_3' 'later '
validate contracts/good.yaml
exits 0
says 'stages: all DONE (2 of 2), some IN_PROGRESS (1 of 2), device PENDING (0 of 1), later PENDING (no criterion yet)'
folder=$(echo reports/runs/good/2*)
for file in report.md report.html evidence.json; do
  for word in DONE IN_PROGRESS PENDING; do
    if grep -q "$word" "$folder/$file"; then ok; else bad "$file: no $word"; fi
  done
done
run "$pv" evidence verify --probe "$fake" "$folder"
exits 0
says 'as written'
validate contracts/good.yaml --json
if tr -d ' \n' <<<"$out" |
  grep -qF '"stages":[{"id":"all","status":"DONE","criteria":["AC_1","AC_2"]},{"id":"some","status":"IN_PROGRESS"'; then
  ok
else
  bad "--json: no stages in $out"
fi

# A stage whose criterion is false is, and the exit code is that of the criterion.
contract false DRAFT "F_PASS $plain $rung" "F_FAIL $plain ACTIVE_RUNTIME"
stages contracts/false.yaml 'all AC_1, AC_2' 'first AC_1'
validate contracts/false.yaml
exits 1
says 'stages: all FALSIFIED (1 of 2), first DONE (1 of 1)'

# Nobody types a status, and an id that is not there is named with the one that was meant.
contract typed $rung "F_PASS $plain $rung"
stages contracts/typed.yaml 'one AC_1' 'two AC_2' 'twice AC_1, AC_1'
run "$pv" lint contracts/typed.yaml
exits 2
says "stage two names the criterion 'AC_2', which does not exist [PV041]"
says 'did you mean AC_1?'
says "stage twice names the criterion 'AC_1' twice [PV041]"
validate contracts/typed.yaml
exits 2
contract typed $rung "F_PASS $plain $rung"
stages contracts/typed.yaml 'one AC_1'
printf '    status: DONE\n' >>contracts/typed.yaml
validate contracts/typed.yaml
exits 2
warns "an implementation stage has no key 'status' any more [PV010]"
warns "the status follows from the verdicts of the stage's criteria"
run "$pv" explain PV041
exits 0

# A stage that needs less than before is a breaking change.
sed 's/\[AC_1, AC_2\]/[AC_1]/; s/id: later/id: sooner/' contracts/good.yaml >other.yaml
run "$pv" diff contracts/good.yaml other.yaml
exits 1
says 'stage all no longer needs AC_2'
says 'stage later was removed'
says 'stage sooner was added'
says '2 breaking, 1 compatible'

# The main contract has its stages; one of them claims nothing yet.
if sed -n '/^implementation_stages/,/^qa_gate/p' "$repository/contracts/qwen3-moe-forward-gpu-v1.yaml" |
  tr -s ' \n' ' ' | grep -qF "A GPU that is not NVIDIA's criteria: []"; then
  ok
else
  bad 'the main contract has no stage for another GPU'
fi

# Everything at once, in both commands.
printf 'schema: pv/contract/v1\nmetadata: {}\nacceptance_criteria: [{id: A}]\nextra: x\n' >contracts/empty.yaml
run "$pv" lint contracts/empty.yaml
exits 2
text=$out
validate contracts/empty.yaml
exits 2
for want in "empty.yaml:4:1: error: a contract has no key 'extra' [PV010]" \
  "empty.yaml:1:1: error: a contract has no 'falsification_tests' [PV011]" \
  "empty.yaml:2:11: error: metadata has no 'name', 'version', 'kind', 'status', 'created', 'author', 'description', 'amendment_history' [PV011]" \
  "empty.yaml:2:11: error: an amendment has no 'version', 'date', 'kind', 'title' [PV011]" \
  "empty.yaml:3:23: error: a criterion has no 'property', 'needed_for' [PV011]" \
  "empty.yaml:1:1: error: a falsifier has no 'id', 'rule', 'criteria', 'check' [PV011]"; do
  warns "$want"
  if grep -qF -- "$want" <<<"$text"; then ok; else bad "pv lint: no '$want' in: $text"; fi
done
warns 'nothing was run: the contract is not valid'
# also of a contract that another one rests on
sed 's/name: good/name: rests/; s/^  amendment_history/  depends_on: [empty]\n&/' \
  contracts/good.yaml >contracts/rests.yaml
validate contracts/rests.yaml
exits 2
warns "empty.yaml:3:23: error: a criterion has no 'property', 'needed_for' [PV011]"
warns 'or one that it depends on is not valid'

# The older dialect: with metadata, without, with another schema.
mkdir old
printf 'metadata: {version: "1.0.0"}\nproof_obligations: [{type: banana, tolerance: -7}]\n' >old/a.yaml
printf 'name: w\nverification_summary: {current_level: L3}\n' >old/b.yaml
printf 'schema: kernel/v2\nfalsification_tests: []\n' >old/c.yaml
for file in a b c; do
  validate old/$file.yaml
  exits 2
  warns "old/$file.yaml:1:1: error: a contract of an older dialect: nothing of it can run under pv [PV057]"
  run "$pv" lint old/$file.yaml
  exits 2
  says '[PV057]'
  says '[PV058]'
done
run "$pv" lint old/a.yaml
says "type is 'banana', none of its words [PV058]"
says "tolerance is '-7', no amount of 0 or more [PV058]"

# YAML that is no contract: a warning where it lies in a folder, an error where it is named.
mkdir others
printf 'a: b\n' >others/a.yaml
run "$pv" lint others
exits 0
says 'this is YAML, but not a contract [PV050]'
run "$pv" lint others/a.yaml
exits 2
says "a contract has no 'schema', 'metadata', 'acceptance_criteria', 'falsification_tests' [PV011]"
validate others/a.yaml
exits 2
finish

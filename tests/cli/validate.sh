#!/usr/bin/env bash
# pv validate: each exit code, each verdict, what is written and what is not.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
rung=ACTIVE_ALGORITHM_LEVEL
plain=router.topk_rule

# 0: verified, a report with everything, no tracked file touched
contract good $rung "F_PASS_1 $plain PROPOSED" "F_PASS_2 $plain $rung"
before=$(sha256sum contracts/good.yaml)
validate contracts/good.yaml
exits 0
says 'Verified'
says 'AC_1'
says 'reports/runs/good/'
same "$(sha256sum contracts/good.yaml)" "$before" 'the contract without --publish'
folder=$(echo reports/runs/good/2*)
for file in evidence.json report.md report.html junit.xml statement.json; do
  if [ -s "$folder/$file" ]; then ok; else bad "$file is not in $folder"; fi
done
same "$(find reports -name '.*' | wc -l)" 0 'temporary folders'
if [ -z "$err" ]; then ok; else bad "progress in a pipe: $err"; fi
run "$pv" evidence verify --probe "$fake" "$folder"
exits 0

# junit NAME TOTALS: those of the newest run of a contract, which a CI server goes by.
junit() {
  local file
  file=reports/runs/$1/latest/junit.xml
  if grep -q "<testsuite .* $2 " "$file"; then ok; else bad "$file: $(sed -n 3p "$file"), want $2"; fi
}

# 0: what nobody looked at above the claimed rung does no harm, and is shown
contract above $rung "F_PASS $plain $rung" "F_NOTRUN $plain ACTIVE_RUNTIME"
validate contracts/above.yaml
exits 0
says 'NOT_RUN'
junit above 'failures="0" errors="0" skipped="1"'
says 'there is no CUDA device'

# 0: a draft claims nothing; the evidence supports more
contract low DRAFT "F_PASS $plain $rung"
validate contracts/low.yaml
exits 0
says "DRAFT -> $rung"
says 'the file was not changed'
says '--publish would record it'
# nobody is sent to --publish where it refuses
for option in '--only F_PASS' '--backend cpu' "--out $work/elsewhere"; do
  # shellcheck disable=SC2086
  validate contracts/low.yaml $option
  says 'DRAFT -> '
  silent '--publish'
done

# 1: FAIL and VACUOUS on any criterion, also above the claimed rung
for mode in FAIL ZERO; do
  contract "false-$mode" DRAFT "F_$mode $plain ACTIVE_RUNTIME"
  validate "contracts/false-$mode.yaml"
  exits 1
done
says 'VACUOUS'

# 3: nothing falsified, but what the status claims could not be judged
for mode in ERROR INCOMP SEGV HANG NONCE EXIT0 SAYPASS NAN; do
  contract "open-$mode" $rung "F_$mode $plain $rung" "F_PASS $plain $rung"
  validate "contracts/open-$mode.yaml"
  exits 3
  says "the file claims $rung, the evidence supports PROPOSED: AC_1 is"
done
# 3: a check that broke down above the claimed rung is no success either
contract broken DRAFT "F_SEGV $plain ACTIVE_RUNTIME"
validate contracts/broken.yaml
exits 3
says 'CRASH'
says 'signal 11'

# a status typed by hand that nothing supports: nobody ever judged what it needs
contract typed $rung "F_NOTRUN $plain $rung" "F_PASS $plain $rung"
validate contracts/typed.yaml
exits 1
says "the file claims $rung, the evidence supports PROPOSED: AC_1 is NOT_RUN"
junit typed 'failures="1" errors="1" skipped="0"'
validate contracts/typed.yaml --only F_PASS
exits 3
contract typed ACTIVE_RUNTIME "F_PASS $plain $rung" "F_FAIL $plain ACTIVE_RUNTIME"
validate contracts/typed.yaml
exits 1
says "the file claims ACTIVE_RUNTIME, the evidence supports $rung: AC_2 is FAIL"
contract typed ACTIVE_RUNTIME "F_PASS $plain $rung"
validate contracts/typed.yaml
exits 1
says 'no criterion is needed for that status, so nothing supports it'
junit typed 'failures="1" errors="0" skipped="0"'

contract typed ACTIVE_RUNTIME "F_PASS $plain $rung" "F_NOTRUN $plain ACTIVE_RUNTIME"
validate contracts/typed.yaml
exits 1
says "the file claims ACTIVE_RUNTIME, the evidence supports $rung: AC_2 is NOT_RUN"
validate contracts/typed.yaml --only F_PASS
exits 3

# `pv status` judges missing evidence alike: no receipt, not even a stale one, was ever about it
run "$pv" status --probe "$fake" contracts/typed.yaml
exits 1
says 'no published evidence, not even an old one, is about all that it needs'
run "$pv" status --probe "$fake" contracts/typed.yaml --json
exits 1

# a file that claims nothing says so, without a tick; a draft that claims something is refused
contract nothing DRAFT "F_NOTRUN $plain $rung"
validate contracts/nothing.yaml
exits 0
says 'Nothing claimed'
says 'The file claims nothing: DRAFT needs no criterion.'
silent '✓'
silent 'Carried'
run "$pv" status --probe "$fake" contracts/nothing.yaml
exits 0
says 'claims nothing: no criterion is needed for it'
silent 'supported by receipts'
contract nothing PROPOSED "F_NOTRUN $plain $rung"
validate contracts/nothing.yaml
exits 0
says 'The file claims nothing: PROPOSED needs no criterion.'
contract claims DRAFT "F_NOTRUN $plain DRAFT"
for command in validate lint; do
  run "$pv" $command contracts/claims.yaml
  if [ "$code" -eq 0 ]; then bad "$command: exit 0"; else ok; fi
  if grep -qF 'criterion AC_1 is needed for DRAFT, which claims nothing [PV013]' <<<"$out$err"; then ok; else bad "$command: $out$err"; fi
done
run "$pv" status --probe "$fake" contracts/claims.yaml # which reads what it does not lint
exits 1
silent 'supported by receipts'

# a silent fallback is a failure; --backend reaches what the contract leaves open
contract backend $rung "F_PASS forward.finite $rung"
validate contracts/backend.yaml
exits 0
validate contracts/backend.yaml --backend cuda
exits 1
says "silent fallback: it passed without the backend 'cuda'"

# --json: one object with the fields of the design
contract good $rung "F_PASS_1 $plain PROPOSED" "F_PASS_2 $plain $rung"
validate contracts/good.yaml --json
exits 0
field "d['contract']['name']" good
field "d['contract']['status_before']" $rung
field "d['contract']['status_after']" $rung
field "d['summary']['discharged']" 2
field "[c['verdict'] for c in d['criteria']]" "['PASS', 'PASS']"
field "d['falsifiers'][0]['compared']" 10
field "set('contract summary criteria falsifiers environment model evidence'.split()) - set(d)" 'set()'

# --only by falsifier or by criterion
validate contracts/good.yaml --only F_PASS_1 --json
exits 3
field "[c['verdict'] for c in d['criteria']]" "['PASS', 'NOT_RUN']"
validate contracts/good.yaml --only AC_1,AC_2
exits 0
validate contracts/good.yaml --only AC_3
exits 2
warns 'did you mean AC_'

# several contracts: the worst outcome counts; all are read before the first is run
validate contracts/good.yaml contracts/broken.yaml
exits 3
validate contracts/good.yaml contracts/false-FAIL.yaml contracts/broken.yaml
exits 1
rm -rf reports
sed 's/needed_for/needed/' contracts/good.yaml >contracts/bad.yaml
validate contracts/good.yaml contracts/bad.yaml
exits 2
same "$(find reports -type f 2>/dev/null | wc -l)" 0 'files after a refused call'

# 2: the rules; a dependency that is not sound
sed 's/criteria: \[AC_1\]/criteria: [AC_9]/' contracts/good.yaml >contracts/unbound.yaml
sed -i 's/name: good/name: unbound/' contracts/unbound.yaml
validate contracts/unbound.yaml
exits 2
warns 'PV02'
warns 'nothing was run'
sed 's/name: good/name: rests/; s/^  amendment_history/  depends_on: [unbound]\n&/' \
  contracts/good.yaml >contracts/rests.yaml
validate contracts/rests.yaml
exits 2
warns 'unbound.yaml'

# DEPRECATED: nothing is judged, nothing is run
contract old DEPRECATED "F_SEGV $plain $rung"
validate contracts/old.yaml
exits 0
says 'DEPRECATED'

# KNOWN_DIVERGENCE: supported when exactly the named criteria fail
contract known KNOWN_DIVERGENCE "F_PASS $plain $rung" "F_FAIL $plain $rung"
sed -i 's/^  amendment_history/  known_divergence: [AC_2]\n&/' contracts/known.yaml
validate contracts/known.yaml
exits 0
contract known KNOWN_DIVERGENCE "F_PASS_1 $plain $rung" "F_PASS_2 $plain $rung"
sed -i 's/^  amendment_history/  known_divergence: [AC_2]\n&/' contracts/known.yaml
validate contracts/known.yaml
exits 1
silent '--publish'

# the model: default, none, refused by the probe
contract model $rung "F_PASS names.resolve $rung"
validate contracts/model.yaml --json
field "d['model']['path']" models/tiny-coder-moe-Q4_K_M.gguf
validate contracts/model.yaml --model models/none.gguf
exits 2
warns "cannot open the model 'models/none.gguf'"
PV_FAKE_START=refuse validate contracts/model.yaml
exits 2
warns "'model.gguf' is no GGUF file"
warns 'name a GGUF file'
validate contracts/model.yaml --probe /nowhere/pv-probe
exits 2
warns '/nowhere/pv-probe'

# without a model or a reference nothing is falsified and nothing is published
contract lacking $rung "F_NOTRUN forward.reference $rung" "F_PASS forward.finite $rung"
mkdir kept
mv models/*.reference kept/
validate contracts/lacking.yaml
exits 3
warns 'no reference was found'
warns 'it is needed by F_NOTRUN'
silent 'F_PASS,'
validate contracts/lacking.yaml --publish
exits 2
warns 'it lacks the reference'
mv models/*.gguf kept/
validate contracts/lacking.yaml
exits 3
warns 'no model was found'
validate contracts/lacking.yaml --publish
exits 2
mv kept/* models/
validate contracts/lacking.yaml
exits 1

# the start of a probe that fails is nobody's success
PV_FAKE_START=saypass validate contracts/good.yaml
exits 3
finish

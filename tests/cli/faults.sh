#!/usr/bin/env bash
# pv validate --faults: a falsifier that passes over a fault that it declares is VACUOUS.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
root=$(cd "$here/../.." && pwd)

contract claim-v1 ACTIVE_ALGORITHM_LEVEL 'F_OK router.topk_rule ACTIVE_ALGORITHM_LEVEL' \
  'F_OK_2 swiglu.error ACTIVE_ALGORITHM_LEVEL'
sed -i 's/^    check: router.topk_rule$/&\n    faults: [tie_rule_reversed, rope_pairs]/' contracts/claim-v1.yaml

validate contracts/claim-v1.yaml
exits 0
silent 'planted faults'
# As with its assertion removed: PASS, whatever is planted.
validate contracts/claim-v1.yaml --faults
exits 1
says 'VACUOUS'
says 'it passes over the planted fault tie_rule_reversed'
says 'planted faults: 0 of 2 pairs of falsifier and fault were caught'
validate contracts/claim-v1.yaml --faults --json
exits 1
field "[(f['verdict'], f['faults']['killed']) for f in d['falsifiers']]" "[('VACUOUS', []), ('PASS', [])]"
field "d['contract']['status_after']" PROPOSED
export PV_FAKE_FAULTS=caught
validate contracts/claim-v1.yaml --faults
exits 0
says 'planted faults: 2 of 2 pairs of falsifier and fault were caught'
silent VACUOUS
# A time limit is told as one: nothing survived, nothing was caught.
sed 's/timeout_s: 100/timeout_s: 2/; s/name: claim-v1/name: late-v1/' contracts/claim-v1.yaml >contracts/late-v1.yaml
export PV_FAKE_FAULTS=late
validate contracts/late-v1.yaml --faults --json
exits 0
silent VACUOUS
warns 'F_OK: the fault tie_rule_reversed was not tried: no answer within 2 s'
same "$(python3 "$here/fault_pairs.py" .out .err)" "late F_OK tie_rule_reversed (no answer within 2 s)
late F_OK rope_pairs (no answer within 2 s)" 'pairs'
unset PV_FAKE_FAULTS
validate contracts/claim-v1.yaml --faults --json
same "$(python3 "$here/fault_pairs.py" .out .err)" "survives F_OK tie_rule_reversed 
survives F_OK rope_pairs " 'pairs'
export PV_FAKE_FAULTS=caught
# A falsifier that fails anyway catches nothing by that.
sed -i 's/F_OK$/F_FAIL/' contracts/claim-v1.yaml
validate contracts/claim-v1.yaml --faults
exits 1
says 'planted faults: 0 of 2 pairs'
warns 'F_FAIL: the fault tie_rule_reversed was not tried'
# Left out is not tried.
validate contracts/claim-v1.yaml --faults --only F_OK_2
says 'planted faults: 0 of 2 pairs'
unset PV_FAKE_FAULTS

# The real probe: every declared fault is caught, without a model and with one.
cd "$root" || exit 1
for name in q6k-gemv-v1 moe-expert-dispatch-v1; do
  run "$pv" validate "contracts/$name.yaml" --faults --json --out "$work/reports"
  # What this build can not judge (PTX, without nvcc) catches nothing.
  field "[f['id'] for f in d['falsifiers'] if f['source'] == 'run' and f['faults']['declared'] != f['faults']['killed']]" '[]'
  field "sum(len(f['faults']['killed']) for f in d['falsifiers']) >= 6" True
  field "[f['verdict'] for f in d['falsifiers'] if f['verdict'] == 'VACUOUS']" '[]'
done
# A fault that the probe does not know is not tried, and that is said.
cd "$work" || exit 1
contract real-v1 PROPOSED 'F_TOPK router.topk_rule ACTIVE_ALGORITHM_LEVEL'
sed -i 's/^    check: .*/&\n    faults: [no_such_fault, no_renormalisation]/' contracts/real-v1.yaml
run "$pv" validate contracts/real-v1.yaml --faults --json
exits 0
field "d['falsifiers'][0]['faults']['killed'], d['falsifiers'][0]['verdict']" "['no_renormalisation'] PASS"
warns "F_TOPK: the fault no_such_fault was not tried: there is no fault 'no_such_fault'"
finish

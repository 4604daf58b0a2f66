#!/usr/bin/env bash
# A falsifier whose assertion is removed turns VACUOUS, by the real checks: $3 is the real probe in
# which the assertion of the check $PV_UNASSERTED is not there.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
unasserted=$3
export CI=true

# check fault parameters...
while read -r check fault with; do
  contract "$(tr . - <<<"$check")-v1" PROPOSED "F_ONE $check ACTIVE_ALGORITHM_LEVEL" \
    'F_OTHER names.mutations ACTIVE_ALGORITHM_LEVEL'
  file=contracts/$(tr . - <<<"$check")-v1.yaml
  sed -i "s/^    check: $check\$/&\n    faults: [$fault]/; s/timeout_s: 100/timeout_s: 250/" "$file"
  [ -z "$with" ] || sed -i "s/^    check: $check\$/&\n    with: $with/" "$file"
  # Whole: the fault is caught.
  PV_UNASSERTED=none run "$pv" validate "$file" --probe "$unasserted" --faults --only F_ONE --json
  field "[(f['verdict'], f['faults']['killed']) for f in d['falsifiers'] if f['id'] == 'F_ONE']" \
    "[('PASS', ['$fault'])]"
  # Without its assertion it passes, as before, unless faults are planted.
  export PV_UNASSERTED=$check
  run "$pv" validate "$file" --probe "$unasserted" --only F_ONE --json
  field "[f['verdict'] for f in d['falsifiers'] if f['id'] == 'F_ONE']" "['PASS']"
  run "$pv" validate "$file" --probe "$unasserted" --faults --only F_ONE --json
  exits 1
  field "[(f['verdict'], f['faults']['killed'], f['reason']) for f in d['falsifiers'] if f['id'] == 'F_ONE']" \
    "[('VACUOUS', [], 'it passes over the planted fault $fault')]"
  unset PV_UNASSERTED
done <<'END'
router.topk_rule tie_rule_reversed
quant.blocks high_bits_dropped {type: Q6_K}
gemv.bound superblock_short {type: Q6_K, numerics: f32-f64acc}
swiglu.error approximate_exp
END
finish

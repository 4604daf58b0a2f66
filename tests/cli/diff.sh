#!/usr/bin/env bash
# Other words for a claim are a breaking change, unless the contract says that it was clarified and
# everything that judges the claim is as strict as it was.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

contract old ACTIVE_RUNTIME 'F_1 forward.reference ACTIVE_RUNTIME' 'F_2 forward.shape PROPOSED'
sed -i 's/^    timeout_s: 100$/&\n    with: {min_cosine: 0.99}/' contracts/old.yaml
sed -i '/check: forward.shape/,$ { /with:/d }' contracts/old.yaml
run "$pv" diff contracts/old.yaml contracts/old.yaml
exits 0
says '0 breaking, 0 compatible changes'

# reword KIND: contracts/new.yaml, another claim and version, and why.
reword() {
  sed -e 's/property: Claim 1/property: The cosine is above 0.99/' -e 's/formal: a = b/formal: cosine > 0.99/' \
    -e '0,/version: "1.0.0"/s//version: "1.1.0"/' contracts/old.yaml |
    sed "/^  amendment_history:/a\\    - version: \"1.1.0\"\\n      date: \"2026-11-28\"\\n      kind: $1\\n      title: Other words" >contracts/new.yaml
  run "$pv" diff contracts/old.yaml contracts/new.yaml
}
reword evidence
exits 1
says 'BREAKING: AC_1 claims something else: The cosine is above 0.99'
says 'BREAKING: AC_2: the formal statement changed'
reword clarified
exits 0
says 'compatible: AC_1 is worded otherwise, and judged as strictly: The cosine is above 0.99'
says 'compatible: AC_1: the formal statement changed, and it is judged as strictly'
says '0 breaking, 4 compatible changes'

# An amendment that was there before says nothing about this change.
cp contracts/new.yaml contracts/newer.yaml
sed -i 's/The cosine is above 0.99/The cosine is large/' contracts/newer.yaml
run "$pv" diff contracts/new.yaml contracts/newer.yaml
exits 1
says 'BREAKING: AC_1 claims something else: The cosine is large'

# Looser, no longer judged, or by nothing: the words do not help. Stricter is fine.
for change in 's/min_cosine: 0.99/min_cosine: 0.9/' 's/forward.reference/forward.finite/' 's/F_1/F_9/' \
  '/F_1/,/F_2/ s/criteria: \[AC_1\]/criteria: [AC_2]/'; do
  reword clarified
  sed -i "$change" contracts/new.yaml
  run "$pv" diff contracts/old.yaml contracts/new.yaml
  exits 1
  says 'BREAKING: AC_1 claims something else'
  says 'compatible: AC_2: the formal statement changed, and it is judged as strictly'
done
reword clarified
sed -i 's/min_cosine: 0.99/min_cosine: 0.999/' contracts/new.yaml
run "$pv" diff contracts/old.yaml contracts/new.yaml
exits 0
says 'compatible: AC_1 is worded otherwise'

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

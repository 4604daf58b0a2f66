#!/usr/bin/env bash
# Step 2 of action.yml: runs pv validate once; annotations go to the log, the summary to the job's
# page, SARIF, JUnit and the reports into the folder $PV_INPUT_OUT.
set -uo pipefail
set -f # words of the inputs are no patterns

fail() {
  printf '::error title=pv validate::%s\n' "$*"
  exit 2
}

out=${PV_INPUT_OUT:-pv-reports}
mkdir -p -- "$out" || fail 'the folder of the input out can not be made'
read -rd '' -a contracts <<<"${PV_INPUT_CONTRACTS:-}"
read -rd '' -a more <<<"${PV_INPUT_ARGS:-}"
[ -n "${PV_INPUT_MODEL:-}" ] && more+=("--model=$PV_INPUT_MODEL")

"$PV_PROGRAM" validate "${contracts[@]}" "${more[@]}" --format github --out "$out" \
  --sarif "$out/pv.sarif" --junit "$out/junit.xml" --summary "$out/summary.md"
code=$?
# Appended, as GitHub wants it; pv replaces the files that it writes.
[ -f "$out/summary.md" ] && cat "$out/summary.md" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"
{
  echo "exit-code=$code"
  echo "sarif=$out/pv.sarif"
  echo "junit=$out/junit.xml"
  echo "reports=$out"
} >>"$GITHUB_OUTPUT"
[ "$code" -eq 3 ] && [ "${PV_INPUT_FAIL_ON_UNJUDGED:-true}" = false ] && exit 0
exit "$code"

#!/usr/bin/env bash
# Step 1 of action.yml: the pv that $PV_INPUT_PV names, or one that is built from this source, as
# the output `pv`.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

if [ -n "${PV_INPUT_PV:-}" ]; then
  pv=$(command -v -- "$PV_INPUT_PV") || {
    printf '::error title=pv validate::there is no program %s; leave the input pv out to build one\n' \
      "${PV_INPUT_PV//[$'\r\n%']/ }"
    exit 2
  }
else
  "$here/dev" build release
  pv=$here/build-release/bin/pv
fi
# Debian has another program of this name.
"$pv" version --json | grep -q '"pv/version/v1"' || {
  echo '::error title=pv validate::this pv is another program (the pipe viewer has the same name)'
  exit 2
}
echo "pv=$pv" >>"$GITHUB_OUTPUT"

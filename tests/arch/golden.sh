#!/bin/bash
# Models of other architectures against golden outputs that pv did not make: Hugging Face in float64,
# or a float64 forward over what the file's own blocks decode to. See golden.py.
#   golden.sh PV carried   the files beside this script
#   golden.sh PV shared    all of $PV_ARCH, else of ../shared/arch; 77 where there are none
set -u
pv=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
failed=0
passed=0

# judge FOLDER FILE
judge() {
  local base=${2%.gguf} kind golden
  golden=$1/golden/$base.npz
  kind=near
  if [ ! -f "$golden" ]; then # the values of the Hugging Face model itself
    golden=$1/golden/${base%-*}.hf.npz
    kind=same
  fi
  if python3 "$here/golden.py" "$pv" "$1/models/$2" "$golden" "$kind"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
  fi
}

folder=$here
if [ "$2" = shared ]; then
  folder=${PV_ARCH:-$here/../../../shared/arch}
  if [ ! -d "$folder/models" ]; then
    echo "SKIPPED: no models in $folder (\$PV_ARCH)"
    [ "${CI:-}" = true ] && exit 1
    exit 77
  fi
fi
for model in "$folder"/models/*.gguf; do judge "$folder" "$(basename "$model")"; done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

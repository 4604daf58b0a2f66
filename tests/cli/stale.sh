#!/usr/bin/env bash
# After any change to a kernel the receipts of a GPU host are STALE on a machine without one: the
# digest that the build makes of the real sources, before and after an edit, through to the verdict.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
root=$(cd "$here/../.." && pwd)
mkdir tree
cp -r "$root/base" "$root/kernels" "$root/runtime" "$root/cmake" tree/
mkdir tree/validator
cp -r "$root/validator/yaml" tree/validator/ # descriptors of kernels are read by it
# digest [PART]: over all, or one line of the header (HOST, KERNELS, CHECK), or of one check: its name.
digest() {
  cmake -DSOURCE_DIR="$work/tree" -DSOURCES="$(dirname "$pv")/../generated/checks_sources.txt" \
    -DOUTPUT="$work/digest.h" -DLISTING="$work/listing" -P "$root/cmake/kernels_digest.cmake" &&
    [ "$(grep -cE '^#define PV_(HOST|KERNELS)_SHA256 "[0-9a-f]{64}"$' digest.h)" -eq 2 ] &&
    case ${1:-} in
      *.*) grep -oP "\{\"$1\", \"\K[0-9a-f]{64}(?=\"\})" digest.h ;;
      *) grep "PV_${1:-}" digest.h | sha256sum | cut -c 1-64 ;;
    esac
}
before=$(digest)
same "${#before}" 64 'digits of the digest'
same "$(digest)" "$before" 'the digest, once more'
# Both parts are digests of their lines of the listing, and each line is that of a file: what is listed is in
# the digest, and nothing else is.
first=$(sed 's/.*  //' listing | LC_ALL=C awk 'NR > 1 && $0 < last { print NR - 1; exit } { last = $0 }')
for part in "HOST head -n $first" "KERNELS tail -n +$((first + 1))"; do
  read -r name lines <<<"$part"
  same "$(sed -n "s/^#define PV_${name}_SHA256 \"\(.*\)\"/\1/p" digest.h)" \
    "$($lines listing | sha256sum | cut -c 1-64)" "what the part $name is the digest of"
done
if (cd tree && sha256sum -c --quiet ../listing); then ok; else bad 'the listing is of other files'; fi
cp listing listed
listed() { grep -q "  $1\$" listed; }

contract gpu DRAFT "F_PASS router.topk_rule ACTIVE_ALGORITHM_LEVEL" "F_GPU names.resolve ACTIVE_RUNTIME"
PV_FAKE_KERNELS=$before PV_FAKE_DEVICE='NVIDIA H100' validate contracts/gpu.yaml --publish
exits 0
PV_FAKE_KERNELS=$before validate contracts/gpu.yaml --only F_PASS
exits 0
says 'receipt: NVIDIA H100'

# Every file from which a kernel is made, the flags of all, and some of what launches and judges them:
# who opens the side that a check looks at decides who computes.
files=("$root"/kernels/cuda/*.cu "$root"/kernels/cuda/*.cuh "$root"/kernels/cuda/*.h
  "$root"/kernels/arith/*.h "$root"/runtime/forward/gpu_ops.c "$root"/kernels/quant/table.c
  "$root"/runtime/checks/forward.c "$root"/runtime/faults/open.c "$root"/kernels/definition/definition.c
  "$root"/runtime/reference/reference.c "$root"/kernels/cuda/CMakeLists.txt "$root"/kernels/cpu/CMakeLists.txt
  "$root"/cmake/room.cmake)
if [ ${#files[@]} -gt 20 ]; then ok; else bad "only ${#files[@]} files were looked at"; fi
for file in "${files[@]}"; do
  file=${file#"$root"/}
  if listed "$file"; then ok; else bad "$file: not in the digest"; fi
done
# Of a kernel only its own part changes, and that of all else does not: the PTX can stand in for it. What
# both are compiled from, and the flags, can be stood in for by nothing.
host=$(digest HOST)
kernels=$(digest KERNELS)
for file in kernels/cuda/gemv.cu kernels/cuda/norm.cuh; do
  printf '\n' >>"tree/$file"
  same "$(digest HOST)" "$host" "the host's part after a change of $file"
  if [ "$(digest KERNELS)" != "$kernels" ]; then ok; else bad "$file: not in the kernels' part"; fi
  cp "$root/$file" "tree/$file"
done
for file in kernels/arith/act.h kernels/cuda/CMakeLists.txt runtime/forward/gpu_ops.c; do
  printf '\n' >>"tree/$file"
  if [ "$(digest HOST)" != "$host" ]; then ok; else bad "$file: not in the host's part"; fi
  same "$(digest KERNELS)" "$kernels" "the kernels' part after a change of $file"
  cp "$root/$file" "tree/$file"
done
# Of a file of checks only its own checks; of the list of all, which is in no digest of a check, none.
parity=$(digest forward.parity)
topk=$(digest router.topk_rule)
same "${#parity} ${#topk}" '64 64' 'digits of the digests of checks'
checks=$(digest CHECK)
for change in 'kernels.c yes' 'router.c no' 'forward.c no' 'list.h no' 'check.c yes' 'recorded.c yes' 'table.c yes'; do
  read -r file changes <<<"$change"
  printf '\n' >>"tree/runtime/checks/$file"
  if [ "$(digest router.topk_rule)" = "$topk" ]; then now=no; else now=yes; fi
  same "$now" "$changes" "another digest of router.topk_rule after a change of $file"
  if [ "$(digest CHECK)" = "$checks" ]; then now=list.h; else now=$file; fi
  same "$now" "$file" "another digest of some check after a change of $file"
  cp "$root/runtime/checks/$file" "tree/runtime/checks/$file"
done
# What the interpreter computes is no evidence, and no check writes a trace or compares two: a change of
# these leaves the receipts as they are.
interpreter=$(sed -n '/^pv_room(pv_ptx_machine/,/DEPENDS/p' "$root/kernels/ptx/CMakeLists.txt" |
  grep -oE '[a-z0-9_]+\.c' | sed 's|^|kernels/ptx/|')
for file in $interpreter runtime/forward/gpu_ptx.c runtime/trace/folder.c runtime/trace/folder.h \
  runtime/trace/compare.c runtime/trace/hashes.c runtime/probe/cmd_bench.c runtime/probe/bisect_text.c; do
  if ! listed "$file"; then ok; else bad "$file: in the digest"; fi
  printf '\n' >>"tree/$file" || bad "$file is not there"
done
same "$(digest)" "$before" 'the digest after a change of each of these'
# A check reads what other engines left.
for file in runtime/trace/recorded.c runtime/sources/walker.c runtime/limits/limits.c; do
  if listed "$file"; then ok; else bad "$file: not in the digest"; fi
done
for file in "$root"/kernels/ptx/*.c; do
  file=${file#"$root"/}
  [[ $'\n'$interpreter$'\n' != *$'\n'"$file"$'\n'* ]] || continue
  if listed "$file"; then ok; else bad "$file: not in the digest"; fi
done

# One of them to the end: a product that is a little smaller.
sed -i 's/1\.0f/0.9f/' tree/kernels/cuda/norm.cuh
if cmp -s tree/kernels/cuda/norm.cuh "$root/kernels/cuda/norm.cuh"; then bad 'nothing was edited'; fi
PV_FAKE_KERNELS=$(digest) validate contracts/gpu.yaml --only F_PASS
exits 3
says 'STALE'
says 'it was for another state of the kernels'
silent '--backend ptx' # no side of it is one that could be interpreted
# A change of the check itself, and one of another check.
for change in 'names.resolve 3' 'names.mutations 0'; do
  read -r name want <<<"$change"
  "$(dirname "$pv")/pv-probe" describe | python3 -c "import json,sys
d = json.load(sys.stdin)
[c] = [c for c in d['checks'] if c['name'] == '$name']
c['digest'] = 'e' * 64
json.dump(d, sys.stdout)" >described
  PV_FAKE_DESCRIBE=$work/described PV_FAKE_KERNELS=$before validate contracts/gpu.yaml --only F_PASS
  exits "$want"
  [ "$want" -eq 0 ] || says 'it was for another state of the code of its check'
done
PV_FAKE_KERNELS=$(digest) run "$pv" status --probe "$fake" contracts/gpu.yaml
exits 3
says 'STALE'

# A comment in a kernel: another source, the same PTX. Without a toolkit nobody can say that.
contract ptx DRAFT "F_PASS router.topk_rule ACTIVE_ALGORITHM_LEVEL" "F_GPU names.resolve ACTIVE_RUNTIME"
PV_FAKE_PTX=aa PV_FAKE_KERNELS=$before PV_FAKE_DEVICE='NVIDIA H100' validate contracts/ptx.yaml --publish
exits 0
for here in "aa $(digest) 0" "bb $before 0" "bb $(digest) 3"; do
  read -r ptx source want <<<"$here"
  PV_FAKE_PTX=$ptx PV_FAKE_KERNELS=$source validate contracts/ptx.yaml --only F_PASS
  exits "$want"
done
PV_FAKE_KERNELS=$before validate contracts/ptx.yaml --only F_PASS
exits 0
PV_FAKE_KERNELS=$(digest) validate contracts/ptx.yaml --only F_PASS
exits 3

# Where a device is named and there is none, the same kernels can be interpreted: said with the call.
contract device DRAFT "F_PASS names.mutations ACTIVE_ALGORITHM_LEVEL" "F_GPU forward.finite ACTIVE_RUNTIME"
sed -i 's|^    check: forward.finite$|&\n    with: {backend: cuda}|' contracts/device.yaml
PV_FAKE_KERNELS=$before PV_FAKE_DEVICE='NVIDIA H100' PV_FAKE_BACKEND=cuda \
  validate contracts/device.yaml --publish
exits 0
PV_FAKE_KERNELS=$before validate contracts/device.yaml --only F_PASS
exits 0
silent '--backend ptx'
PV_FAKE_KERNELS=$(digest) validate contracts/device.yaml --only F_PASS
exits 3
says 'STALE'
PV_FAKE_KERNELS=$(digest) validate contracts/device.yaml --only F_PASS
silent '--backend ptx' # a probe without kernels has nothing to interpret
export PV_FAKE_PTX=bb
PV_FAKE_KERNELS=$(digest) validate contracts/device.yaml --only F_PASS \
  --model models/tiny-coder-moe-Q4_K_M.gguf
says 'discharges nothing: pv validate contracts/device.yaml --backend ptx --model models/tiny-coder-moe-Q4_K_M.gguf'
for call in --json '--backend ptx'; do # a program reads it; it is what was done
  # shellcheck disable=SC2086
  PV_FAKE_KERNELS=$(digest) validate contracts/device.yaml --only F_PASS $call
  silent 'can be interpreted'
done
PV_FAKE_KERNELS=$(digest) PV_FAKE_DEVICE='NVIDIA H100' validate contracts/device.yaml --only F_PASS
says 'STALE'
silent '--backend ptx'
# Of another model nothing was ever shown: no kernel changed, and it is not STALE.
printf 'another' >>models/tiny-coder-moe-Q4_K_M.gguf
PV_FAKE_KERNELS=$before validate contracts/device.yaml --only F_PASS
says 'no receipt is about this model'
silent STALE
silent 'the changed kernels'
finish

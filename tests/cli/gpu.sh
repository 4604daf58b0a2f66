#!/usr/bin/env bash
# The scripts that test a GPU, where there is none: they fail when something is missing, broken or
# different, and pass when nothing is. `cuda` is played by another CPU forward, compute-sanitizer by
# a script.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
root=$(cd "$here/../.." && pwd)
mkdir -p play/bin
count=$("$pv" faults | grep -E '^ +in the ' | grep -vc 'reader of model files')
cat >play/bin/pv <<SH
#!/usr/bin/env bash
case \$1 in
  validate) exit "\${PLAY_CONTRACT:-0}" ;;
  bisect)
    echo "$count faults planted: the stage is right for \${PLAY_FOUND:-$count}, the side for $count."
    exit "\${PLAY_BISECT:-0}"
    ;;
  compare)
    set -- "\${@/8300/83}" # the length says something of a device only
    [ -n "\${PLAY_OTHER:-}" ] && set -- "\${@/cuda:i16/cpu:i8}"
    ;;
esac
exec "$pv" "\${@/cuda:/cpu:}"
SH
cat >play/bin/compute-sanitizer <<'SH'
#!/usr/bin/env bash
tool=$2 kernel=$(basename "$5"):${6:-}
declare -A planted=([memcheck]=out_of_bounds [racecheck]=race [initcheck]=uninitialised
  [synccheck]=divergent)
found=0
[ "$kernel" = "gpu_defect:${planted[$tool]}" ] && found=2
case ${PLAY_TOOL:-} in
  blind) found=0 ;;
  noisy) found=1 ;;
  nosy) case $kernel in pv-probe:*) found=1 ;; esac ;;
  refused) echo 'Device not supported'; exit 1 ;;
esac
if [ "$tool" = racecheck ]; then
  echo "========= RACECHECK SUMMARY: $found hazards displayed ($found errors, 0 warnings)"
else
  echo "========= ERROR SUMMARY: $found errors"
fi
[ "$found" -eq 0 ] || exit 9
SH
chmod +x play/bin/*
play=$work/play/bin/pv
run "$pv" synth --layers 1 --hidden 32 --heads 2 --kv-heads 1 --head-dim 8 --experts 4 --used 2 \
  --ffn 32 --vocab 300 --layout Q8_0 --prompts 3,40 --out small.gguf
exits 0

parity() { run bash "$root/tests/gpu/parity.sh" "$@"; }
parity "$play" small.gguf
exits 0
says 'ok small i16, golden prompts: '
says 'ok small f32-f64acc, decoded, every stage: '
says '16 passed, 0 failed'
PLAY_OTHER=1 parity "$play" small.gguf
exits 1
says 'FAILED small i16, golden prompts '
says '11 passed, 5 failed'
PLAY_CONTRACT=3 parity "$play" small.gguf
exits 1
says 'FAILED the main contract'
parity "$play" gone.gguf
exits 1
says 'FAILED gone.gguf is not here'
PV_MODELS=$work/none parity "$play" # without models named: all four, of which three are missing
exits 1
for type in BF16 Q6_K Q8_0; do says "FAILED $work/none/tiny-coder-moe-$type.gguf is not here"; done
LD_LIBRARY_PATH=$work/none parity "$pv" small.gguf # no device
exits 1
says '0 passed, 16 failed'

architectures() { run bash "$root/tests/gpu/architectures.sh" "$@"; }
architectures "$play" small.gguf
exits 0
says 'ok small i16, batches: '
says '12 passed, 0 failed'
PLAY_OTHER=1 architectures "$play" small.gguf
exits 1
says 'FAILED small i16, batches '
says '8 passed, 4 failed'
PV_ARCH=$work/none architectures "$play"
exits 1
says '0 passed, 1 failed'

# Many models: played without computing anything.
cat >play/bin/shapes <<'SH'
#!/usr/bin/env bash
case "$1 ${PLAY_SHAPES:-}$*" in
  'synth brokensynth '*'--layout F16 '*) echo 'error: no such layout'; exit 2 ;;
  'compare other'*'7-F32.gguf'*) echo '9 tensors, 99 elements compared, 1 differ'; exit 1 ;;
  'compare nothing'*) exit 0 ;;
  'compare '*) echo '9 tensors, 99 elements compared, 0 differ' ;;
esac
SH
chmod +x play/bin/shapes
shapes() { PLAY_SHAPES=$1 run bash "$root/tests/gpu/shapes.sh" "$work/play/bin/shapes"; }
shapes ''
exits 0
says 'shape 1, Q4_K_M: 8 of 8 equal'
says '312 passed, 0 failed'
shapes other
exits 1
says '304 passed, 8 failed'
shapes broken
exits 1
says 'FAILED shape 2, F16,: error: no such layout'
says '256 passed, 7 failed'
shapes nothing
exits 1
says '0 passed, 0 failed'

run bash "$root/tests/gpu/faults.sh" "$play"
exits 0
says "$count passed, 0 failed"
PLAY_FOUND=$((count - 1)) run bash "$root/tests/gpu/faults.sh" "$play"
exits 1
PLAY_BISECT=1 run bash "$root/tests/gpu/faults.sh" "$play"
exits 1
run bash "$root/tests/gpu/faults.sh" "$pv" # no device
exits 1
says '0 passed, 1 failed'
PLAY_OTHER=1 run bash "$root/tests/gpu/long_context.sh" "$play"
exits 1
says '0 passed, 1 failed'
run bash "$root/tests/gpu/long_context.sh" "$pv"
exits 1

sanitizer() { run env PATH="$work/play/bin:$PATH" PLAY_TOOL="$1" bash "$root/tests/gpu/sanitizer.sh" "$play"; }
sanitizer sound
exits 0
says 'ok synccheck reports the planted defect divergent'
says '20 passed, 0 failed'
sanitizer blind
exits 1
says 'FAILED racecheck reports the planted defect race'
says '16 passed, 4 failed'
sanitizer noisy
exits 1
says 'FAILED memcheck finds nothing in a sound kernel'
sanitizer nosy
exits 1
says 'FAILED initcheck finds nothing in the forward, f32-f64acc'
says '8 passed, 12 failed'
sanitizer refused
exits 1
says '0 passed, 20 failed'
CUDA_HOME=$work/none run bash "$root/tests/gpu/sanitizer.sh" "$play"
exits 1

# A host to which the static build was copied: these tests, nothing else, and an honest total.
mkdir -p host/tests host/models host/contracts host/build-static shared/models
cp "$root/dev" host/
cp -r "$root/tests/tiers.sh" "$root/tests/gpu" host/tests/
cp -r play/bin host/build-static/
for type in Q4_K_M BF16 Q6_K Q8_0; do cp small.gguf "shared/models/tiny-coder-moe-$type.gguf"; done
mv shared/models/*Q4_K_M.gguf host/models/
cp small.reference host/models/tiny-coder-moe.reference
run env PATH="$work/play/bin:$PATH" host/dev test --gpu
exits 0
says '61 passed, 0 failed'
says "$((82 + count)) passed, 0 failed"
says 'the other tiers need a build tree and were not run'
PLAY_TOOL=blind run env PATH="$work/play/bin:$PATH" host/dev test --gpu
exits 1
says "$((78 + count)) passed, 4 failed"
printf 'exit 0\n' >host/tests/gpu/sanitizer.sh # says nothing: no pass
run env PATH="$work/play/bin:$PATH" host/dev test --gpu
exits 1
run host/dev test
exits 2
warns 'only ./dev test --gpu runs over it'
finish

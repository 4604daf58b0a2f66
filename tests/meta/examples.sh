#!/usr/bin/env bash
# Every command that a document or a help text shows is run, as it stands there, in a copy of what it
# needs. $1 is pv; $2 "quick", or "slow" for those that take longer than the others together. Names of
# files that are only examples stand for the model in models/ and what is made of it. What is not run
# is parsed: its options are looked at as far as a --help behind them.
set -u
source tests/pages.sh
pv=$1
tier=$2
root=$PWD
passed=0
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/bin"
ln -s "$pv" "$work/bin/pv"
PATH=$work/bin:$PATH
unset CI

ok() { passed=$((passed + 1)); }
bad() {
  failed=$((failed + 1))
  printf 'FAILED %s\n' "$*"
}

# The commands of the pages, then those of the help texts, without what is said of them.
examples() {
  local command
  page_commands
  {
    "$pv" --help
    for command in $("$pv" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
      "$pv" "$command" --help
    done
  } | grep -E '^  (pv|git show|printf) ' | sed 's/^  //'
}

# needs LINE: why it is not run here, or nothing.
needs() {
  case $1 in
    *gemma-3-270m*) echo 'a file that is fetched' ;;
    *trace:a*'--as float32'*) echo 'a run of another engine' ;;
    *30b* | *d48* | *'--layers 48'*) echo 'a file of gigabytes' ;;
    *DIR*'another machine'*) echo 'another machine' ;;
    *'kernel check'*--file* | *'kernel check strangers/'*) echo 'PTX that the reader has' ;;
    *check\ ./lib*.so*) echo 'a shared object that the reader has built' ;;
    *vsa.dsse.json*) echo 'a statement that somebody signed' ;;
    *'git show'*) echo 'the history, which a copy lacks' ;;
    *--side\ cuda* | *cuda:i16* | *cuda0* | *--on\ cuda* | *'kernel bench'*) echo 'a GPU' ;;
  esac
}

# Whole contracts, measurements, interpreted kernels, faults by the dozen.
slow() {
  case $1 in
    'pv spirv'*) false ;;
    *'validate contracts/*'* | *qwen3-moe-forward* | *--faults* | *noise* | *bench* | *ptx:* | *vulkan:* | *'check all'* | *'--random 64'* | *--publish*) true ;;
    *) false ;;
  esac
}

# elsewhere LINE: a script of the same tier runs it and looks at more: fault_table.sh compares all that it
# says with a page, kernel.sh looks at the verdict of each kernel, vulkan_side.sh has a device of software.
elsewhere() {
  local call='s|^run "$pv" \(bisect .*\) "$here/../../\([^"]*\)" \(.*\)$|pv \1 \2 \3|p'
  {
    sed -n "$call" "$root/tests/cli/fault_table.sh"
    sed -n 's|^run "$pv" \(kernel check all\) --json$|pv \1|p' "$root/tests/cli/kernel.sh"
    sed -n 's|^run "$pv" \(compare .*\) "$model" \(.*\)$|pv \1 models/tiny-coder-moe-Q4_K_M.gguf \2|p' \
      "$root/tests/cli/vulkan_side.sh"
  } | grep -qxF -- "$1"
}

# The exit codes that are right: 1 where a side is wrong, 3 where the sides are INCOMPARABLE, receipts
# are stale or a build has no kernels; 1 too where the program that stands in for llama.cpp, which is
# pv's own, lacks the divergences that a contract declares.
right() {
  case $1 in
    'pv completion'*) echo '0' ;;
    *bisect*@* | *judge*@*) echo '1' ;;
    *compare*cpu:i8*) echo '3' ;;
    *'pv diff'*) echo '0 1' ;;
    *'validate contracts/*'*) echo '0 1 3' ;;
    *validate*) echo '0 3' ;;
    *'pv status'*) echo '0 1 3' ;;
    *'pv vulkan'*--fault* | *'pv spirv check proof@'*) echo '1 3' ;;
    *'pv vulkan'* | *'pv spirv'* | *ptx* | *'pv kernel'*) echo '0 3' ;;
    *evidence* | *'pv signature'*) echo '0 3' ;;
    *) echo '0' ;;
  esac
}

# try LINE: as its reader would, but that example names are there.
try() {
  local line=$1 code out
  out=$(sed -nE 's/.* --(out|resume) ([^ ]+).*/\2/p' <<<"$line")
  if [ -n "$out" ]; then rm -rf "${out:?}"; fi
  case $line in # it writes over nothing
    'pv new check mine') rm -f mine.py ;;
    'pv new contract mine') rm -f mine.yaml ;;
    'pv kernel'*) sed 's/q4k_gemv.ptx/my.ptx/' contracts/examples/kernels/q4k_gemv.yaml >my.yaml ;;
  esac
  bash -c "$line" >"$work/said" 2>&1 </dev/null
  code=$?
  if [[ " $(right "$1") " == *" $code "* ]]; then ok; else
    bad "$1: exit code $code, want $(right "$1"): $(tail -5 "$work/said")"
  fi
}

# parse LINE: as far as its options go; synth reads all of them before it looks at --out.
parse() {
  if [[ $1 = 'pv synth'* ]]; then
    bash -c "${1/--out /--out nowhere/}" >"$work/said" 2>&1
    if grep -q "folder 'nowhere'" "$work/said"; then ok; else bad "$1: $(tail -5 "$work/said")"; fi
  elif bash -c "${1%%>*} --help" >"$work/said" 2>&1; then ok; else bad "$1: $(tail -5 "$work/said")"; fi
}

# refused LINE: without a GPU it says so, and is neither a success nor a verdict.
refused() {
  local code
  CUDA_VISIBLE_DEVICES='' bash -c "$1" >"$work/said" 2>&1 </dev/null
  code=$?
  if [ "$code" -ge 2 ] && [ "$code" -le 3 ] && grep -qiE 'CUDA|driver|device' "$work/said"; then ok; else
    bad "$1: exit code $code without a GPU: $(tail -5 "$work/said")"
  fi
}

# other LINE: of another program. What fetches, compiles somebody else's or needs another host is run by a
# script of another tier, which is looked at for it; of the rest it is looked at that it is there.
other() {
  local script='' text=''
  case $1 in
    './dev '*) text="^  ${1#./dev }" && text=${text%% [-[&]*} && script=dev ;;
    'cmake --preset static'*) script=CMakePresets.json text='"name": "static"' ;;
    'cmake --install'*) script=tests/cli/library.sh text='cmake --install' ;;
    'cc -shared'*) script=tests/cli/library.sh text='cc -shared' ;;
    'nvcc -ptx'*) script=tests/strangers/build.sh text='"$nvcc" -ptx' ;;
    'cmake -S llama.cpp'* | 'cmake --build build --target llama') script=tests/engines/llamacpp.sh text='cmake -S' ;;
    'python3 -m venv'* | 'hf/bin/pip'*) script=tests/engines/huggingface.sh text='-m venv' ;;
    'hf/bin/python engines/'*) script=tests/engines/huggingface.sh text='pv-trace-huggingface' ;;
    'tg/bin/'*) script=tests/engines/tinygrad.sh text='pv-trace-tinygrad' ;;
    'c2/bin/'*) script=tests/engines/ctranslate2.sh text='ctranslate2_logits.py' ;;
    'fl/bin/'*) script=tests/engines/fastllm.sh text='fastllm_logits.py' ;;
    'le/bin/'*) script=tests/engines/llmexport.sh text='llmexport_logits.py' ;;
    'mr/bin/'*) script=tests/engines/mistralrs.sh text='mistralrs_next.py' ;;
    'mlx/bin/'*) script=tests/engines/mlx.sh text='pv-trace-mlx' ;;
    'ort/bin/'*) script=tests/engines/onnxruntime.sh text='pv-trace-onnxruntime' ;;
    'ov/bin/'*) script=tests/engines/openvino.sh text='pv-trace-openvino' ;;
    'build-release/bin/check-arith') script=tests/unit/arith/CMakeLists.txt text='add_test(NAME' ;;
    'python3 models/'*) script=${1#python3 } && script=${script%% *} text='import' ;;
    tests/* | engines/* | docs/site/*) [ -x "$root/${1%% *}" ] && script=${1%% *} text='#!' ;;
    ssh* | tar* | git\ bundle*) script=tests/cli/gpu.sh text='bin/pv' ;; # a host that is played
  esac
  if bash -n -c "$1" && [ -n "$script" ] && grep -qe "$text" "$root/$script"; then ok; else bad "$1: no test runs it ($script: $text)"; fi
}

# mention LINE: its options are there; one at the end may lack its value.
mention() {
  if bash -c "$1 --help" >"$work/said" 2>&1 || bash -c "$1 1 --help" >"$work/said" 2>&1; then ok; else bad "$1: $(tail -5 "$work/said")"; fi
}

# Lines that are one command once their example names are read as what they stand for run once.
mapfile -t lines < <(examples | awk '{
  named = $0
  gsub(/(^| )(M\.gguf|FILE)( |$)/, " models/tiny-coder-moe-Q4_K_M.gguf ", named)
  gsub(/(^| )M\.reference( |$)/, " models/tiny-coder-moe.reference ", named)
  gsub(/ +/, " ", named)
  sub(/ $/, "", named)
  if (!seen[named]++) print }')
if [ "${#lines[@]}" -ge 60 ]; then ok; else bad "only ${#lines[@]} examples are looked at"; fi
mkdir "$work/copy"
cp -r contracts engines examples models "$work/copy"
mkdir -p "$work/copy/reports"
cp -r reports/published "$work/copy/reports"
# A repository of its own, where --publish may write.
git -C "$work/copy" init -q
git -C "$work/copy" -c user.name=t -c user.email=t@example.org commit -q --allow-empty -m t
cd "$work/copy" || exit 1
ln -s models/tiny-coder-moe-Q4_K_M.gguf M.gguf
ln -s models/tiny-coder-moe-Q4_K_M.gguf FILE
ln -s models/tiny-coder-moe.reference M.reference
cp "$root/tests/unit/signed/fixtures/prime256v1.pub" publisher.pub
cp contracts/moe-router-v1.yaml old.yaml
cp contracts/moe-router-v1.yaml new.yaml
pv new check mine >/dev/null
pv new contract mine >/dev/null
for folder in trace-a trace-b DIR a b; do
  pv trace --model models/tiny-coder-moe-Q4_K_M.gguf --ids 861,1644,198 --out "$folder" >/dev/null || bad 'no trace'
done
# What another engine's writer does, by pv itself.
printf '%s\n' '#!/bin/sh' 'while [ $# -gt 1 ]; do' \
  'case $1 in --model) m=$2 ;; --ids) i=$2 ;; --out) o=$2 ;; esac' 'shift 2' 'done' \
  'exec pv trace --model "$m" --ids "$i" --out "$o"' >pv-trace-llamacpp
chmod +x pv-trace-llamacpp
ln -s "$PWD/pv-trace-llamacpp" "$work/bin/pv-trace-llamacpp"
# What pv perplexity is shown with.
cp models/README.md wiki.txt
ln -s models/tiny-coder-moe-Q4_K_M.gguf M-BF16.gguf
pv perplexity M.gguf --text wiki.txt --context 24 --chunks 1 --save-logits base.logits >/dev/null || bad 'no logits'
printf '%s\n' '.version 8.0' '.target sm_80' '.address_size 64' '.visible .entry k()' '{' 'ret;' '}' >kernel.ptx
cp "$root/tests/fuzz/corpus/spirv/sound" shader.spv
mkdir build
cp contracts/examples/kernels/q4k_gemv.ptx my.ptx
cp my.ptx build
pv validate contracts/moe-router-v1.yaml >/dev/null 2>&1 # a run to verify
for line in "${lines[@]}"; do
  why=$(needs "$line")
  if [ "$tier" = slow ]; then
    if [ -n "$why" ] || ! slow "$line"; then continue; fi
    if elsewhere "$line"; then ok; else try "$line"; fi
  elif [ "$why" = 'a GPU' ]; then
    refused "$line"
  elif [ "$why" = 'the history, which a copy lacks' ]; then
    ok
  elif [ -n "$why" ] || slow "$line"; then
    parse "$line"
  else
    try "$line"
  fi
done

if [ "$tier" = quick ]; then
  mapfile -t lines < <(cd "$root" && page_mentions)
  if [ "${#lines[@]}" -ge 40 ]; then ok; else bad "only ${#lines[@]} mentions"; fi
  for line in "${lines[@]}"; do mention "$line"; done
  mapfile -t lines < <(cd "$root" && page_others)
  if [ "${#lines[@]}" -ge 25 ]; then ok; else bad "only ${#lines[@]} commands of other programs"; fi
  for line in "${lines[@]}"; do other "$line"; done
fi

# What this test is for is found: an option that is not there, a file that is not there.
before=$failed
if [ "$tier" = quick ]; then
  {
    try 'pv explain PV999'
    parse 'pv bench --modle 30b.gguf'
    mention 'pv bench --modle 30b.gguf'
    other 'git frobnicate'
  } >"$work/expected"
  if [ "$failed" -eq $((before + 4)) ]; then failed=$before && ok; else bad 'wrong examples are not found'; fi
fi
cd "$root" || exit 1
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

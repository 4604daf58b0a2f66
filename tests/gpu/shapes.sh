#!/usr/bin/env bash
# Two sides are equal in every bit of every stage in models of odd shapes: heads of 24 to 256, 1 to 512
# experts of which 1 to 16 are used, widths that no tile divides, each layout of `pv synth` that the
# widths allow; prompts of the lengths at which kernels change, each as one batch, cut and decoded.
# Usage: shapes.sh PV. PV_LEFT and PV_SIDE are the sides (cpu and cuda), PV_JOBS how many models at once
# (as many as there are processors, 8 at most: more delay each other on a device; each has one thread),
# PV_PROMPTS the lengths. A line for each model when it is done: a run that is stopped has told what it saw.
set -u
pv=$1
left=${PV_LEFT:-cpu} side=${PV_SIDE:-cuda} jobs=${PV_JOBS:-$(($(nproc) < 8 ? $(nproc) : 8))}
prompts=${PV_PROMPTS:-1,2,7,31,32,33,64,127,200,513}
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT

blocks='Q4_K_M Q4_K_M-kv8 Q6_K Q8_0 F32 F16 BF16' # rows of whole blocks of 256
segments='Q8_0 F32 F16 BF16'                      # of whole blocks of 32
any='F32 F16 BF16'
shapes=(
  "$blocks|--head-dim 64 --heads 6 --kv-heads 2 --experts 512 --used 16 --hidden 256 --ffn 256 --vocab 300"
  "$blocks|--head-dim 128 --heads 5 --kv-heads 5 --experts 7 --used 7 --hidden 512 --ffn 768 --vocab 259"
  "$blocks|--head-dim 256 --heads 2 --kv-heads 1 --experts 33 --used 5 --hidden 768 --ffn 512 --vocab 301"
  "$blocks|--head-dim 128 --heads 8 --kv-heads 1 --experts 100 --used 13 --hidden 1280 --ffn 256 --vocab 1031"
  "$segments|--head-dim 80 --heads 3 --kv-heads 1 --experts 1 --used 1 --hidden 288 --ffn 96 --vocab 277"
  "$segments|--head-dim 96 --heads 7 --kv-heads 7 --experts 9 --used 3 --hidden 416 --ffn 160 --vocab 399"
  "$any|--head-dim 24 --heads 4 --kv-heads 2 --experts 5 --used 2 --hidden 72 --ffn 40 --vocab 263"
)

# compared MODEL NAME IDENTITY ARGS...: one line.
compared() {
  local output
  if output=$("$pv" compare "$left:$3" "$side:$3" --model "$1" --different --threads 1 "${@:4}" 2>&1); then
    echo "ok     $2 $3 ${*:4}: $(tail -n 1 <<<"$output")"
  else
    echo "FAILED $2 $3 ${*:4}: $output"
  fi
}

# model NUMBER LAYOUT OPTIONS...: all that is compared of one model.
model() {
  local file=$work/$1-$2.gguf name="shape $1, $2," batch tie=(--near-tie 1e-6)
  [[ "$*" != *'--experts 1 '* ]] || tie=() # one expert is no choice
  if ! "$pv" synth --no-sync --layers 2 --seed "$1" "${tie[@]}" --layout "$2" "${@:3}" --out "$file" >"$work/$1-$2" 2>&1; then
    echo "FAILED $name: $(cat "$work/$1-$2")"
    return
  fi
  for batch in 1024 1 31 64; do compared "$file" "$name" i16 --random "$prompts" --batch "$batch"; done
  for batch in 1024 33; do
    compared "$file" "$name" f32-f64acc --random "$prompts" --batch "$batch"
    compared "$file" "$name" i8 --random "$prompts" --batch "$batch"
  done
  rm -f "$file"
}

# judged NUMBER LAYOUT OPTIONS...: a model, what failed of it, and one line.
judged() {
  local told=$work/told-$1-$2
  model "$@" >"$told"
  { grep '^FAILED' "$told"; echo "shape $1, $2: $(grep -c '^ok .* 0 differ$' "$told") of $each equal"; } | cat
}

each=8 wanted=0
for number in "${!shapes[@]}"; do
  for layout in ${shapes[number]%%|*}; do
    wanted=$((wanted + each))
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
    # shellcheck disable=SC2086 # words
    judged "$((number + 1))" "$layout" ${shapes[number]#*|} &
  done
done
wait
passed=$(cat "$work"/told-* | grep -c '^ok .* 0 differ$')
failed=$(cat "$work"/told-* | grep -c '^FAILED')
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -eq "$wanted" ]

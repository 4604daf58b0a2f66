#!/usr/bin/env bash
# What a text becomes on its way to the model: control tokens or plain text, form C, and the tokens
# that a file wants at the ends, in every command that takes --prompt.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
model=$here/../../models/tiny-coder-moe-Q4_K_M.gguf
number=0

# gives MODEL IDS OPTION...: a trace with these options is one of these ids.
gives() {
  local file=$1 ids=$2
  shift 2
  number=$((number + 1))
  "$pv" trace --model "$file" --ids "$ids" --stage embedding --out "$work/want$number" >/dev/null ||
    bad "no trace of $ids"
  run "$pv" trace --model "$file" "$@" --stage embedding --out "$work/got$number"
  exits 0
  run "$pv" compare "trace:$work/want$number" "trace:$work/got$number"
  exits 0
}

# flag KEY: a copy of the model with this boolean true, in $file.
flag() {
  local at
  file=$work/$1.gguf
  cp "$model" "$file"
  chmod u+w "$file"
  at=$(grep -abo "tokenizer.ggml.$1" "$file" | head -1 | cut -d: -f1)
  # behind the key: its type, four bytes, then the value
  printf '\001' | dd of="$file" bs=1 seek=$((at + ${#1} + 15 + 4)) conv=notrunc 2>/dev/null
}

gives "$model" 4095,87 --prompt '<|im_end|>x'
gives "$model" 27,91,366,3832,91,29,87 --prompt '<|im_end|>x' --plain-text
gives "$model" 127,102 --prompt $'e\u0301'
gives "$model" 127,102 --prompt $'\u00e9'
# Special tokens are found first: the mark behind one does not change it.
gives "$model" 4095,136,116 --prompt $'<|im_end|>\u0338'
flag add_bos_token
gives "$file" 4094,87 --prompt x
gives "$file" 4094,4094,87 --prompt '<|endoftext|>x'
gives "$file" 4094,27,91,366,3832,91,29 --prompt '<|im_end|>' --plain-text
gives "$file" 87 --ids 87
# By scores, without keys for the ends and the blank: bos is added, and a blank is put before text.
file=$work/scored.gguf
python3 "$here/scored.py" "$model" "$file" || bad 'no model with scores'
gives "$file" 1,264 --prompt hi
gives "$file" 1,264,259,36,2,262 --prompt 'hi !</s>h'
gives "$file" 1,264,2 --prompt 'hi</s>'
gives "$file" 264 --ids 264

for command in 'run --tokens 1' 'compare cpu:i16 cpu:i16' 'bisect cpu:i16 cpu:i16' \
  'noise cpu:i16 --repeats 1' "trace --out $work/plain"; do
  # shellcheck disable=SC2086
  run "$pv" $command --model "$model" --prompt '<|im_end|>' --plain-text
  exits 0
  # shellcheck disable=SC2086
  run "$pv" $command --model "$model" --ids 1 --plain-text
  exits 2
  warns '--plain-text needs --prompt TEXT'
  # shellcheck disable=SC2086
  run "$pv" ${command%% *} --help
  says '--plain-text'
done
finish

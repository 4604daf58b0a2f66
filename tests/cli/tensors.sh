#!/usr/bin/env bash
# pv tensors lists any GGUF file, also one that pv does not compute, and says why it does not; a model
# whose last ids have no name says so when it is opened. $3 writes the files.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
root=$(cd "$here/../.." && pwd)
(cd "$root" && "$3" "$work" >/dev/null) || bad "no files to look at"
model=$root/models/tiny-coder-moe-Q4_K_M.gguf

# The table of tensors comes first, as it always did.
run "$pv" tensors "$model"
exits 0
same "$(head -2 <<<"$out" | tr -s ' ' | tail -1)" 'token_embd.weight Q4_K 256 x 4096 589824' 'the first tensor'
says 'qwen3moe.rope.freq_base f32 1000000'
says "general.architecture string 'qwen3moe'"
says 'tokenizer.ggml.token_type i32[4096] [1, 1, 1, 1, 1, 1, 1, 1, ... 4096 in all]'
says 'GGUF version 3, 27 keys, 51 tensors, 10207520 bytes'
says '21 F32, 8 Q8_0, 15 Q4_K, 4 Q5_K, 3 Q6_K'
silent 'not computed'
silent 'vocabulary:'
run "$pv" tensors "$model" --json
exits 0
field "d['architecture'], d['computed'], d['reason'], len(d['tensors'])" 'qwen3moe True None 51'
field "d['tensors'][0]" "{'name': 'token_embd.weight', 'type': 'Q4_K', 'dims': [256, 4096, 1, 1], 'bytes': 589824, 'offset': 128288, 'part': 1}"
field "sum(t['tensors'] for t in d['types'])" 51
field "sum(t['bytes'] for t in d['types']) == sum(t['bytes'] for t in d['tensors'])" True
field "[k['value'] for k in d['metadata'] if k['key'] == 'qwen3moe.block_count']" '[4]'
field "[k['value'] for k in d['metadata'] if k['key'] == 'tokenizer.ggml.add_bos_token']" '[False]'

# listed NAME WORDS: the file is listed, and WORDS say why it is not computed.
listed() {
  run "$pv" tensors "$1.gguf"
  exits 0
  says "not computed: $2"
  run "$pv" tensors --json "$1.gguf"
  exits 0
  field "d['computed'], '$3' in d['reason']" 'False True'
  run "$pv" run --model "$1.gguf" --ids 1 --tokens 1
  exits 2
}
listed iq3_s "tensor 'blk.1.ffn_up_exps.weight' is IQ3_S, which pv does not compute (of 51 tensors: 2 IQ3_S)" '2 IQ3_S'
run "$pv" tensors --json iq3_s.gguf
field "[(t['tensors'], t['bytes'], t['computed']) for t in d['types'] if t['type'] == 'IQ3_S']" '[(2, 901120, False)]'
listed longrope "qwen3moe.rope.scaling.type is" longrope
listed mamba "the model's architecture is" mamba
listed bias "tensors that the architecture does not know: 1 of 52" attn_q.bias
run "$pv" tensors type99.gguf # its size is unknown, and with it whether it lies in the file
exits 2
warns 'is of type 99, whose format pv does not know'
run "$pv" tensors part.gguf # the rest of the model can not be found
exits 2
warns 'the file is part 2 of 2 of a model, and by its name it is none: the others can not be found'
warns 'NAME-00002-of-00002.gguf'

# What a stranger wrote does not move the cursor, and JSON stays JSON.
run "$pv" tensors cursor.gguf
exits 0
says "general.\\xff.name string '\\x1b[2J\\xe2\\x80\\xae'"
run "$pv" tensors --json cursor.gguf
field "[k['key'] for k in d['metadata'] if 'name' in k['key']][0]" 'general.\xff.name'

# Fewer names than rows are said on opening, once, and on standard error.
note='note: the tokenizer names 4000 of 4096 tokens: ids from 4000 on have no text'
run "$pv" run --model short.gguf --ids 1,2 --tokens 1 --print-ids
exits 0
same "$err" "$note" 'the note'
run "$pv" trace --model short.gguf --ids 1,2 --out t
exits 0
warns "$note"
run "$pv" tensors short.gguf
exits 0
says 'vocabulary: 4000 names for 4096 rows'
run "$pv" run --model whole.gguf --ids 1,2 --tokens 1 --print-ids
exits 0
same "$err" '' 'a note about a whole vocabulary'
finish

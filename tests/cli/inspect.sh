#!/usr/bin/env bash
# pv inspect says what a model file is, and what pv can and can not do with it; also of files that it does not compute.
# What a stranger wrote stays text. $3 writes the files.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
root=$(cd "$here/../.." && pwd)
(cd "$root" && "$3" "$work" >/dev/null) || bad "no files to look at"
model=$root/models/tiny-coder-moe-Q4_K_M.gguf

run "$pv" inspect "$model"
exits 0
same "$err" '' 'standard error'
says 'architecture qwen3moe'
says 'size 10.2 MB (10207520 bytes), 51 tensors, 27 keys'
says 'parameters 16 million (16009984), of which a token meets 6.57 million'
says 'types 5.04 bits for each parameter'
says 'Q4_K 15 tensors, 75.3 % of the parameters, 67.3 % of the bytes'
says 'layers 4 of width 256, feed-forward of width 768, vocabulary 4096, context 4096'
says 'attention 8 heads, 2 of keys and values, of 64 elements each'
says 'experts 16, 4 for each token, of width 256'
says 'RoPE base 1000000, no scaling'
says 'tokenizer gpt2, split as qwen2, 4096 tokens, begins with 4094, ends with 4094'
says 'chat template none'
says 'computed yes, as one of the Qwen3 Mixture-of-Experts models'
says 'pv validate --model FILE judges it'
says 'text yes'
silent 'not computed'
silent 'parts'
run "$pv" inspect --json "$model"
exits 0
field "d['schema'], d['computed'], d['not_computed'], d['text'], d['chat_template'], len(d['parts'])" \
  "pv/inspect/v1 True None True None 1"
field "d['parameters'] == {'all': sum(t['parameters'] for t in d['types']), 'of_a_token': 6572800}" True
field "d['shape']['experts'], d['shape']['vocabulary'], d['rope']" "16 4096 {'base': 1000000.0, 'scaling': {}, 'factors': []}"
run "$pv" tensors --json "$model" # the same file, counted by somebody else
field "sum(t['dims'][0] * t['dims'][1] * t['dims'][2] for t in d['tensors'])" 16009984

# not NAME WORDS: the file is shown, and WORDS say why it is not computed, with the place.
not() {
  run "$pv" inspect "$1.gguf"
  exits 0
  says "computed no: $2"
  run "$pv" inspect --json "$1.gguf"
  exits 0
  field "d['computed'], '$3' in d['not_computed']['message'], d['not_computed']['cure'] != None" 'False True True'
}
not iq3_s "tensor 'blk.1.ffn_up_exps.weight' is IQ3_S, which pv does not compute" 'is IQ3_S'
run "$pv" inspect iq3_s.gguf
says 'IQ3_S 2 tensors, 13.1 % of the parameters, 9.2 % of the bytes: not computed'
says 'of iq3_s.gguf [PV-MODEL-TENSOR-TYPE]'
not longrope "qwen3moe.rope.scaling.type is" longrope
run "$pv" inspect longrope.gguf
says 'RoPE base 1000000, scaling: type longrope'
not mamba "the model's architecture is" mamba
run "$pv" inspect mamba.gguf # its keys are still those of another
says 'layers not told, vocabulary 4096'
not bias "tensors that the architecture does not know: 1 of 52" attn_q.bias

# Tokenizers and templates of strangers, and what they would do to a terminal.
python3 - <<'PY'
import struct
def text(t): return struct.pack('<Q', len(t)) + t
def key(name, value): return text(name) + struct.pack('<I', 8) + text(value)
template = b'{% if a %}\x1b[2J\n' + b'x' * 71 + '\u00e9\u00e9'.encode() + b'\n\xe2\x80\xae\n fourth'
keys = [key(b'general.architecture', b'clip'), key(b'general.name', b'\x1b[31mred\n'),
        key(b'tokenizer.ggml.model', b'bert'), key(b'tokenizer.chat_template', template),
        text(b'clip.rope.scaling.\xff') + struct.pack('<If', 6, float('nan')),
        text(b'clip.attention.head_count') + struct.pack('<IIQII', 9, 4, 2, 8, 4)]
open('clip.gguf', 'wb').write(b'GGUF' + struct.pack('<IQQ', 3, 0, len(keys)) + b''.join(keys))
PY
run "$pv" inspect clip.gguf
exits 0
says 'name \x1b[31mred\x0a'
says 'types none: the file has no tensors'
says 'attention [8, 4] heads'
says 'scaling: \xff nan'
says 'tokenizer bert, 0 tokens'
says '| {% if a %}\x1b[2J'
says "| $(printf 'x%.0s' {1..71}) ..."
silent 'fourth'
says 'text no: tokenizer.ggml.model is "bert"; only "gpt2" and "llama" can be read'
says "computed no: the model's architecture is 'clip'"
same "$(tr -d '\n[:print:]' <<<"$out")" '' 'bytes that are not printed'
run "$pv" inspect --json clip.gguf
exits 0
field "d['name'] == '\x1b[31mred\n', d['chat_template'][-6:], d['rope']['scaling'], d['shape']['heads']" \
  "True fourth {'\\\\xff': 'nan'} [8, 4]"

# A tokenizer with scores is read.
python3 "$here/scored.py" "$model" scored.gguf
run "$pv" inspect scored.gguf
exits 0
says 'tokenizer llama, 265 tokens, begins with 1, ends with 2'
says 'text yes'

# A set is one model, and each part is told.
python3 "$here/split.py" "$model" t 10 30 || bad 'no parts'
run "$pv" inspect t-00002-of-00003.gguf
exits 0
says 'parts 3'
says 't-00001-of-00003.gguf: 10 tensors, '
says 't-00003-of-00003.gguf: 11 tensors, '
says "($(cat t-*.gguf | wc -c) bytes), 51 tensors, 30 keys"
says 'computed yes'

# What is no sound GGUF file is one error.
for file in type99.gguf part.gguf; do
  run "$pv" inspect "$file"
  exits 2
  same "$out" '' "what is said of $file"
  same "$(grep -c error: <<<"$err")" 1 "errors about $file"
done
run "$pv" inspect
exits 2
warns 'name a model file'
finish

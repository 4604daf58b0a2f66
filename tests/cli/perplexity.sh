#!/usr/bin/env bash
# pv perplexity over the real model: its figures beside those that Python makes from traces of the same
# tokens, bases of every kind, what is refused.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
model=$(cd "$here/../.." && pwd)/models/tiny-coder-moe-Q4_K_M.gguf
for i in 1 2 3 4 5 6; do
  printf 'class Stack%s:\n    def push(self, item):\n        self.items[%s] = item\n' "$i" "$((i * 7))"
done >text
ppl() { run "$pv" perplexity "$@"; }
# Three chunks of 24 tokens, of which 11 are scored.
small() { ppl "$model" --text text --context 24 --chunks 3 "$@"; }

run "$pv" perplexity --help
exits 0
says 'Usage: pv perplexity MODEL'
for option in --text --against --against-model --against-logits --context --save-logits --json; do says " $option "; done

# The figures are those of the definition: each chunk by itself, ids of the file that is saved.
small --side f64 --against cpu:i8 --save-logits saved --json
exits 0
one=$out
ids=$(python3 -c "import struct; b = open('saved', 'rb').read(); print(*struct.unpack_from('<72I', b, 20), sep=',')")
for chunk in 1 2 3; do
  part=$(cut -d, -f$((24 * chunk - 23))-$((24 * chunk)) <<<"$ids")
  for side in f64 cpu:i8; do
    "$pv" trace --model "$model" --ids "$part" --side $side --stage logits --out "$side-$chunk" >/dev/null || bad 'no trace'
  done
done
cat >want.py <<'PY'
import array, json, math, statistics as st, sys
d, ids = json.load(sys.stdin), list(map(int, sys.argv[1].split(',')))
vocab = 4096
def rows(side, chunk):
    m = json.load(open(f'{side}-{chunk}/manifest.json'))
    t = m['tensors'][0]
    a = array.array('d' if side == 'f64' else 'f', open(f"{side}-{chunk}/{t['file']}", 'rb').read())
    return [a[i * vocab:(i + 1) * vocab] for i in range(24)]
def logs(row):
    most = max(row)
    total = most + math.log(math.fsum(math.exp(x - most) for x in row))
    return [x - total for x in row]
nll, base, kl, dp, same = [], [], [], [], 0
for chunk in range(3):
    sides = rows('f64', chunk + 1), rows('cpu:i8', chunk + 1)
    for p in range(12, 23):
        q, b = logs(sides[0][p]), logs(sides[1][p])
        token = ids[chunk * 24 + p + 1]
        nll.append(-q[token]), base.append(-b[token])
        kl.append(math.fsum(math.exp(y) * (y - x) for x, y in zip(q, b)))
        dp.append(math.exp(q[token]) - math.exp(b[token]))
        same += q.index(max(q)) == b.index(max(b))
n = len(nll)
def mean(x): return math.fsum(x) / n, st.stdev(x) / math.sqrt(n)
def near(got, value, error, scale=1.0):
    ok = abs(got['value'] - value) <= 1e-12 * scale and abs(got['standard_error'] - error) <= 1e-12 * scale
    print('ok' if ok else f'{got} is not {value} +- {error}')
near(d['nll'], *mean(nll))
near(d['perplexity'], math.exp(mean(nll)[0]), math.exp(mean(nll)[0]) * mean(nll)[1], 1e3)
c = d['cost']
near(c['base_nll'], *mean(base))
near(c['log_ratio'], *mean([x - y for x, y in zip(nll, base)]))
near(c['kl_divergence']['mean'], *mean(kl))
near(c['probability_difference']['mean'], *mean(dp))
squares = mean([x * x for x in dp])
near(c['probability_difference']['rms'], squares[0] ** .5, .5 / squares[0] ** .5 * squares[1])
near(c['same_top'], same / n, (same / n * (1 - same / n) / (n - 1)) ** .5)
at = {x['fraction']: x['value'] for x in c['kl_divergence']['quantiles']}
print('ok' if [at[0], at[1], at[.5]] == [min(at.values()), max(at.values()), at[.5]]
      and abs(at[.5] - st.median(kl)) < 1e-12 and abs(at[1] - max(kl)) < 1e-12 else at)
print(n, d['scored'])
PY
same "$(python3 want.py "$ids" <<<"$one" | uniq -c | tr -s ' \n' ' ')" ' 9 ok 1 33 33 ' 'figures'
field "d['schema'], d['context'], d['chunks'], d['bos'], d['finite'], d['not_finite']" 'pv/perplexity/v1 24 3 None True None'
field "d['side']['name'], d['against']['name'], d['side']['model'] == d['against']['model']" 'f64 cpu:i8 True'

# Beside itself a side costs nothing, exactly; another backend's bits neither.
small --against scalar
exits 0
says 'chunks: 3 of 24 tokens; scored: 33, the tokens 13 to 23 of each'
says 'ratio of the perplexities 1.000000 +- 0.000000'
says 'the same top token 100.000000 +- 0.000000 %'
says 'largest 0 0'
if grep -q ' $' <<<"$out"; then bad "blanks at the end of a line"; else ok; fi

# A file of logits: of the same side within what 16 bits leave; of ours, and through its ids alone.
ppl "$model" --side f64 --against-logits saved --json
exits 0
field "d['nll']['value'] == $(python3 -c "import json,sys; print(json.load(sys.stdin)['nll']['value'])" <<<"$one")" True
field "abs(d['cost']['kl_divergence']['mean']['value']) < 1e-5, abs(d['cost']['log_ratio']['value']) < 1e-4" 'True True'
field "d['cost']['same_top']['value'], d['against']['logits'], d['against']['name']" '1.0 saved None'
ppl "$model" --side f64 --against-logits saved --chunks 1
exits 0
says 'against the logits in saved'
says 'chunks: 1 of 24 tokens; scored: 11, the tokens'
head -c 1000 saved >short
ppl "$model" --against-logits short
exits 2
warns 'short: error: the file has 1000 bytes, not the '
warns 'it was cut: write it again'
ppl "$model" --against-logits text
exits 2
warns 'text: error: this is no file of base logits'
small --save-logits saved
exits 2
warns "'saved' exists"

# A trace is one chunk, another engine is run for each.
first=$(cut -d, -f1-24 <<<"$ids")
ppl "$model" --ids "$first" --context 24 --side f64 --json
exits 0
want=$(python3 -c "import json,sys; print(json.load(sys.stdin)['nll'])" <<<"$out")
ppl "$model" --side trace:f64-1 --json
exits 0
field "d['nll']" "$want"
field "d['context'], d['chunks'], d['side']['name']" '24 1 trace:f64-1'
small --side trace:f64-1
exits 2
warns 'a trace of 24 positions is not one chunk of 24'
ppl "$model" --text text --context 24 --chunks 1 --side trace:f64-2
exits 2
warns 'the trace is of other tokens'
"$pv" trace --model "$model" --ids "$first" --stage embedding --out bare >/dev/null
ppl "$model" --side trace:bare
exits 2
warns 'the logits of positions 12 to 22 were not recorded'
printf '%s\n' '#!/bin/sh' 'while [ $# -gt 1 ]; do' 'case $1 in --model) m=$2 ;; --ids) i=$2 ;; --out) o=$2 ;; esac' \
  'shift 2' 'done' "exec '$pv' trace --model \"\$m\" --ids \"\$i\" --stage logits --out \"\$o\"" >writer
chmod +x writer
mkdir tmp
TMPDIR=$work/tmp small --side engine:./writer --against cpu:i16 --json
exits 0
field "d['chunks'], d['cost']['log_ratio']['value'], d['cost']['kl_divergence']['mean']['value']" '3 0.0 0.0'
same "$(ls -A tmp)" '' 'left in TMPDIR'

# Another file of the same text, and one that reads it otherwise.
ppl "$model" --text text --context 24 --against-model "$model"
exits 0
says 'ratio of the perplexities 1.000000'
"$pv" synth --layers 1 --out other.gguf >/dev/null
"$pv" synth --layers 1 --vocab 300 --out smaller.gguf >/dev/null
ppl "$model" --ids "$first" --context 24 --against-model smaller.gguf
exits 2
warns 'of other vocabularies: 4096 and 300 tokens'
ppl "$model" --text text --context 24 --against-model other.gguf
exits 2
warns "the two models read 'text' as different tokens"

# bos takes the place of the first token of each chunk; ids are taken as they are.
cp "$model" bos.gguf
chmod u+w bos.gguf
at=$(grep -abo tokenizer.ggml.add_bos_token bos.gguf | head -1 | cut -d: -f1)
printf '\001' | dd of=bos.gguf bs=1 seek=$((at + 28 + 4)) conv=notrunc 2>/dev/null
ppl bos.gguf --text text --context 24 --chunks 2 --side cpu:i16 --save-logits with --json
exits 0
field "d['bos']" 4094
begun=$out
ppl bos.gguf --text text --context 24 --chunks 2
says 'of 24 tokens, each begun with bos;'
seen=$(python3 -c "
import struct
ids = struct.unpack_from('<48I', open('with', 'rb').read(), 20)
print(*ids[:24], 4094, *ids[25:], sep=',')")
same "${seen%%,*}" 4094 'the text begins with bos'
ppl bos.gguf --ids "$seen" --context 24 --json
exits 0
field "d['bos'], d['nll'] == $(python3 -c "import json,sys; print(json.load(sys.stdin)['nll'])" <<<"$begun")" 'None True'
ppl bos.gguf --against-logits with --json
exits 0
field "d['bos'], abs(d['cost']['kl_divergence']['mean']['value']) < 1e-5" '4094 True'

# Without the key a tokenizer with scores wants bos, and another one does not.
python3 "$here/scored.py" "$model" scored.gguf
ppl scored.gguf --text text --context 24 --chunks 1 --json
exits 0
field "d['bos']" 1
ppl "$model" --text text --context 24 --chunks 1 --json
exits 0
field "d['bos']" None

# What is no number is a finding, and no file is left of it.
small --side cpu:i16@nan_in_one_element:layer=0 --save-logits broken
exits 1
says 'NOT FINITE: the logit of token 0 at position 12 of chunk 0 is nan by cpu:i16@nan_in_one_element'
silent 'perplexity 1'
if [ -e broken ]; then bad 'a file of logits that lacks rows'; else ok; fi
small --against cpu:i16@nan_in_one_element:layer=0 --json
exits 1
field "d['finite'], d['nll'], d['cost'], d['not_finite']['value'], d['not_finite']['side'][:8]" 'False None None nan cpu:i16@'

# Calls that ask for nothing, or for two things.
ppl "$model"
exits 2
warns 'add --text FILE'
ppl --text text
exits 2
warns 'name the model'
ppl "$model" --text text --ids 1,2,3
exits 2
warns 'give either --text or --ids'
ppl "$model" --text text --against-logits saved
exits 2
warns 'says itself which tokens it is of'
ppl "$model" --against f64 --against-logits saved
exits 2
warns 'takes the place of --against'
ppl "$model" --text text
exits 2
warns 'are no chunk of 512'
ppl "$model" --text text --context 2
exits 2
warns '--context'
ppl "$model" --ids "$first,$first" --context 4097
exits 2
printf 'a\377b' >latin
ppl "$model" --text latin --context 3
exits 2
warns 'latin'
ppl "$model" --text nowhere
exits 2
warns 'nowhere'
ppl "$model" --ids 1,2,4096 --context 3
exits 2
warns 'token id 4096 is outside 0..4095'
finish

#!/usr/bin/env bash
# pv bench --profile on each code path: rows that add up to the whole, a table for any width, pictures,
# and what is refused.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
model=$here/../../models/tiny-coder-moe-Q4_K_M.gguf
bench=("$pv" bench --model "$model" --threads 2 --tokens 2 --repeats 2 --prefill 9 --context 0,5)

for side in cpu scalar; do
  run "${bench[@]}" --side "$side" --profile --json
  exits 0
  field "[(p['phase'], p['size']) for p in d['profile']['of']]" "[('prefill', 9), ('decode', 0), ('decode', 5)]"
  all="for p in d['profile']['of']"
  field "all(abs(sum(r['seconds']['median'] for r in p['rows']) + p['between']['median'] - p['sum_s']) < 1e-9 $all)" True
  field "all(abs(sum(r['share'] for r in p['rows']) + p['between']['median'] / p['sum_s'] - 1) < 1e-9 $all)" True
  field "all(p['seconds']['min'] <= p['seconds']['median'] <= p['seconds']['max'] $all)" True
  field "[len([s for r in p['rows'] for s in r['stages']]) $all]" '[23, 23, 23]'
  field "all(r['floor']['seconds'] > 0 and r['calls'] >= 1 $all for r in p['rows'] if r['stages'])" True
  field "[q['name'] for q in d['profile']['ceilings']['peaks']]" "['integer', 'f32']"
done
# On a terminal of so many columns: what comes after the figures of every bench.
cat >terminal.py <<'PY'
import fcntl, os, pty, struct, subprocess, sys, termios
master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 24, int(sys.argv[1]), 0, 0))
child = subprocess.Popen(sys.argv[2:], stdout=slave, stderr=subprocess.DEVNULL)
os.close(slave)
seen = b''
try:
    while chunk := os.read(master, 65536):
        seen += chunk
except OSError:
    pass
sys.stdout.write(seen.decode().replace('\r\n', '\n'))
sys.exit(child.wait())
PY
for width in 60 80; do
  run python3 terminal.py "$width" "${bench[@]}" --profile --svg "$work/pictures"
  exits 0
  table=$(sed -n '/^$/,$p' <<<"$out")
  same "$(awk -v most="$width" 'length > most' <<<"$table")" '' "lines beyond $width columns"
  for text in 'prefill of 9: ' 'a token decoded after 5: ' 'mm: q, k, v ' 'attend: attn_out ' 'round ' \
    'rest: between them ' 'all ' ' % memory' 'memory: ' 'integer: '; do
    says "$text"
  done
  for line in 'rmsnorm, rope: q_rope, k_rope' 'route: moe_router, moe_router_indices'; do
    same "$(grep -cxF -- "$line" <<<"$out")" $((width == 60 ? 3 : 0)) "'$line' alone at $width columns"
  done
done
same "$(ls pictures | tr '\n' ' ')" 'decode-0.svg decode-5.svg prefill-9.svg ' pictures
for picture in pictures/*.svg; do
  same "$(python3 -c "import sys, xml.dom.minidom as m; d = m.parse(sys.argv[1])
print(sum(t.firstChild is not None and t.firstChild.data == 'rest: between them' for t in d.getElementsByTagName('text')))" "$picture")" 1 "$picture"
done

# What comes to nothing is said at once.
run "${bench[@]}" --svg "$work/none"
exits 2
warns '--svg is a picture of a profile: it needs --profile'
run "${bench[@]}" --side ptx --profile
exits 2
warns 'there is no profile of the side ptx: it is interpreted'
warns 'ask for --side cuda or cpu'
run "${bench[@]}" --side trace:none --profile
exits 2
warns 'a trace computes nothing: trace:none'
run "${bench[@]}" --profil
exits 2
warns "--profile"
: >taken
run "${bench[@]}" --profile --svg taken
exits 2
warns taken
same "$out" '' 'nothing is printed'
finish

#!/usr/bin/env bash
# Each tolerance of the contracts lies above what a sound side needs and below what each fault needs
# that its falsifier must catch, and docs/numerics.md says by how much. With PV_GATES=print the
# figures alone are printed: contract, falsifier, sound, smallest fault.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
cd "$here/../.." || exit 1
page=docs/numerics.md

# What `pv explain` says of each falsifier in the table, one after another.
sed -nE 's/^\| `[a-z0-9-]+` \| `(F_[A-Z0-9_]+)` \| `[^`]+` \|.*/\1/p' "$page" | while read -r id; do
  "$pv" explain "$id"
done >"$work/falsifiers"

cat >"$work/gates.py" <<'PY'
import json, re, struct, subprocess, sys

probe, falsifiers = sys.argv[1:]
said = ('rule', 'prediction', 'judges', 'must catch', 'if it fails')
gates = []
for line in open(falsifiers):
    head = re.match(r'(\S+) \S+, (\S+), bound to the check (\S+)$', line)
    if head:
        gates.append({'contract': head[1], 'id': head[2], 'check': head[3], 'with': {}, 'faults': []})
    elif line[2:].startswith('must catch'):
        gates[-1]['faults'].append(line.split()[-1])
    elif re.match(r'  [a-z_]+ ', line) and not line[2:].startswith(said):
        name, value = line.strip().split(None, 1)
        number = re.fullmatch(r'[0-9][0-9.e-]*', value)
        gates[-1]['with'][name] = json.loads(value) if number else value
# Speed and memory have no defect that could be planted.
gates = [g for g in gates if g['faults']]


def key(gate, fault):
    """The definition stands in, whatever the backend: what is alike is measured once."""
    alike = {k: v for k, v in gate['with'].items() if k != 'backend'}
    return json.dumps([gate['check'], alike, fault], sort_keys=True)


asked = {key(g, fault): {'id': key(g, fault), 'check': g['check'], 'with': g['with'], 'fault': fault}
         for g in gates for fault in ['none'] + g['faults']}
request = {'protocol': 1, 'nonce': '0' * 32, 'model': 'models/tiny-coder-moe-Q4_K_M.gguf',
           'reference': 'models/tiny-coder-moe.reference', 'threads': 2, 'backend': 'cpu',
           'falsifiers': list(asked.values())}
answers = subprocess.run(['bash', '-c', 'exec "$0" serve 3>&1 >/dev/null', probe],
                         input=json.dumps(request).encode(), stdout=subprocess.PIPE, check=True).stdout
results = {}
while answers:
    size = struct.unpack('<I', answers[4:8])[0]
    frame = json.loads(answers[16:16 + size])
    answers = answers[16 + size:]
    if frame['type'] == 'result':
        results[frame['id']] = frame

def distance(gate, result):
    """What the gate bounds: smaller is better; None: the check gives no figure."""
    if gate['check'] == 'gemv.bound':
        return result['metrics']['worst_error_over_bound']
    needed = result['needed_tolerance']
    return 1 - needed if needed is not None and 'min_cosine' in gate['with'] else needed

def reach(gate, result):
    """The same of a fault; where the sound side has a figure and this none, no tolerance would do."""
    figure = distance(gate, result)
    return float('inf') if figure is None else figure

def bound(gate):
    w = gate['with']
    return 1 - w['min_cosine'] if 'min_cosine' in w else w.get('tolerance', w.get('max_ulp', 1))

wrong = []
for g in gates:
    name = f"{g['contract']} {g['id']}"
    sound = results[key(g, 'none')]
    broken = {f: results[key(g, f)] for f in g['faults']}
    if sound['verdict'] != 'PASS':
        wrong.append(f'{name} is {sound["verdict"]} without a fault')
    wrong += [f'{name} with {f} is {r["verdict"]}' for f, r in broken.items() if r['verdict'] != 'FAIL']
    floor = distance(g, sound)
    if floor is None:
        print(f"| `{g['contract']}` | `{g['id']}` | - | - |")
        continue
    least = min(g['faults'], key=lambda f: reach(g, broken[f]))
    smallest = reach(g, broken[least])
    if not floor <= bound(g) < smallest:
        wrong.append(f'{name}: not {floor} <= {bound(g)} < {smallest} of {least}')
    print(f"| `{g['contract']}` | `{g['id']}` | {floor:.0e} | {smallest:.0e} `{least}` |")
for line in wrong:
    print('wrong:', line)
PY
run python3 "$work/gates.py" "$(dirname "$pv")/pv-probe" "$work/falsifiers"
if [ "${PV_GATES:-}" = print ]; then
  echo "$out$err"
  exit "$code"
fi
exits 0
silent 'wrong:'
if [ "$(grep -c '^|' <<<"$out")" -ge 15 ]; then ok; else bad 'too few gates were measured'; fi
# The figures of the page; rows in which nothing was planted have none.
same "$(sed -nE 's/^(\| `[a-z0-9-]+` \| `F_[A-Z0-9_]+` \|) `[^`]+` \| [a-z ]+ (\| [^|]+ \| [^|]+ \|)$/\1\2/p' "$page" |
  sed 's/||/|/' | grep -v '| none |$')" "$out" "$page"
finish

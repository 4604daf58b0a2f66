#!/usr/bin/env bash
# Exit codes: one table, in the help and in docs/exit-codes.md, and 130 at once when Ctrl-C is pressed in
# a command that takes long.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
root=$(cd "$here/../.." && pwd)
model=$root/models/tiny-coder-moe-Q4_K_M.gguf

printed=$("$pv" help | sed -nE '/^Exit codes:/,$s/^  ([0-9]+) +(.*)$/\1 \2/p')
same "$(grep -c . <<<"$printed")" 7 'exit codes in the help'
same "$(sed -nE 's/^\| ([0-9]+) \| (.*) \|$/\1 \2/p' "$root/docs/exit-codes.md")" "$printed" 'docs/exit-codes.md'
for command in $(grep -oE '^\| `pv .*' "$root/docs/exit-codes.md" | grep -oE '`pv [a-z]+' | cut -d' ' -f2); do
  run "$pv" "$command" --help
  exits 0
done

yes 'def f(x): return x' | head -4000 >text
ids=$(yes 861 | head -500 | paste -sd,)
contract slow ACTIVE_ALGORITHM_LEVEL "F_HANG router.topk_rule ACTIVE_ALGORITHM_LEVEL"
sed -i 's/timeout_s: 1$/timeout_s: 200/' contracts/slow.yaml
# One that is still at it when the others have begun; the limit only ends what hangs.
cat >interrupt.py <<'PY'
import re, signal, subprocess, sys, time
def begin(line):
    return subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
def busy(child):  # past the start of the program: it listens to SIGINT, and has computed, or waits for a probe that hangs
    fields = open(f"/proc/{child.pid}/stat").read().rsplit(")", 1)[1].split()
    caught = int(re.search(r"SigCgt:\s*(\w+)", open(f"/proc/{child.pid}/status").read()).group(1), 16)
    return caught >> signal.SIGINT - 1 & 1 and int(fields[11]) + int(fields[12]) >= 5
child = begin(sys.argv[1:])
end = time.monotonic() + 200
while child.poll() is None and not busy(child) and time.monotonic() < end: time.sleep(0.01)
if child.poll() is not None: print("it ended by itself:", child.returncode, child.stderr.read())
child.send_signal(signal.SIGINT)
said = child.communicate(timeout=200)[1]
print(child.returncode, said)
PY
# interrupted WORD...
interrupted() {
  run python3 interrupt.py "$pv" "$@"
  same "${out%% *}" 130 "pv $1 after Ctrl-C: $out"
  if grep -q interrupted <<<"$out"; then ok; else bad "pv $1 does not say so: $out"; fi
}
interrupted trace --model "$model" --ids "$ids" --side f64 --out trace
interrupted compare cpu:i16 f64 --model "$model" --random 512
interrupted bisect cpu:i16 cpu:i16 --model "$model" --random 64 --faults
interrupted judge cpu:f32-f64acc --as float32 --model "$model" --ids "$ids"
interrupted noise cpu:i16 --model "$model" --ids "$ids" --repeats 64
interrupted perplexity "$model" --text text --context 128 --against f64
interrupted bench --model "$model" --tokens 512 --repeats 20
interrupted run --model "$model" --ids 1 --tokens 4000 --side f64 --ignore-eos
finish

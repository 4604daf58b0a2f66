#!/usr/bin/env bash
# tests/bench/peer.sh over a llama-bench that a script plays: what it runs, and the table.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
script=$here/../bench/peer.sh
peer() { run bash "$script" --pv "$pv" "$@"; }
peer --help
exits 0
says 'usage: tests/bench/peer.sh'
peer --speed 3
exits 2
warns '--speed is no option'
peer --rounds 0
exits 2
warns '--rounds takes a number'
peer --llama
exits 2
warns '--llama takes a value'
peer --llama nowhere --model small.gguf
exits 2
warns 'no nowhere/bin/llama-bench'

# 1000 tokens/s in each prefill and 500 in decode, and one of five that took longer.
mkdir -p play/bin
cat >play/bin/llama-bench <<'SH'
#!/usr/bin/env bash
[ -z "${PLAY_BROKEN:-}" ] || { echo 'out of memory' >&2; exit 1; }
while [ $# -gt 0 ]; do
  case $1 in -p) prompt=$2 ;; -n) tokens=$2 ;; -t) threads=$2 ;; esac
  shift
done
rate=1000
[ "$tokens" = 0 ] || rate=500
[ -z "${PLAY_OTHER:-}" ] || prompt=$((prompt + 1))
echo "[{\"n_prompt\": $prompt, \"n_gen\": $tokens, \"n_depth\": 0, \"n_threads\": $threads, \"samples_ts\": [$rate, $rate, 3, $rate, $rate]}]"
SH
chmod +x play/bin/llama-bench
run "$pv" synth --layers 1 --hidden 32 --heads 2 --kv-heads 1 --head-dim 8 --experts 4 --used 2 \
  --ffn 32 --vocab 300 --layout Q8_0 --out small.gguf
exits 0
peer --llama play --model small.gguf --rounds 2 --repeats 1 --threads 1 --out here
exits 0
says '| small | decode after 0 | 500 (500 to 500) |'
says '| small | prefill of 128 | 1000 (1000 to 1000) |'
says '2 rounds of 1 repeats in turn'
says 'round 2, small, llama; load'
same "$(grep -c 'round' here/rounds/state)" 4 'runs'
same "$(cut -f 1 here/rounds/state | sed 's/.*, //' | tr '\n' ' ')" 'pv llama llama pv ' 'their order'
same "$out" "$(cat here/peer.md)" 'the table in its file'
out=$(cat here/peer.json)
field "sorted((r['what'], r['size'], r['llama_cpp']['median']) for r in d['rows'])" "[('decode', 0, 500.0), ('prefill', 128, 1000.0)]"
field "all(r['pv']['min'] > 0 and r['ratio']['median'] > 0 for r in d['rows'])" True
PLAY_OTHER=1 peer --llama play --model small.gguf --rounds 1 --repeats 1 --threads 1 --out here
exits 1
warns 'did not measure the same'
PLAY_BROKEN=1 peer --llama play --model small.gguf --rounds 1 --repeats 1 --threads 1 --out here
exits 2
warns 'llama-bench: out of memory'
finish

#!/usr/bin/env bash
# engines/llama.cpp/sweep.sh over a writer that pv itself stands in for: sound, with a defect, and one
# that fails.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
root=$(cd "$here/../.." && pwd)
sweep=$root/engines/llama.cpp/sweep.sh
model=$root/models/tiny-coder-moe-Q4_K_M.gguf
export PV=$pv

# writer SIDE: a program that is called as pv-trace-llamacpp is.
writer() {
  cat >writer <<END
#!/usr/bin/env bash
[ -z "\$FAIL" ] || { echo 'error: no such luck' >&2; exit 1; }
"$pv" trace --side "$1" "\${@:1:6}" >/dev/null || exit
sed -i 's/"numerics": "[^"]*"/"numerics": "float32", "observer": "the same bits of the logits"/' "\$6/manifest.json"
END
  chmod +x writer
}
export FAIL=''

run "$sweep"
exits 2
warns 'call: sweep.sh'
run "$sweep" --nonsense a b
exits 2
warns 'there is no option --nonsense'
writer cpu:f32-f64acc
run "$sweep" --only 'calls of 7' ./writer "$model"
exits 2
warns "there is no kind of configuration 'calls of 7'"
run "$sweep" ./writer nowhere.gguf
exits 2
warns 'nowhere.gguf is not here'

run "$sweep" --only 'not repacked' ./writer "$model"
exits 0
says '| tiny-coder-moe-Q4_K_M | not repacked | 6 | 6 | none |'
says '| 6 |'
silent 'Not explained'

writer cpu:f32-f64acc@wrong_head_group
run "$sweep" --only 'not repacked' ./writer "$model"
exits 1
says '| not repacked | 6 | 0 | attn_out of layer 0 (1 tokens) |'
# shellcheck disable=SC2016 # backquotes of Markdown
says '- tiny-coder-moe-Q4_K_M, not repacked, 4 tokens, `--flash off --repack off`: outside, attn_out of layer 0'

FAIL=1
run "$sweep" --only 'not repacked' ./writer "$model"
exits 2
says '| not repacked | 6 | 0 | not run | - | 0 |'
says 'not run, error: no such luck'
finish

#!/usr/bin/env bash
# `pv explain` knows every word that pv prints: those of the tables that hold them, and those that stand
# in capitals in what real runs print.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
root=$(cd "$here/../.." && pwd)
model=$root/models/tiny-coder-moe-Q4_K_M.gguf
asked=0

# knows WORD...: each, and what is said of it begins with it.
knows() {
  local word
  for word in "$@"; do
    asked=$((asked + 1))
    if out=$("$pv" explain "$word" 2>&1) && [[ $out = "$word"[,:\ ]* ]]; then ok; else bad "pv explain '$word': $out"; fi
  done
}
# words_of FILE FIRST-LINE: the strings of a function or a table of a source.
words_of() {
  local list
  mapfile -t list < <(sed -n "/$2/,/^}/p" "$root/$1" | grep -oE '"[^"]+"' | tr -d '"')
  same "$([ "${#list[@]}" -ge "$3" ] && echo enough)" enough "$1: ${#list[@]} words behind $2"
  knows "${list[@]}"
}

words_of validator/model/verdict.c '^static const char \*const verdict_names' 10
words_of validator/model/verdict.c '^static const char \*const status_names' 6
words_of validator/model/verdict.c '^static const char \*const stage_names' 4
words_of reports/render/view.c '^const char \*pv_view_outcome(' 6
words_of validator/model/result.c '^const char \*pv_source_name' 3
knows 'this run'

# Exit codes: of the function that gives them, of the help text and of the README.
mapfile -t list < <({
  sed -n '/^int pv_code_exit/,/^}/p' "$root/base/error.c" | sed -nE 's/ *return ([0-9]+);/\1/p'
  "$pv" --help | tr '\n' ' ' | grep -oE '\b[0-9]+ (what|something|the input|nothing|internal|whoever)' | cut -d ' ' -f 1
  sed -nE 's/^\| ([0-9]+) \|.*/\1/p' "$root/README.md" "$root/docs/conventions.md"
} | sort -u)
same "${#list[@]}" 7 "exit codes: ${list[*]}"
knows "${list[@]}"

# Rules, and errors about a model's file, wherever a source names one.
mapfile -t list < <(grep -oE '"PV[0-9]{3}"' "$root/validator/rules/catalog.c" | tr -d '"' | sort -u)
knows "${list[@]}"
mapfile -t list < <(cd "$root" && git ls-files -z -- base kernels runtime validator | grep -zE '\.c$' |
  grep -zvF runtime/probe/words.c | xargs -0 grep -hoE '"PV-[A-Z0-9-]+"' | tr -d '"' | sort -u)
same "$([ "${#list[@]}" -ge 25 ] && echo enough)" enough "${#list[@]} errors"
knows "${list[@]}"

# What the probe describes of itself, from its tables of checks, sides, identities and faults; stages and
# identities of other engines by what other commands print of them.
described=$("$(dirname "$pv")/pv-probe" describe)
mapfile -t list < <(python3 -c '
import json, sys
d = json.load(sys.stdin)
print("\n".join([c["name"] for c in d["checks"]] + list(d["sources"]) + list(d["identities"])))' <<<"$described")
knows "${list[@]}"
mapfile -t list < <("$pv" faults --names)
knows "${list[@]}"
"$pv" trace "$model" --ids 1 --out trace >/dev/null
mapfile -t list < <(python3 -c '
import json
print("\n".join(sorted({t["stage"] for t in json.load(open("trace/manifest.json"))["tensors"]})))')
same "$([ "${#list[@]}" -ge 20 ] && echo enough)" enough "${#list[@]} stages"
knows "${list[@]}"
run "$pv" judge trace:trace --as nothing --model "$model"
mapfile -t list < <(sed -nE 's/.*has limits for are ([^;]*);.*/\1/p' <<<"$err" | sed 's/ and /, /; s/, /\n/g')
same "$([ "${#list[@]}" -ge 4 ] && echo enough)" enough "${#list[@]} identities of other engines: $err"
knows "${list[@]}"
# Findings about kernels, from the sources that make them; headings of reports.
mapfile -t list < <(cd "$root" && sed -n '/^static const char \*const names/,/^}/p' kernels/ptx/fault.c |
  grep -oE '"[^"]+"' | tr -d '"' | grep -vxF 'no fault')
same "$([ "${#list[@]}" -ge 8 ] && echo enough)" enough "${#list[@]} findings: ${list[*]}"
knows "${list[@]}"
mapfile -t list < <(cd "$root" && sed -nE 's/.*"(\\n)?([A-Z][A-Z0-9 -]{5,}[A-Z0-9])[^A-Za-z0-9_-].*/\2/p' runtime/probe/{bisect_text,noise_text,perplexity_report}.c | sort -u)
same "$([ "${#list[@]}" -ge 10 ] && echo enough)" enough "${#list[@]} headings: ${list[*]}"
knows "${list[@]}"
mapfile -t list < <(cd "$root" && sed -nE 's/.*(finding|found)\(j, "([^"]*)".*/\2/p; s/.*\.kind = "([^"]+)".*/\1/p' \
  runtime/guest/*.c runtime/library/*.c | sort -u)
same "$([ "${#list[@]}" -ge 10 ] && echo enough)" enough "${#list[@]} findings: ${list[*]}"
knows "${list[@]}"

# Capitals in what real runs print: words with a line below, and single ones. Headings that begin a line, and
# names that are not pv's own, are left out.
cp -r "$root/contracts" "$root/models" .
mkdir -p reports
cp -r "$root/reports/published" reports
"$pv" synth --layers 1 --experts 4 --used 2 --vocab 512 --out small.gguf >/dev/null
model=small.gguf
{
  "$pv" validate --model "$model" --ids 1,2,3
  "$pv" validate contracts/moe-router-v1.yaml
  "$pv" status
  "$pv" bisect cpu:i16 cpu:i16@rope_pairs:layer=2 --model "$model" --random 4
  "$pv" compare cpu:i16 cpu:i8 --model "$model" --ids 1
  "$pv" judge cpu:f32-f64acc --as float32 --model "$model" --ids 1
  "$pv" kernel check contracts/examples/kernels/q4k_gemv.yaml
  "$pv" evidence show reports/published/moe-router-v1/*
} >said 2>&1
mapfile -t list < <(sed -E 's/(receipt [0-9A-Za-z-]+), .*/\1/' said | grep -vE '^[A-Z]+ ([A-Z]|  )' | grep -oE '\b[A-Z][A-Z_]{3,}\b' | sort -u |
  grep -vE '^(F|AC)_|^(NVIDIA|CUDA|JSON|GGUF|AVX|FILE|FLOAT)$')
same "$([ "${#list[@]}" -ge 6 ] && echo enough)" enough "${#list[@]} words in capitals: ${list[*]}"
knows "${list[@]}"

# One that nobody prints is refused, with the nearest one.
run "$pv" explain VACOUS
exits 2
warns 'did you mean VACUOUS?'
run "$pv" explain rope_pair
exits 2
warns 'did you mean rope_pairs?'
same "$([ "$asked" -ge 200 ] && echo enough)" enough "only $asked words were asked for"
finish

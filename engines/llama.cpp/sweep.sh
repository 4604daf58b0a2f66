#!/usr/bin/env bash
# Runs a writer of traces for llama.cpp over many configurations, judges each, and prints what was found
# as Markdown: one row for each file and kind of configuration, then each run that is not explained.
# --only shows it again.
#
#   sweep.sh [--full] [--device N] [--only KIND] PROGRAM MODEL...
#
# PROGRAM: pv-trace-llamacpp as build.sh made it. --full: every length from 1 to 33, and 549; without it
# those at which kernels change. --device N: layers on the device, without what only a CPU has. --only:
# one kind of configuration, named as in the table.
# pv is $PV, by default the one of build-release. Exit code 0: every run is explained; 1: one is not;
# 2: a call that is wrong, or a run that could not be judged.
set -u -o pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
pv=${PV:-$here/build-release/bin/pv}
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive} # more threads than processors must not spin

die() {
  printf 'sweep.sh: %s\n' "$*" >&2
  exit 2
}

full='' layers='' only='' call='call: sweep.sh [--full] [--device N] [--only KIND] PROGRAM MODEL...'
while [ $# -gt 0 ]; do
  case $1 in
    --full) full=1 ;;
    --device) layers=${2:?sweep.sh: --device needs a number} && shift ;;
    --only) only=${2:?sweep.sh: --only needs a kind} && shift ;;
    -*) die "there is no option $1; $call" ;;
    *) break ;;
  esac
  shift
done
[ $# -ge 2 ] || die "$call"
program=$1
shift
[ -x "$program" ] || die "$program is no program"
[ -x "$pv" ] || die "$pv is no program: build it, or name one in PV"
work=$(mktemp -d) || die 'no temporary folder'
trap 'rm -rf "$work"' EXIT

# The same tokens on every machine, all below 4096.
ids_of() { # COUNT
  local i list=''
  for ((i = 0; i < $1; i++)); do list+=,$(((i * 2654435761 + 1234567) % 4079 + 17)); done
  printf '%s' "${list:1}"
}

# Kinds of configuration: KIND|LENGTHS|OPTIONS, each option list being one run of each length.
lengths='1 2 3 4 5 7 8 9 15 16 17 32 33'
long='300'
[ -z "$full" ] || lengths=$(seq -s ' ' 1 33) long='300 549'
kinds() {
  cat <<END
one call|$lengths|--flash off
one call, flash|$lengths|--flash on
long|$long|--flash off
long, flash|$long|--flash on
ubatch 1|33|--flash off --ubatch 1
ubatch 1|33|--flash on --ubatch 1
ubatch 8|33 300|--flash off --ubatch 8
ubatch 8|33 300|--flash on --ubatch 8
ubatch 15|33 300|--flash off --ubatch 15
ubatch 15|33 300|--flash on --ubatch 15
calls of 5|33|--flash off --batch 5
calls of 5|33|--flash on --batch 5
cache f32|15 33|--flash off --kv f32
cache f32|15 33|--flash on --kv f32
cache bf16|15 33|--flash off --kv bf16
cache bf16|15 33|--flash on --kv bf16
cache q8_0|1 15 33 300|--flash on --kv q8_0
END
  [ -n "$layers" ] || cat <<END
threads 1|1 15 33|--flash off --threads 1
threads 1|33|--flash on --threads 1
threads 3|1 15 33|--flash off --threads 3
threads 3|33|--flash on --threads 3
threads 8|1 15 33|--flash off --threads 8
threads 8|33|--flash on --threads 8
threads 16|1 15 33|--flash off --threads 16
threads 16|33|--flash on --threads 16
not repacked|1 4 8 15 33|--flash off --repack off
not repacked|33|--flash on --repack off
END
}

# What pv judge said and what the manifest says of the observer, as fields.
told() { # JUDGE MANIFEST
  python3 - "$1" "$2" <<'END'
import json, sys

judge, manifest = (json.load(open(name)) for name in sys.argv[1:])
stages = [s for s in judge["stages"] if s["ratio"] is not None]
worst = judge["worst"] or max(stages, key=lambda s: s["ratio"], default=None)

def place(s):
    if s is None:
        return "-"
    return s["stage"] + ("" if s["layer"] is None else " of layer %d" % s["layer"])

ratio = "-" if worst is None else "inf" if worst["ratio"] is None else "%.3g" % worst["ratio"]
observer = manifest.get("observer", "not known")
watched = "equal" if observer.startswith(("equal", "the same bits")) else "differs"
print(place(judge["first"]), place(worst), ratio, watched, manifest.get("version", "?"), sep="\t")
END
}

one() { # MODEL KIND LENGTH OPTIONS...
  local model=$1 kind=$2 length=$3 code=0 line trace=$work/trace
  shift 3
  [ -z "$layers" ] || set -- "$@" --gpu-layers "$layers"
  rm -rf "$trace"
  if ! "$program" --model "$model" --ids "$(ids_of "$length")" --out "$trace" "$@" >"$work/out" 2>&1; then
    printf '%s\t%s\t%s\t%s\tnot run\t-\t-\t0\t-\t%s\n' "$model" "$kind" "$length" "$*" "$(tail -n 1 "$work/out")"
    return
  fi
  "$pv" judge "trace:$trace" --model "$model" --json >"$work/judge" 2>"$work/err" || code=$?
  if [ "$code" -gt 1 ] || ! line=$(told "$work/judge" "$trace/manifest.json"); then
    printf '%s\t%s\t%s\t%s\tnot judged\t-\t-\t0\t-\t%s\n' "$model" "$kind" "$length" "$*" "$(tail -n 1 "$work/err")"
    return
  fi
  printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$model" "$kind" "$length" "$*" \
    "$([ "$code" -eq 0 ] && echo explained || echo outside)" "$line"
}

for model in "$@"; do
  [ -f "$model" ] || die "$model is not here"
  while IFS='|' read -r kind counts options; do
    [ -z "$only" ] || [ "$only" = "$kind" ] || continue
    for length in $counts; do
      # shellcheck disable=SC2086 # options are words
      one "$model" "$kind" "$length" $options </dev/null
    done
  done < <(kinds)
done >"$work/runs"
[ -s "$work/runs" ] || die "there is no kind of configuration '$only'"

awk -F '\t' -v program="$program" '
  function base(path) { sub(/.*\//, "", path); sub(/\.gguf$/, "", path); return path }
  {
    key = base($1) "\t" $2
    if (!(key in runs)) { order[++keys] = key; worst[key] = -1 }
    runs[key]++
    if ($5 == "explained") explained[key]++
    else if (!(key in first)) first[key] = $5 == "outside" ? $6 " (" $3 " tokens)" : $5
    if ($5 == "outside" || $5 == "explained") {
      ratio = $8 == "inf" ? 1e300 : $8 + 0
      if (ratio > worst[key]) { worst[key] = ratio; told[key] = $8 " (" $7 ")" }
      if ($9 == "equal") equal[key]++
      version = $10
    }
    if ($5 != "explained") list[++bad] = $0
    if ($5 == "not run" || $5 == "not judged") broken = 1
  }
  END {
    printf "Writer: %s, %s\n\n", program, version
    print "| file | configuration | runs | explained | first stage outside | worst of its limit | observer: equal bits |"
    print "|---|---|---|---|---|---|---|"
    for (i = 1; i <= keys; i++) {
      key = order[i]
      split(key, part, "\t")
      printf "| %s | %s | %d | %d | %s | %s | %d |\n", part[1], part[2], runs[key], explained[key],
             key in first ? first[key] : "none", key in told ? told[key] : "-", equal[key]
    }
    for (i = 1; i <= bad; i++) {
      split(list[i], f, "\t")
      if (i == 1) print "\nNot explained:\n"
      printf "- %s, %s, %s tokens, `%s`: %s, %s\n", base(f[1]), f[2], f[3], f[4], f[5],
             f[5] == "outside" ? f[6] "; worst " f[8] " times its limit in " f[7] : f[10]
    }
    exit broken ? 2 : bad > 0
  }' "$work/runs"

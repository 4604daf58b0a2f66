# Reads C files; prints each include that points the wrong way, each leftover note and each file
# that is too long. A room may include itself and what the table names; see docs and DESIGN: base
# stands before everything, the validator never touches what parses a model.

function room(path,   part, n) {
  n = split(path, part, "/")
  return n > 2 ? part[1] "/" part[2] : part[1]
}

function allow(from, list,   item, n, i) {
  known[from] = 1
  n = split(list, item, " ")
  for (i = 1; i <= n; i++) allowed[from, item[i]] = 1
}

function complain(text) { print text; bad++ }

function check_include(from, target,   to) {
  if (!(from in known)) { complain(FILENAME ": the room " from " is not in tests/meta/house.awk"); return }
  to = room(target)
  if (to == from || (from, to) in allowed || (from, target) in allowed) return
  if (index(target, "/") == 0) return # generated, or beside the file
  complain(FILENAME ":" FNR ": " from " must not include " target)
}

BEGIN {
  allow("base", "")
  allow("screen", "base")
  allow("kernels/quant", "base kernels/arith")
  allow("runtime/gguf", "base kernels/quant")
  allow("runtime/tokenizer", "base runtime/gguf")
  allow("runtime/sampler", "base")
  allow("runtime/measure", "base")
  allow("kernels/arith", "")
  allow("kernels/cpu", "base kernels/quant kernels/arith")
  allow("kernels/definition", "base kernels/quant kernels/arith kernels/cpu")
  allow("kernels/exact", "kernels/quant kernels/arith")
  allow("kernels/foreign", "kernels/quant kernels/exact")
  allow("kernels/cuda", "base kernels/quant kernels/arith")
  allow("kernels/ptx", "base")
  allow("kernels/spirv", "base")
  allow("kernels/vulkan", "base kernels/quant kernels/arith")
  allow("runtime/model", "base runtime/gguf kernels/quant kernels/arith")
  low = "base runtime/gguf kernels/quant runtime/model kernels/arith kernels/cpu kernels/definition kernels/exact kernels/foreign kernels/cuda kernels/ptx"
  allow("runtime/forward", low " kernels/vulkan")
  allow("runtime/faults", low " runtime/forward")
  allow("runtime/walk", low " runtime/measure runtime/forward")
  allow("runtime/trace", low " runtime/measure runtime/forward runtime/walk")
  allow("runtime/sources", low " runtime/forward runtime/faults runtime/walk runtime/trace")
  allow("runtime/bisect", low " runtime/limits runtime/sources runtime/walk runtime/measure runtime/forward runtime/trace runtime/faults")
  allow("runtime/limits", low " runtime/walk runtime/measure runtime/forward")
  allow("runtime/noise", low " runtime/sources runtime/walk runtime/measure runtime/forward runtime/faults")
  allow("runtime/perplexity", low " runtime/sources runtime/walk runtime/measure runtime/forward runtime/faults runtime/trace")
  allow("runtime/reference", low " runtime/forward")
  allow("runtime/synth", low " runtime/forward")
  allow("runtime/checks", low " kernels/vulkan kernels/spirv runtime/guest runtime/operations runtime/limits runtime/measure runtime/alone runtime/sources runtime/forward runtime/faults runtime/reference runtime/walk runtime/trace")
  allow("runtime/alone", low " runtime/forward")
  allow("runtime/profile", low " runtime/measure runtime/forward runtime/alone")
  allow("runtime/operations", low " runtime/alone")
  allow("runtime/library", "base kernels/quant runtime/operations")
  allow("runtime/guest", low " runtime/alone runtime/operations validator/yaml")
  allow("runtime/probe", low " kernels/vulkan kernels/spirv screen runtime/guest runtime/library runtime/operations runtime/alone runtime/profile runtime/sources runtime/walk runtime/measure runtime/checks runtime/forward runtime/faults runtime/bisect runtime/noise runtime/perplexity runtime/limits runtime/reference runtime/trace runtime/synth runtime/tokenizer runtime/sampler reports/render/plot.h reports/render/bars.h")
  allow("engines/llama.cpp", "") # built elsewhere, beside llama.cpp
  base = "base runtime/probe/frame.h"
  allow("validator/yaml", "base")
  allow("validator/signed", "base")
  allow("validator/model", base " validator/yaml")
  allow("validator/store", base " validator/yaml validator/model")
  allow("validator/rules", base " validator/yaml validator/model validator/store")
  allow("validator/run", base " screen validator/yaml validator/model")
  allow("reports/render", "base validator/model")
  allow("validator/history", "base validator/model validator/store reports/render/gate.h")
  allow("validator/judge", base " screen validator/signed validator/yaml validator/model validator/rules validator/store validator/run validator/history reports/render")
  allow("validator/campaign", base " validator/model validator/store validator/run validator/judge reports/render/view.h")
  allow("validator/cli", base " screen validator/signed validator/yaml validator/model validator/rules validator/store validator/run validator/history reports/render validator/judge validator/campaign")
}

FNR == 1 { files++; first = 0; if (FILENAME ~ /^tests\//) tests = 1; else tests = 0 }
# A function begins at the last line at the margin and ends with a brace there; files are formatted.
/^[A-Za-z_]/ && !/:;?$/ { first = FNR }
/^}$/ {
  if (FNR - first + 1 > 70)
    complain(FILENAME ":" first ": a function of " (FNR - first + 1) " lines, at most 70")
}
/^[ \t]*#[ \t]*include[ \t]*"/ {
  split($0, quoted, "\"")
  if (!tests) check_include(room(FILENAME), quoted[2])
}
/TO[D]O|FIX[M]E/ { complain(FILENAME ":" FNR ": a leftover note: " $0) }
{ lines[FILENAME] = FNR }
END {
  for (file in lines) if (lines[file] > 600) complain(file ": " lines[file] " lines, at most 600")
  if (files == 0) complain("no file was looked at")
  printf "%d files looked at\n", files
  exit bad > 0
}

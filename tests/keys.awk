# What the outcome of each test of a build rests on: for every entry of ctest one file out/NAME, whose
# digest is the entry's key (tests/keys.sh). An entry without a file has no key and is run.
#
# Into a key go the entry as CMake wrote it, the programs that it starts, as bytes, and every file of
# the tree but those that are known not to matter:
#   - what acts through a program only: sources and build files;
#   - documents, published evidence, contracts, what is in engines/, the corpus of the fuzz
#     targets and the scripts of other entries, each only where the text of the entry does not name it.
# That text is the script with the lib.sh that it sources or, of a program, its sources below tests/. An
# entry that names a source or runs cmake rests on all sources too; one that lists the tree, or needs a
# GPU, on the whole of it. tests/meta/reads.sh runs the entries and holds this to what they open.
#
# -v root= -v build= (absolute), -v constants=, -v out=; files in this order: tree ("DIGEST  MODE
# PATH"), built ("DIGEST  PATH"), `ninja -t deps`, build.ninja, each CTestTestfile.cmake.

function kind(path) {
  if (path ~ /^reports\/published\//) return "published"
  if (path ~ /\.(c|h|cu|cuh|comp|glsl|c\.in|cmake)$|(^|\/)CMakeLists\.txt$|(^|\/)\.clang-|^CMakePresets\.json$/) return "source"
  if (path ~ /^tests\/fuzz\/(corpus|planted)\/|\.dict$/) return "fuzz"
  if (path ~ /^contracts\//) return "contracts"
  if (path ~ /^docs\/|^LICENSE$|^page_commands$/ || (path ~ /\.md$/ && path !~ /^tests\//)) return "document"
  if (path ~ /^engines\//) return "engines"
  if (path ~ /^tests\/.*\/.*\.sh$/) return "script"
  return "any"
}

function base(path) { sub(/.*\//, "", path); return path }

# The lines of a file; of C, without what is included.
function slurp(path,    line, text, c) {
  if (path in slurped) return slurped[path]
  c = path ~ /\.[ch]$/
  while ((getline line <path) > 0)
    if (!c || line !~ /^[ \t]*#[ \t]*include/) text = text line "\n"
  close(path)
  return slurped[path] = text
}

# The sources below tests/ that went into a file of the build.
function sources_of(file, seen, list,    n, i, parts, text) {
  if (file in seen) return ""
  seen[file] = 1
  n = split(dependencies[file], parts, "\n")
  for (i = 1; i <= n; i++)
    if (!((file, parts[i]) in seen) && parts[i] ~ /^tests\//) text = text slurp(root "/" parts[i])
  n = split(inputs[file], parts, " ")
  for (i = 1; i <= n; i++) text = text sources_of(parts[i], seen)
  return text
}

FNR == 1 { part++; name = "" }
part == 1 { path = $0; sub(/^[^ ]+ +[^ ]+ /, "", path); tree[++files] = path; line_of[path] = $0; kinds[path] = kind(path); bases[path] = base(path); next }
part == 2 { path = $0; sub(/^[^ ]+ +/, "", path); built[path] = $1; next }
part == 3 && /^[^ ]/ { object = $1; sub(/:$/, "", object); next }
part == 3 && /^ / {
  path = $1
  if (path !~ /^\//) path = build "/" path
  while (sub(/\/[^\/]+\/\.\.\//, "/", path)) ;
  if (index(path, root "/") == 1) dependencies[object] = dependencies[object] substr(path, length(root) + 2) "\n"
  next
}
part == 4 && /^build / {
  line = $0
  sub(/ \|\| .*/, "", line)
  at = index(line, ": ")
  target = substr(line, 7, at - 7)
  sub(/ .*/, "", target)
  line = substr(line, at + 2)
  if (line ~ /^C_(EXECUTABLE|STATIC_LIBRARY|SHARED_LIBRARY|SHARED_MODULE)_LINKER/) inputs[target] = line
  next
}
part == 4 { next }
/^add_test\(/ { name = $0; sub(/^add_test\(\[=\[/, "", name); sub(/\]=\].*/, "", name); names[++entries] = name; commands[name] = $0 }
/^subdirs\(/ { name = "" }
name != "" { line = $0; sub(/ _BACKTRACE_TRIPLES "[^"]*"/, "", line); defined[name] = defined[name] line "\n" }

# key(NAME): its file, or nothing if something that it names is not known.
function key(name,    n, i, words, parts, m, k, text, own, script, roams, path, relative, programs, folders, wanted, seen, start, definition, out_file, known, file) {
  reads_build = reads_published = reads_sources = whole = 0
  start = index(commands[name], "]=] \"")
  n = split(defined[name], words, "\"")
  for (i = 2; i <= n; i += 2) {
    m = split(words[i], parts, /[=;]/)
    for (k = 1; k <= m; k++) {
      path = parts[k]
      if (path == build) reads_build = 1
      else if (index(path, build "/") == 1) {
        relative = substr(path, length(build) + 2)
        known = relative in built
        if (known) programs[relative] = 1
        else for (file in built) if (index(file, relative "/") == 1) programs[file] = known = 1
        if (!known) return 0
      } else if (index(path, root "/") == 1) {
        relative = substr(path, length(root) + 2)
        if (relative in line_of) { wanted[relative] = 1 } else folders[relative "/"] = 1
      }
    }
  }
  path = substr(commands[name], start + 5)
  sub(/".*/, "", path)
  if (index(path, build "/") == 1) {
    relative = substr(path, length(build) + 2)
    text = sources_of(relative, seen)
    reads_published = index(text, "published")
    reads_sources = text ~ /"[^"\n]*\.(c|h|cu|cuh)"/
  } else if (index(path, root "/") == 1) {
    script = substr(path, length(root) + 2)
    own = text = slurp(path)
    if (text ~ /lib\.sh/) text = text slurp(substr(path, 1, length(path) - length(base(path))) "lib.sh")
    roams = defined[name] ~ /WORKING_DIRECTORY/ || own ~ /cd "?\$(here|root|repository|began|OLDPWD)/
    reads_published = roams || own ~ /published|(\.\.|root|repository|began)"?\/contracts/
    reads_sources = text ~ /cmake |(\.\.|root|repository|began)"?\/[^ ]*\.(c|h|cu|cuh)/ ||
      (roams && own ~ /[*a-z_]\.(c|h|cu|cuh)[^a-z_]/)
    if (text ~ /ls-files/) whole = 1
  } else return 0
  if (text == "" || defined[name] ~ /LABELS "[^"]*gpu/) whole = 1

  for (relative in built)
    if (base(relative) != "pv" && index(text, base(relative))) programs[relative] = 1
  if ("bin/pv" in programs) programs["bin/pv-probe"] = 1
  if (reads_build) reads_sources = 1
  definition = defined[name]
  for (i = index(definition, build); i > 0; i = index(definition, build))
    definition = substr(definition, 1, i - 1) "@" substr(definition, i + length(build))
  out_file = out "/" name
  printf "%s\n%s", constants, definition >out_file
  for (i = 1; i <= n_built; i++)
    if (reads_build || built_order[i] in programs) print built[built_order[i]], built_order[i] >out_file
  takes["any"] = 1
  takes["source"] = reads_sources
  takes["published"] = reads_published
  takes["fuzz"] = index(text, "tests/fuzz")
  takes["contracts"] = index(text, "contracts")
  takes["engines"] = index(text, "engines/")
  for (i = 1; i <= files; i++) {
    path = tree[i]
    if (whole || takes[kinds[path]] || path in wanted || named(path, kinds[path], text, script))
      print line_of[path] >out_file
    else
      for (file in folders) if (index(path, file) == 1) print line_of[path] >out_file
  }
  close(out_file)
  return 1
}

# Documents and scripts, one by one.
function named(path, of, text, script) {
  if (of == "document")
    return index(text, bases[path]) || index(text, "*.md") || (path !~ /\.md$/ && index(text, "docs"))
  if (of != "script") return 0
  return script == "" ? index(text, ".sh\"") : !(path in scripts) || index(text, bases[path])
}

END {
  for (path in built) built_order[++n_built] = path
  for (i = 2; i <= n_built; i++) # in one order each time
    for (k = i; k > 1 && built_order[k - 1] > built_order[k]; k--) {
      path = built_order[k]; built_order[k] = built_order[k - 1]; built_order[k - 1] = path }
  for (i = 1; i <= entries; i++) {
    path = commands[names[i]]
    sub(/^add_test\(\[=\[[^"]*"/, "", path)
    sub(/".*/, "", path)
    if (index(path, root "/") == 1) scripts[substr(path, length(root) + 2)] = 1
  }
  for (i = 1; i <= entries; i++) key(names[i])
}

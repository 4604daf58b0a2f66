# shellcheck shell=bash
# What passed before, by what it rests on; sourced by ./dev, which defines sources. A key is the
# SHA-256 of a file that lists everything that decides an outcome: if that key passed, in whichever
# tier, it is not run again. What is not known to be irrelevant is in the list.

# shellcheck source=tests/pages.sh
source tests/pages.sh

passed_keys=build-release/passed # one key in each line
keys=                                     # a folder of this call
# How far the linter's analyzer follows the ways through a function. As far as it goes by itself (225000)
# takes two to three times as long, and is for --long.
lint_nodes=50000

# keys_begin FRESH: looks at the tree once. With FRESH 1, nothing has passed before.
keys_begin() {
  local file there=()
  keys=$(mktemp -d)
  # shellcheck disable=SC2064 # this folder
  trap "rm -rf '$keys'" EXIT
  mkdir -p "$(dirname "$passed_keys")"
  [ "$1" -eq 0 ] || rm -f "$passed_keys"
  touch "$passed_keys"
  tail -n 20000 "$passed_keys" >"$keys/kept" && cp "$keys/kept" "$passed_keys"
  while IFS= read -r -d '' file; do
    [ -f "$file" ] && there+=("$file")
  done < <(sources .)
  [ ${#there[@]} -gt 0 ] || die 'git lists no file of this tree'
  {
    paste -d ' ' <(printf '%s\0' "${there[@]}" | xargs -0 sha256sum | cut -c1-64) \
      <(printf '%s\0' "${there[@]}" | xargs -0 stat -c '%a %n')
    printf '%s 0 page_commands\n' "$(page_commands | sha256sum | cut -c1-64)"
  } >"$keys/tree"
  keys_machine | sha256sum | cut -c1-64 >"$keys/machine"
}

# Tools, libraries, processor, device and the variables that tests look at.
keys_machine() {
  local tool
  for tool in gcc clang clang-tidy nvcc python3; do
    "$tool" --version 2>/dev/null || echo "no $tool"
  done
  dpkg-query -W 2>/dev/null || echo 'no dpkg'
  uname -rm
  grep -m 1 '^flags' /proc/cpuinfo || true
  cat /proc/driver/nvidia/version 2>/dev/null || true
  env | grep -E '^(PV_|CUDA_|VK_|LD_|CI=|[A-Z]*SAN_OPTIONS)' | sort || true
  # A user has no ../shared. Models are large: their time stands for their bytes.
  find -L ../shared ${PV_GOLDEN:+"$PV_GOLDEN"} ${PV_MODELS:+"$PV_MODELS"} ${PV_ARCH:+"$PV_ARCH"} \
    -maxdepth 3 -type f -printf '%p %s %T@\n' 2>/dev/null | sort || true
}

# keys_of FOLDER: "KEY NAME" of each file below it.
keys_of() { (cd "$1" && find . -type f -printf '%P\0' | xargs -0 -r sha256sum --) | sed 's/  / /'; }

# keys_entries BUILD OPTIONS: the same of each ctest entry of a build that is up to date.
keys_entries() {
  find "$1/bin" "$1/tests" -name CMakeFiles -prune -o -type f \( -perm -u+x -o -name '*.so*' \) \
    -print0 | xargs -0 -r sha256sum | sed "s|  $1/|  |" >"$keys/built"
  ninja -C "$1" -t deps >"$keys/deps"
  keys_derive "$@"
}

# The files in which CMake wrote the entries of a build, as ctest finds them: a folder that is no longer
# in the tree leaves its own behind.
entry_files() {
  local folder
  printf '%s\0' "$1/CTestTestfile.cmake"
  while read -r folder; do entry_files "$1/$folder"; done < <(sed -n 's/^subdirs("\(.*\)")$/\1/p' "$1/CTestTestfile.cmake")
}

# keys_derive BUILD OPTIONS: from $keys/tree, built and deps.
keys_derive() {
  local out=$keys/entries
  rm -rf "$out"
  mkdir "$out"
  entry_files "$1" | xargs -0 awk -v root="$PWD" \
    -v build="$PWD/$1" -v out="$out" -v constants="$(cat "$keys/machine") $2" \
    -f tests/keys.awk "$keys/tree" "$keys/built" "$keys/deps" "$1/build.ninja"
  keys_of "$out"
}

# keys_fuzz OPTIONS: the same of the fuzz targets that were built; the list is on standard input.
keys_fuzz() {
  local out=$keys/fuzz name corpus dictionary
  rm -rf "$out"
  mkdir "$out"
  while read -r name corpus dictionary; do
    {
      printf '%s %s\n' "$(cat "$keys/machine")" "$1"
      sha256sum "build-fuzz/bin/$name"
      grep -E " (dev|tests/(tiers|fuzz/fuzz)\.sh|tests/fuzz/corpus/$corpus/.*|tests/fuzz/$dictionary)\$" "$keys/tree"
    } >"$out/$name"
  done
  keys_of "$out"
}

# keys_lint: the same of each C file of the compile database of build-release: the compiler's calls,
# what they read, and the linter's settings.
keys_lint() {
  local out=$keys/lint
  rm -rf "$out"
  mkdir "$out"
  ninja -C build-release -t deps | sed -n 's/^    //p' | sort -u |
    (cd build-release && xargs -d '\n' -r realpath -e -z | sort -zu | xargs -0 -r sha256sum) >"$keys/read"
  ninja -C build-release -t deps >"$keys/deps"
  awk -v root="$PWD" -v build="$PWD/build-release" -v out="$out" \
    -v constants="$lint_nodes $(cat "$keys/machine" && grep -F '.clang-tidy' "$keys/tree")" '
    FNR == 1 { part++ }
    part == 1 { path = $0; sub(/^[^ ]+ +/, "", path); digest[path] = $1; next }
    part == 2 && /"command":/ { command = $0 }
    part == 2 && /"file":/ { path = $2; gsub(/[",]/, "", path); commands[path] = commands[path] command "\n" }
    part == 2 { next }
    /^[^ ]/ { file = ""; next }
    /^ / {
      path = $1
      if (path !~ /^\//) path = build "/" path
      while (sub(/\/[^\/]+\/\.\.\//, "/", path)) ;
      if (file == "") file = path
      reads[file] = reads[file] (path in digest ? digest[path] : "gone") " " path "\n"
    }
    END {
      for (file in commands) {
        if (index(file, root "/") != 1 || !(file in reads)) continue
        name = out "/" substr(file, length(root) + 2)
        folder = name
        sub(/\/[^\/]*$/, "", folder)
        if (!(folder in made)) system("mkdir -p " folder)
        made[folder] = 1
        printf "%s\n%s%s", constants, commands[file], reads[file] >name
        close(name)
      }
    }' "$keys/read" build-release/compile_commands.json "$keys/deps"
  keys_of "$out"
}

# keys_new [NAME...]: of the "KEY NAME" on standard input, or of the names, those that did not pass. A
# name without a key has "-".
keys_new() {
  awk -v passed="$passed_keys" '
    BEGIN { while ((getline line <passed) > 0) seen[line] = 1
            for (i = 1; i < ARGC; i++) { order[++last] = ARGV[i]; ARGV[i] = "" }
            all = ARGC == 1 }
    { key[$2] = $1; if (all) order[++last] = $2 }
    END { for (i = 1; i <= last; i++) {
            name = order[i]
            if (!(name in key)) print "-", name
            else if (!(key[name] in seen)) print key[name], name } }' "$@"
}

# keys_pass NAME...: these passed, by the "KEY NAME" on standard input.
keys_pass() {
  awk 'BEGIN { for (i = 1; i < ARGC; i++) { name[ARGV[i]] = 1; ARGV[i] = "" } }
    $1 != "-" && $2 in name { print $1 }' "$@" >>"$passed_keys"
}

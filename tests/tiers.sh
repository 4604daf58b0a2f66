# shellcheck shell=bash disable=SC2154,SC2034
# The tiers of `./dev test`; sourced by ./dev, which defines build, format, lint, note and die.
# Each tier prints what it did; the last line of all counts the test cases that ran now.

plain=()
total_passed=0
total_failed=0
total_same=0
broken=0

# Cases from a ctest -V log: a program's own "N passed, N failed", else one case for each entry.
count_cases() {
  awk '
    match($0, /^[0-9]+: [0-9]+ passed, [0-9]+ failed$/) {
      id = $1 + 0; passed[id] = $2; failed[id] = $4; counted[id] = 1; next }
    match($0, /Test +#[0-9]+: /) {
      id = substr($0, RSTART); sub(/^Test +#/, "", id); id += 0
      if ($0 ~ /Passed/) entry[id] = "p"; else if ($0 ~ /\*\*\*Skipped/) entry[id] = "s"; else entry[id] = "f" }
    END {
      for (id in entry) {
        if (entry[id] == "s") { skips++; continue }
        if (counted[id]) { p += passed[id]; f += failed[id] }
        if (entry[id] == "f" && !(counted[id] && failed[id] > 0)) f++
        if (entry[id] == "p" && !counted[id]) p++
      }
      printf "%d %d %d\n", p, f, skips }' "$1"
}

# The entries of a ctest log that passed.
passed_entries() { sed -nE 's/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: ([^ ]+) \.* +Passed .*/\1/p' "$1"; }

# run_ctest NAME FOLDER CTEST-ARGS...: those entries that did not pass before with all that they rest on
# (tests/keys.sh). What is not run is not counted.
run_ctest() {
  local name=$1 folder=$2 log code=0 passed failed skipped entries chosen # plain: set by tier_threads
  shift 2
  log=$folder/test.log
  mapfile -t entries < <(ctest --test-dir "$folder" -N "$@" | sed -n 's/^ *Test *#[0-9]*: *//p')
  [ ${#entries[@]} -gt 0 ] || { note "$name: there is no test"; return 1; }
  keys_entries "$folder" "${ASAN_OPTIONS:-} ${UBSAN_OPTIONS:-} ${TSAN_OPTIONS:-}" |
    keys_new "${entries[@]}" >"$keys/new" || die 'what passed before cannot be read'
  mapfile -t chosen < <(cut -d ' ' -f 2 "$keys/new")
  total_same=$((total_same + ${#entries[@]} - ${#chosen[@]}))
  [ ${#chosen[@]} -eq ${#entries[@]} ] ||
    note "$name: $((${#entries[@]} - ${#chosen[@]})) of ${#entries[@]} programs and all that they rest on are as when they passed (--fresh repeats them)"
  [ ${#chosen[@]} -gt 0 ] || return 0
  # One more than there are cores: some wait for what hangs or pauses.
  "${plain[@]}" ctest --test-dir "$folder" -V --no-tests=error -j "$(($(nproc) + 1))" \
    -R "^($(IFS='|' && echo "${chosen[*]}"))\$" "$@" >"$log" 2>&1 || code=$?
  mapfile -t entries < <(passed_entries "$log")
  [ ${#entries[@]} -eq 0 ] || keys_pass "${entries[@]}" <"$keys/new"
  read -r passed failed skipped < <(count_cases "$log")
  if [ "$code" -ne 0 ]; then
    [ "$failed" -gt 0 ] || failed=1
    awk '/^The following tests FAILED/ { tail = 1 } tail' "$log"
    grep -E '^[0-9]+: (FAILED|.*(Sanitizer|runtime error|: got |is false))' "$log" | head -40 || true
    note "$name: the whole output is in $log"
  fi
  note "$name: $passed passed, $failed failed, $skipped programs skipped"
  total_passed=$((total_passed + passed))
  total_failed=$((total_failed + failed))
  [ "$code" -eq 0 ]
}

# tier NAME FUNCTION ARGS...
tier() {
  local name=$1 started=$SECONDS
  shift
  note "$name: started"
  "$@" || broken=1
  note "$name: $((SECONDS - started)) s"
}

# check NAME COMMAND...: something that is one case.
check() {
  local name=$1
  shift
  if "$@"; then
    total_passed=$((total_passed + 1))
    note "$name: clean"
  else
    total_failed=$((total_failed + 1))
    note "$name: FAILED"
    return 1
  fi
}

tier_release() {
  build release
  run_ctest release build-release -LE '^(slow|long|gpu)$'
}

# Not what is labelled once: pages, scripts and sources are compared with the program by `release`.
tier_sanitize() {
  build asan-ubsan
  ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 \
    run_ctest asan-ubsan build-asan-ubsan -LE '^(slow|long|gpu|once)$'
}

# What the release tier runs, over a build without kernels, but for what has nothing to do with them.
# Programs that are the same bytes in both builds have the same key, and ran there.
tier_no_toolkit() {
  if grep -q '^PV_NVCC:FILEPATH=.*NOTFOUND$' build-release/CMakeCache.txt; then
    note 'no-toolkit: that is what the release tier was: nvcc is not on this machine'
    return
  fi
  build no-toolkit
  run_ctest no-toolkit build-no-toolkit -LE '^(slow|long|gpu|once|host)$'
}

tier_threads() {
  local programs plain=()
  build tsan build.ninja # the list is of these sources
  programs=$(ctest --test-dir build-tsan -N -L '^threads$' | sed -n 's/^ *Test *#[0-9]*: *//p')
  [ -n "$programs" ] || { note "tsan: no test is labelled threads"; return 1; }
  # shellcheck disable=SC2086 # one target for each word
  build tsan $programs
  # More random address bits than gcc 12's runtime can map end every program at its start.
  [ "$(cat /proc/sys/vm/mmap_rnd_bits 2>/dev/null || echo 28)" -le 28 ] || plain=(setarch -R)
  TSAN_OPTIONS=halt_on_error=1 run_ctest tsan build-tsan -L '^threads$' -LE '^(long|gpu)$'
}

# A short look by each fuzz target, one case each; from nothing and from the same seed each time.
tier_fuzz() {
  local code=0 passed failed rows=$keys/rows names chosen
  build fuzz build.ninja # the list is of these sources
  mapfile -t names < <(cut -d ' ' -f 1 "$fuzz_list")
  build fuzz "${names[@]}"
  keys_fuzz '8 s, seed 1' <"$fuzz_list" | keys_new "${names[@]}" >"$keys/new" ||
    die 'what passed before cannot be read'
  mapfile -t chosen < <(cut -d ' ' -f 2 "$keys/new")
  total_same=$((total_same + ${#names[@]} - ${#chosen[@]}))
  [ ${#chosen[@]} -eq ${#names[@]} ] ||
    note "fuzz: $((${#names[@]} - ${#chosen[@]})) of ${#names[@]} targets and their corpus are as when they passed (--fresh repeats them)"
  [ ${#chosen[@]} -gt 0 ] || return 0
  rm -rf build-fuzz/fuzz
  fuzz_targets 8 1 "${chosen[@]}" | tee "$rows" || code=$?
  # shellcheck disable=SC2046 # a name is a word
  keys_pass $(fuzz_passed "$rows") <"$keys/new"
  read -r passed failed < <(fuzz_count "$rows")
  [ "$code" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
  note "fuzz: $passed passed, $failed failed"
  total_passed=$((total_passed + passed))
  total_failed=$((total_failed + failed))
  [ "$code" -eq 0 ] && [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

tier_gpu() {
  command -v nvcc >/dev/null || [ -x "${CUDA_HOME:-/usr/local/cuda}/bin/nvcc" ] ||
    { note "gpu: nvcc is not on this machine"; return 1; }
  run_ctest gpu build-release -L '^gpu$'
}

# run_script FILE ARGS...: without ctest; its last line tells the cases.
run_script() {
  local log passed=0 failed=0
  log=$(mktemp)
  bash "$@" 2>&1 | tee "$log" || broken=1
  read -r passed _ failed _ < <(grep -xE '[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1) || broken=1
  rm -f "$log"
  total_passed=$((total_passed + passed))
  total_failed=$((total_failed + failed))
}

# Other engines, as they are fetched or found: each script of tests/engines.
tier_engines() {
  local script
  build release
  for script in tests/engines/*.sh; do
    note "engines: ${script##*/}: started"
    run_script "$script" build-release/bin/pv
  done
}

# Kernels of other projects, fetched and compiled, or found in $PV_STRANGERS.
tier_strangers() {
  build release
  run_script tests/strangers/run.sh build-release/bin/pv
}

# A published model, fetched, or found in $PV_REAL; signatures by other people's programs.
tier_real() {
  build release
  run_script tests/real/signing.sh build-release/bin/pv
  run_script tests/real/run.sh build-release/bin/pv
}

# What a user installs, in a clean Debian; what a user unpacks.
tier_install() {
  package static
  run_script tests/install/tar.sh "$packaged"
  package deb
  run_script tests/install/debian.sh "$packaged"
}

# A static build that was copied here has programs and no build tree.
is_copied_build() { [ -x build-static/bin/pv ] && [ ! -f build-static/build.ninja ]; }

# On a host that has only that: the tests of tests/gpu/CMakeLists.txt, without ctest. Nothing is
# built or installed, no other tier runs, and that is said.
run_copied_build() {
  local name
  [ "$*" = --gpu ] || die 'build-static is a copied build: only ./dev test --gpu runs over it'
  for name in parity long_context faults sanitizer; do
    note "gpu: $name, over the copied build-static: started"
    run_script "tests/gpu/$name.sh" build-static/bin/pv
  done
  note 'the other tiers need a build tree and were not run'
  printf '%s passed, %s failed\n' "$total_passed" "$total_failed"
  [ "$total_failed" -eq 0 ] && [ "$broken" -eq 0 ] && [ "$total_passed" -gt 0 ]
}

run_tiers() {
  local fresh=0 all=0 long=0 gpu=0 engines=0 strangers=0 real=0 install=0 left=(no-toolkit slow asan-ubsan tsan fuzz)
  [ "${CI:-}" = true ] && fresh=1
  while [ $# -gt 0 ]; do
    case $1 in
      --all) all=1 left=() ;;
      --fresh) fresh=1 ;;
      --long) long=1 ;;
      --gpu) gpu=1 ;;
      --engines) engines=1 ;;
      --strangers) strangers=1 ;;
      --real) real=1 ;;
      --install) install=1 ;;
      *) die "no such option of test: $1" ;;
    esac
    shift
  done
  [ "$all" -eq 0 ] || need_packages chromium slurmctld slurmd slurm-client munge # reports in a browser, campaigns on Slurm
  keys_begin "$fresh"
  tier release tier_release
  if [ "$all" -eq 1 ]; then
    tier no-toolkit tier_no_toolkit
    tier slow run_ctest slow build-release -L '^slow$'
  fi
  [ "$long" -eq 0 ] || tier long run_ctest long build-release -L '^long$'
  [ "$gpu" -eq 0 ] || tier gpu tier_gpu
  [ "$engines" -eq 0 ] || tier engines tier_engines
  [ "$strangers" -eq 0 ] || tier strangers tier_strangers
  [ "$real" -eq 0 ] || tier real tier_real
  [ "$install" -eq 0 ] || tier install tier_install
  tier format check format format --check
  [ "$long" -eq 0 ] || lint_nodes=225000
  tier lint check clang-tidy lint
  if [ "$all" -eq 1 ]; then
    tier asan-ubsan tier_sanitize
    tier tsan tier_threads
    tier fuzz tier_fuzz
  fi
  printf '%s passed, %s failed%s%s\n' "$total_passed" "$total_failed" \
    "$([ "$total_same" -eq 0 ] || echo "; $total_same programs not run again")" \
    "$([ ${#left[@]} -eq 0 ] || echo "; not run: $(printf '%s, ' "${left[@]}" | sed 's/, $//'): ./dev test --all")"
  [ "$total_failed" -eq 0 ] && [ "$broken" -eq 0 ] && [ "$((total_passed + total_same))" -gt 0 ]
}

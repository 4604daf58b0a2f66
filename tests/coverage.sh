# shellcheck shell=bash
# Branch coverage of the rooms that read what strangers wrote and write what people trust; sourced by
# ./dev, which defines build and note.

readonly covered_rooms=(runtime/base runtime/gguf validator/yaml validator/store validator/rules)

# gcov's text on standard input; one line "ROOM FILE TAKEN ALL" for each source file.
count_branches() {
  awk -v rooms="${covered_rooms[*]}" '
    BEGIN { split(rooms, list, " "); for (i in list) wanted[list[i]] = 1 }
    /^ *-: *0:Source:/ { sub(/.*Source:/, ""); file = $0; room = file; sub("/[^/]*$", "", room) }
    /^ *[0-9#=-]+\*?: *[0-9]+:/ { split($0, part, ":"); line = part[2] + 0; number = 0 }
    /^branch/ && room in wanted && file ~ /\.c$/ {
      place = file ":" line ":" number++
      seen[place] = file
      if (!/never executed/ && !/taken 0 / && !/taken 0$/) hit[place] = 1
    }
    END {
      for (p in seen) { all[seen[p]]++; if (p in hit) taken[seen[p]]++; else print "missed", p }
      for (f in all) { room = f; sub("/[^/]*$", "", room); print room, f, taken[f] + 0, all[f] }
    }'
}

# coverage [--missed]: with it, the place of each branch that was never taken.
coverage() {
  local folder=build-coverage room counts
  build coverage
  find "$folder" -name '*.gcda' -delete
  note "coverage: running the tests"
  ctest --test-dir "$folder" -j "$(nproc)" -LE '^(slow|gpu)$' -E \
    'meta|products|vectors|forward|probe_checks|quant|reports|synth|trace|ptx|cuda|arith|writers' \
    >"$folder/test.log" 2>&1 || { tail -n 20 "$folder/test.log"; return 1; }
  counts=$(for room in "${covered_rooms[@]}"; do
    find "$folder/$room" -name '*.gcda' -exec gcov -t -b -c -s "$PWD" -r {} + 2>/dev/null
  done | count_branches)
  [ "${1:-}" != --missed ] || sed -n 's/^missed //p' <<<"$counts" | sort -t: -k1,1 -k2,2n -k3,3n
  grep -v '^missed' <<<"$counts" | sort |
    awk '{ taken[$1] += $3; all[$1] += $4; printf "  %-36s %4d of %4d branches, %5.1f %%\n", $2, $3, $4, 100 * $3 / $4 }
      END { for (r in all) printf "%-18s %4d of %4d branches, %5.1f %%\n", r, taken[r], all[r], 100 * taken[r] / all[r] }'
}

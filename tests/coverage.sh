# shellcheck shell=bash
# Branch coverage of the rooms that read what strangers wrote and write what people trust; sourced by
# ./dev, which defines build and note.

readonly covered_rooms=(base runtime/gguf validator/yaml validator/store validator/rules)
readonly covered_goal=95

# gcov's text on standard input; one line "ROOM FILE TAKEN ALL" for each source file, one
# "missed<TAB>FILE:LINE:NUMBER<TAB>the line" for each branch that was never taken.
count_branches() {
  awk -v rooms="${covered_rooms[*]}" '
    BEGIN { split(rooms, list, " "); for (i in list) wanted[list[i]] = 1 }
    /^ *-: *0:Source:/ { sub(/.*Source:/, ""); file = $0; room = file; sub("/[^/]*$", "", room) }
    /^ *[0-9#=-]+\*?: *[0-9]+:/ {
      split($0, part, ":")
      line = part[2] + 0
      number = 0
      source = substr($0, length(part[1]) + length(part[2]) + 3)
    }
    /^branch/ && room in wanted && file ~ /\.c$/ {
      place = file ":" line ":" number++
      seen[place] = file
      text[place] = source
      if (!/never executed/ && !/taken 0 / && !/taken 0$/) hit[place] = 1
    }
    END {
      for (p in seen) {
        all[seen[p]]++
        if (p in hit) taken[seen[p]]++
        else printf "missed\t%s\t%s\n", p, text[p]
      }
      for (f in all) { room = f; sub("/[^/]*$", "", room); print room, f, taken[f] + 0, all[f] }
    }'
}

# judge_branches EXCEPTIONS: what count_branches printed on standard input; the table, and 1 if a room
# is below the goal or an exception does not hold.
judge_branches() {
  awk -v goal="$covered_goal" -v exceptions="$1" '
    BEGIN {
      while ((getline line <exceptions) > 0) {
        if (line ~ /^(#|$)/) continue
        if (split(line, part, / \| /) != 4) { bad = 1; print "coverage: no exception: " line; continue }
        count++
        where[count] = part[1]; words[count] = part[2]; want[count] = part[3]
      }
    }
    /^missed\t/ {
      split($0, field, "\t")
      file = field[2]; sub(/:.*/, "", file)
      for (e = 1; e <= count; e++)
        if (where[e] == file && index(field[3], words[e])) {
          found[e]++
          room = file; sub("/[^/]*$", "", room)
          excepted[room]++
          break
        }
      next
    }
    { taken[$1] += $3; all[$1] += $4
      printf "  %-36s %4d of %4d branches, %5.1f %%\n", $2, $3, $4, 100 * $3 / $4 }
    END {
      for (r in all) {
        left = all[r] - excepted[r]
        printf "%-18s %4d of %4d branches, %5.1f %%", r, taken[r], all[r], 100 * taken[r] / all[r]
        printf "; %d by exception, without them %5.1f %%\n", excepted[r], 100 * taken[r] / left
        if (!(100 * taken[r] >= goal * left)) { bad = 1; printf "coverage: %s is below %d %%\n", r, goal }
      }
      for (e = 1; e <= count; e++)
        if (found[e] + 0 != want[e] + 0) {
          bad = 1
          printf "coverage: exception of %s, \"%s\": %d branches are never taken, not %s\n", where[e], words[e], found[e], want[e]
        }
      if (NR == 0) { bad = 1; print "coverage: nothing was counted" }
      exit bad
    }'
}

# coverage [--missed]: with it, the place of each branch that was never taken.
coverage() {
  local folder=build-coverage room counts
  build coverage
  find "$folder" -name '*.gcda' -delete
  note "coverage: running the tests"
  ctest --test-dir "$folder" -j "$(nproc)" -LE '^(slow|gpu)$' -E \
    'meta|products|vectors|forward|probe_checks|quant|reports|synth|trace|ptx|cuda|arith|writers|bisect|recorded|resume|noise|vacuous|test_faults|test_definition|matrix|pictures|planted' \
    >"$folder/test.log" 2>&1 || { tail -n 20 "$folder/test.log"; return 1; }
  counts=$(for room in "${covered_rooms[@]}"; do
    find "$folder/$room" -name '*.gcda' -exec gcov -t -b -c -s "$PWD" -r {} + 2>/dev/null
  done | count_branches)
  [ "${1:-}" != --missed ] ||
    sed -n 's/^missed\t//p' <<<"$counts" | sort -t: -k1,1 -k2,2n -k3,3n
  sort <<<"$counts" | judge_branches tests/coverage-exceptions.txt
}

#!/bin/sh
# Man pages and completions, from what the program prints: pages.sh PV NAME VERSION DIR. NAME is what
# the program is installed as; DIR gets man1/ and a script for each shell.
set -eu
pv=$1 name=$2 version=$3 dir=$4
rm -rf "$dir"
mkdir -p "$dir/man1"
ln -s "$pv" "$dir/$name"

# page NAME ABOUT: a man page of the help text on standard input. Its parts are those that every help
# has: what it does, "Usage:", lines of options, "Examples:". Commands that the text shows are called
# as they are installed.
page() {
  awk -v page="$1" -v about="$2" -v name="$name" -v version="$version" '
    function text(line) { gsub(/\\/, "\\e", line); gsub(/-/, "\\-", line); sub(/^[.\047]/, "\\\\\\&&", line); return line }
    function section(title) { printf ".SH %s\n", title }
    # An option with its value, which stands behind one blank or in the column for values, and what it
    # is; several in a line without; what a further line says of the one before.
    function option(line,    name, value, rest) {
      if (line !~ /^  --/) { sub(/^ +/, "", line); return text(line) "\n" }
      match(line, /^  [^ ]+/)
      name = substr(line, 3, RLENGTH - 2)
      rest = substr(line, RLENGTH + 1)
      if (rest ~ /^ [^ ]/ || substr(line, 15, 2) ~ /^ [^ ]/) { sub(/^ +/, "", rest); value = rest; sub(/ .*/, "", value); sub(/^[^ ]+/, "", rest) }
      sub(/^ +/, "", rest)
      if (rest ~ /^--/) { sub(/^  /, "", line); gsub(/   */, ", ", line); return ".TP\n.B " text(line) "\n" }
      return ".TP\n.BI " text(name) (value == "" ? "" : " \" " text(value) "\"") "\n" text(rest) "\n"
    }
    BEGIN {
      printf ".TH \"%s\" 1 \"\" \"pv %s\" \"User commands\"\n", toupper(page), version
      section("NAME")
      printf "%s \\- %s\n", page, text(about)
    }
    { sub(/ +$/, "") }
    /^Usage: / { usage = $0; sub(/^Usage: pv/, name, usage); next }
    /^(Options|Commands):$/ { verbatim = toupper(substr($0, 1, length($0) - 1)); next }
    /^Examples:$/ { verbatim = "EXAMPLES"; next }
    /^  / && verbatim == "" { verbatim = "OPTIONS" }
    /^[^ ]/ { verbatim = "" }
    verbatim == "" { described = described text($0) "\n"; next }
    verbatim == "OPTIONS" { if ($0 != "") kept[verbatim] = kept[verbatim] option($0); next }
    { if (verbatim == "EXAMPLES") sub(/^  pv /, "  " name " "); kept[verbatim] = kept[verbatim] text($0) "\n" }
    END {
      section("SYNOPSIS")
      printf ".B %s\n", text(usage)
      section("DESCRIPTION")
      gsub(/^\n+|\n+$/, "", described)
      gsub(/\n\n+/, "\n.PP\n", described)
      print described
      split("COMMANDS OPTIONS EXAMPLES", order, " ")
      for (i = 1; i <= 3; i++) {
        if (kept[order[i]] == "") continue
        section(order[i])
        gsub(/^\n+|\n+$/, "", kept[order[i]])
        printf order[i] == "OPTIONS" ? "%s\n" : ".nf\n%s\n.fi\n", kept[order[i]]
      }
      if (page != name) { section("SEE ALSO"); printf ".BR %s (1)\n", text(name) }
    }' >"$dir/man1/$1.1"
}

"$dir/$name" --help | page "$name" "prove or refute numerical claims about a model's forward pass"
"$dir/$name" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\)  *\(.*\)/\1 \2/p' >"$dir/commands"
while read -r command about; do
  "$dir/$name" help "$command" | page "$name-$command" "$about"
done <"$dir/commands"
[ -s "$dir/commands" ]
for shell in bash zsh fish; do "$dir/$name" completion "$shell" >"$dir/$shell"; done
rm "$dir/$name" "$dir/commands"

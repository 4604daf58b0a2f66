#!/usr/bin/env bash
# report.html of real runs: every link has an end, in the page or in the folder, and where something
# failed the command that says more is there to be copied, the one that the terminal names.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/lib.sh"
rung=ACTIVE_ALGORITHM_LEVEL

# dead PAGE: its links that lead nowhere; what it has of each kind comes first.
dead() {
  python3 - "$1" <<'PY'
import html.parser, pathlib, sys
page = pathlib.Path(sys.argv[1])
ids, links = [], []
class Reader(html.parser.HTMLParser):
    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name == 'id': ids.append(value)
            if name in ('href', 'src'): links.append(value)
reader = Reader()
reader.feed(page.read_text())
inside = [l for l in links if l.startswith('#')]
files = [l for l in links if not l.startswith('#')]
print(len(inside) > 20, len(set(files)))
print(*sorted({l for l in inside if ids.count(l[1:]) != 1} | {l for l in files if not (page.parent / l).is_file()}))
PY
}

contract claim $rung "F_PASS router.topk_rule PROPOSED" "F_FAIL forward.finite $rung" \
  "F_NOTRUN forward.parity ACTIVE_RUNTIME"
validate contracts/claim.yaml
exits 1
command=$(grep -o 'pv bisect .*' <<<"$out")
same "$command" "pv bisect f64 cpu:i16 --model $work/models/tiny-coder-moe-Q4_K_M.gguf" 'the command'
page=$(echo reports/runs/claim/2*/report.html)
same "$(dead "$page")" 'True 4' 'links of a run'
same "$(grep -o '<pre class="copy">pv bisect [^<]*' "$page" | sed 's/.*>//')" "$command" 'the command in the page'
line=$(grep -n 'id: F_FAIL' contracts/claim.yaml | cut -d: -f1)
same "$(sed -n "s|.*<li id=\"L$line\"> *- id: \([A-Z_]*\)</li>.*|\1|p" "$page")" F_FAIL 'the line of a falsifier'
if grep -q "href=\"#L$line\"" "$page"; then ok; else bad "no link to line $line"; fi
# The page that is linked has moved: the test above can fail.
sed 's/id="f2"/id="f9"/' "$page" >moved.html
same "$(dead moved.html)" $'True 4\n#f2 evidence.json junit.xml report.md statement.json' 'links of a page that moved'

# What is published names no path of this machine.
git add contracts && git -c user.name=t -c user.email=t@example.org commit -qm t
validate contracts/claim.yaml --publish
exits 1
page=$(echo reports/published/claim/*/report.html)
same "$(dead "$page")" 'True 4' 'links of what is published'
same "$(grep -o '<pre class="copy">pv bisect [^<]*' "$page" | sed 's/.*>//')" \
  'pv bisect f64 cpu:i16 --model models/tiny-coder-moe-Q4_K_M.gguf' 'the command that is published'
same "$(grep -c "$work" "$page")" 0 'paths of this machine'
finish

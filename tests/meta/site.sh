#!/usr/bin/env bash
# The site is built from the pages as they are, all of its links and anchors lead somewhere, nothing is
# fetched, its search finds; then the same over planted faults.
set -u
passed=0
failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ok() { passed=$((passed + 1)); }
bad() {
  failed=$((failed + 1))
  printf 'FAILED %s\n' "$*"
}
# says NAME TEXT COMMAND...: it succeeds, and prints TEXT.
says() {
  local name=$1 text=$2 out code
  shift 2
  out=$("$@" 2>&1)
  code=$?
  if [ $code -eq 0 ] && grep -qF -- "$text" <<<"$out"; then ok; else bad "$name: exit $code: $out"; fi
}
# refuses NAME TEXT COMMAND...: it does not, and prints TEXT.
refuses() {
  local name=$1 text=$2 out code
  shift 2
  out=$("$@" 2>&1)
  code=$?
  if [ $code -ne 0 ] && grep -qF -- "$text" <<<"$out"; then ok; else bad "$name: exit $code: $out"; fi
}

says 'it is built' 'index.html:' docs/site/build.py "$work/site"
says 'its links' ' links' python3 tests/meta/site.py "$work/site"
says 'again over the old one' 'index.html:' docs/site/build.py "$work/site"
# Every page that a reader of the repository has.
missing=$(git ls-files -- '*.md' ':!reports/published' ':!tests' | while IFS= read -r page; do
  [ "$page" = README.md ] || [ -f "$work/site/${page%.md}.html" ] || echo "$page"
done)
if [ -z "$missing" ]; then ok; else bad "no page of $missing"; fi

# search QUERY: the addresses of what is found, best first; by the site's own script.
search() {
  cat "$work/site/search-index.js" "$work/site/search.js" - <<JS | ${engine:?}
find(PV_INDEX, '$1', 5).forEach(function (s) { (typeof print === 'function' ? print : console.log)(s[0] + '#' + s[1]); });
JS
}
engine=''
if command -v duk >/dev/null; then engine='duk /dev/stdin'; elif command -v node >/dev/null; then engine='node -'; fi
if [ -n "$engine" ]; then
  says 'a heading' 'docs/conventions.html#on-a-terminal' search 'on a terminal'
  says 'an option' 'docs/' search '--save-logits'
  says 'an error' 'docs/threat-model.html#' search 'pv-gguf-magic'
  if [ -z "$(search 'nobody wrote this wrd')" ]; then ok; else bad 'a word that nobody wrote is found'; fi
else
  bad 'neither duk nor node: the search was not tried'
fi

# A copy with a fault each. Only what is tracked is a page.
mkdir "$work/copy"
git ls-files -z -- ':!reports' ':!models/*.gguf' ':!tests/fuzz' ':!tests/unit' ':!kernels' ':!runtime' ':!validator' |
  xargs -0 cp --parents -t "$work/copy"
git -C "$work/copy" init -q
git -C "$work/copy" add -A
planted() { (cd "$work/copy" && docs/site/build.py "$work/planted"); }
cp "$work/copy/docs/ptx.md" "$work/page"
printf '\n[x](no-such-page.md)\n' >>"$work/copy/docs/ptx.md"
refuses 'a dead link' "docs/ptx.md: error: the link 'no-such-page.md' leads nowhere" planted
cp "$work/page" "$work/copy/docs/ptx.md"
printf '\n[x](kernels.md#no-such-heading)\n' >>"$work/copy/docs/ptx.md"
refuses 'a dead anchor' "there is no heading '#no-such-heading' in docs/kernels.md" planted
mkdir "$work/other"
touch "$work/other/mine"
refuses "somebody else's folder" 'there is something else' docs/site/build.py "$work/other"
page=$work/site/docs/ptx.html
cp "$page" "$work/page"
sed -i 's|</main>|<a href="gone.html">x</a></main>|' "$page"
refuses 'a link of the site' 'the link gone.html leads nowhere' python3 tests/meta/site.py "$work/site"
sed 's|</main>|<a href="kernels.html#gone">x</a></main>|' "$work/page" >"$page"
refuses 'an anchor of the site' 'the anchor kernels.html#gone leads nowhere' python3 tests/meta/site.py "$work/site"
sed 's|</main>|<img src="https://example.org/x.png"></main>|' "$work/page" >"$page"
refuses 'something fetched' 'fetches https://example.org/x.png' python3 tests/meta/site.py "$work/site"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

# shellcheck shell=bash
# The commands that the documents show, without what is said of them: tests/meta/examples.sh runs them,
# and nothing else of a page decides what it finds (tests/keys.sh).
page_commands() {
  local page
  while IFS= read -r page; do
    grep -hE '^( {4}|\$ )pv [a-z]+' "$page" | sed -E 's/^( {4}|\$ )//; s/ +#.*//'
  done < <(git ls-files -- '*.md' ':!reports/published' ':!tests' ':!CHANGELOG.md')
}

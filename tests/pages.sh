# shellcheck shell=bash
# The commands that the documents show, without what is said of them: tests/meta/examples.sh runs them,
# and nothing else of a page decides what it finds (tests/keys.sh).
page_commands() {
  local page
  while IFS= read -r page; do
    grep -hE '^( {4}|\$ )pv [a-z]+' "$page" | sed -E 's/^( {4}|\$ )//; s/ +#.*//'
  done < <(pages)
}
# Their pages; tests/meta/tutorial.sh follows the one that is left out.
pages() { git ls-files -- '*.md' ':!reports/published' ':!tests' ':!CHANGELOG.md' ':!docs/tutorial.md'; }

# Calls of pv within a sentence, and commands of other programs.
page_mentions() { pages | xargs grep -ohE '`pv [a-z][^`]*`' | tr -d '`' | sort -u; }
page_others() {
  pages | xargs grep -hE '^( {4})?(\./dev|ssh|tar|git|cmake|nvcc|cc|python3|(hf|tg|ov|mlx|ort|mr|c2|fl|le)/bin/[a-z]+|(engines|tests|build-release|docs/site)/[^ :]+)( |$)' |
    sed -E 's/^ {4}//; s/ +#.*//' | sort -u
}

# follow_page PAGE: runs each indented block of it, in order and in this folder, and looks for each line that
# it quotes behind one ("> ") in what the block printed. Calls ok and bad; counts page_blocks, page_quotes.
# A block is to end with exit code 0: one that shows another code says so with echo.
follow_page() {
  local line block='' out
  out=$(mktemp)
  page_blocks=0
  page_quotes=0
  while IFS= read -r line; do
    case $line in
      '    '*)
        block+=${line#    }$'\n'
        continue
        ;;
      '') # within a block, unless what follows is none
        [ -z "$block" ] || block+=$'\n'
        continue
        ;;
    esac
    if [ -n "$block" ]; then
      page_blocks=$((page_blocks + 1))
      if bash -e -c "$block" >"$out" 2>&1 </dev/null; then ok; else bad "$1: ${block%%$'\n'*}: $(tail -n 5 "$out")"; fi
      block=''
    fi
    case $line in
      '> '*)
        page_quotes=$((page_quotes + 1))
        if tr -s ' \n' ' ' <"$out" | grep -qF -- "$(tr -s ' ' <<<"${line#> }")"; then ok; else
          bad "$1 says '${line#> }', and: $(head -n 12 "$out")"
        fi
        ;;
    esac
  done < <(cat "$1" && echo 'The end')
  rm -f "$out"
}

#!/usr/bin/env bash
# Reports as a headless Chromium draws them: nothing overflows, is cut off or too pale, the first
# screen says what it must, and links lead somewhere. $1 writes the pages.
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$1" "$folder"
python3 "$here/browser.py" test "$folder"

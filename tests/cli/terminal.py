"""Commands on a terminal of 60 columns that understands nothing: each line fits, but for a word that is
longer itself; no colour, no carriage return; and the words are those that a pipe gets.

    terminal.py PV <CALLS    a call a line, as for a shell"""
import re
import shlex
import subprocess
import sys

from screen import appear

WIDTH = 60
# What is measured, or names a folder by the time, is another text each time.
CHANGES = {'bench', 'validate', 'version', 'noise', 'perplexity'}
pv, bad, calls = sys.argv[1], 0, 0


def letters(text):
    """Lines may be folded anywhere, a command with a backslash."""
    return re.sub(r'[\s\\]', '', text)


for line in sys.stdin:
    words = shlex.split(line)
    calls += 1
    out = appear(WIDTH, 'dumb', [pv, *words])[0].decode()
    wide = [l for l in out.split('\n') if len(l) > WIDTH and l.rfind(' ') >= WIDTH]
    wrong = []
    if wide:
        wrong.append(f'a line of {len(wide[0])} columns: {wide[0]}')
    if '\r' in out or '\x1b' in out:
        wrong.append('a colour or a carriage return')
    if words[0] not in CHANGES or '--help' in words:
        piped = subprocess.run([pv, *words], stdin=subprocess.DEVNULL, capture_output=True)
        if sorted(letters(out)) != sorted(letters((piped.stdout + piped.stderr).decode())):
            wrong.append(f'other words than in a pipe: {out}')
    for what in wrong:
        print(f'FAILED {line.strip()}: {what}')
    bad += bool(wrong)
print(f'{calls} calls, {bad} wrong')
sys.exit(bad > 0)

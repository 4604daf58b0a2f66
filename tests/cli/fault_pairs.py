"""What became of each pair of falsifier and fault of `pv validate --faults --json`.

Arguments: the JSON, what was printed to standard error. Prints a line for each pair that was not
caught, with the reason: `survives` (the falsifier passes over the fault), `late` (a time limit: not
judged, so neither caught nor survived), `absent` (this build cannot judge it), `untried`."""
import json
import re
import sys

with open(sys.argv[1]) as f:
    report = json.load(f)
with open(sys.argv[2]) as f:
    notes = dict(re.findall(r'note: (\S+: the fault \S+) was not tried: (.*)', f.read()))
for falsifier in report['falsifiers']:
    for fault in falsifier['faults']['declared']:
        if fault in falsifier['faults']['killed']:
            continue
        why = notes.get('%s: the fault %s' % (falsifier['id'], fault))
        word = ('survives' if why is None
                else 'late' if re.match(r'no answer within|the probe did not say hello in time', why)
                else 'absent' if why == 'this build has no CUDA kernels'
                else 'untried')
        print(word, falsifier['id'], fault, '' if why is None else '(%s)' % why)

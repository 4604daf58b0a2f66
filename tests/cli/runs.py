#!/usr/bin/env python3
"""Makes runs out of one, sealed as pv seals them: what many hosts would leave.

runs.py EVIDENCE.json FOLDER COUNT [CONTRACTS MODELS DEVICES]    FOLDER/CONTRACT/RUN/evidence.json"""
import hashlib
import pathlib
import re
import sys


def sealed(text):
    """The seal is over the same object without it, in the same form: a line each, keys sorted."""
    bare = re.sub(r'^ "seal": "[0-9a-f]{64}",\n', "", text, flags=re.M)
    digest = hashlib.sha256(bare.encode()).hexdigest()
    return re.sub(r'^ "seal": "[0-9a-f]{64}"', f' "seal": "{digest}"', text, flags=re.M)


def main():
    text = pathlib.Path(sys.argv[1]).read_text(encoding="ascii")
    folder, count = pathlib.Path(sys.argv[2]), int(sys.argv[3])
    contracts, models, devices = map(int, sys.argv[4:7]) if len(sys.argv) > 4 else (1, 1, 1)
    if sealed(text) != text:
        sys.exit("runs.py: this is not how pv seals")
    name = re.search(r'^  "name": "(.*)",\n  "path"', text, flags=re.M)[1]
    for i in range(count):
        one, model, device = i % contracts, i // contracts % models, i // contracts // models % devices
        run = f"20261129T{i // 3600 % 24:02}{i // 60 % 60:02}{i % 60:02}Z-{i:08x}"
        new = re.sub(r'^  "id": "2\d{7}T.*"', f'  "id": "{run}"', text, flags=re.M)
        if contracts > 1:
            new = new.replace(f'"name": "{name}"', f'"name": "{name}-{one}"')
        if models > 1:
            new = re.sub(r'^  "sha256": "(.{60})....",\n  "signature"', rf'  "sha256": "\g<1>{model:04x}",\n  "signature"',
                         new, flags=re.M)
        if devices > 1:
            new = re.sub(r'^  "device": ".*"', f'  "device": "Device {device}"', new, flags=re.M)
        place = folder / f"{name}-{one}" / run
        place.mkdir(parents=True)
        (place / "evidence.json").write_text(sealed(new), encoding="ascii")


main()

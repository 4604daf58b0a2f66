#!/usr/bin/env python3
"""Holds outputs against schemas, with python3-jsonschema.

check.py json FILE...       each by the schema in docs/schema that it names, closed: a member that the
                            schema lacks is an error here, though not to those who read it elsewhere
check.py SCHEMA FILE...     JSON or YAML by a file of somebody else
Prints what is wrong, a line each; the exit code is 1 then, 2 where nothing was looked at."""
import json
import pathlib
import sys

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]


def closed(schema):
    """The same schema, which takes no member that it does not name."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: closed(value) for key, value in schema.items()}
    if isinstance(out.get("properties"), dict) and "type" in out:
        out.setdefault("additionalProperties", False)
    return out


def documents(path):
    """Those of a file: YAML, or JSON documents one after the other."""
    text = pathlib.Path(path).read_text()
    if path.endswith((".yml", ".yaml")):
        yield yaml.safe_load(text)
        return
    reader = json.JSONDecoder()
    while text.strip():
        text = text.lstrip()
        value, end = reader.raw_decode(text)
        yield value
        text = text[end:]


def own_schema(value):
    name = value.get("schema", "") if isinstance(value, dict) else ""
    parts = name.split("/")
    path = ROOT / "docs" / "schema" / f"{parts[1]}.json" if len(parts) == 3 else None
    if path is None or not path.is_file():
        return None, f"it names no schema of docs/schema: '{name}'"
    schema = json.loads(path.read_text())
    if schema["properties"]["schema"]["const"] != name:
        return None, f"{path.name} is of another schema than {name}"
    return closed(schema), None


def complaints(schema, value):
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    for error in kind(schema).iter_errors(value):
        yield f"{'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"


def main():
    which, files = sys.argv[1], sys.argv[2:]
    foreign = None if which == "json" else json.loads(pathlib.Path(which).read_text())
    wrong = looked = 0
    for path in files:
        for value in documents(path):
            looked += 1
            schema, why = (foreign, None) if foreign is not None else own_schema(value)
            for line in [why] if why else complaints(schema, value):
                wrong += 1
                print(f"{path}: {line}")
    return 2 if looked == 0 else wrong > 0


sys.exit(main())

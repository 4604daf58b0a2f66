#!/bin/sh
# The provider of @NAME@.c: compiles it into the run's folder, and is it.
cc -std=c17 -O2 -ffp-contract=off -o "$TMPDIR/@NAME@" "${0%/*}/@NAME@.c" -ljansson -lm &&
  exec "$TMPDIR/@NAME@" "$@"

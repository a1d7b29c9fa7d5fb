#!/bin/sh
# The servers are lean; what goes through whole tables (seed, audit) takes the memory that it needs.
case "$1" in
  start | api | worker) set -- --max-semi-space-size=8 --max-old-space-size=256 src/main.ts "$@" ;;
  *) set -- src/main.ts "$@" ;;
esac
exec node "$@"

#!/usr/bin/env bash
# Writes src/sandbox/memory/protobuf/numbers.txt.gz, the numbers that the fields of built-in types
# have in protobuf, and cases.txt beside it, objects as they are sent, from the pinned modules. Types
# are those of the catalog: write that one first.
#
#     tests/controlplane/protobuf/generate.sh            write them
#     tests/controlplane/protobuf/generate.sh -check     fail when they are not what would be written
#     tests/controlplane/protobuf/generate.sh -print     print the numbers
set -euo pipefail
if ! command -v go >/dev/null; then
  printf 'protobuf: Go is needed to read the types of Kubernetes and is not on the PATH.\n' >&2
  exit 1
fi
export GOWORK=off
cd "$(dirname "${BASH_SOURCE[0]}")"
exec go run -mod=readonly -buildvcs=false . "$@"

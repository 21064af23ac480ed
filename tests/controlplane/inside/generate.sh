#!/usr/bin/env bash
# Writes src/sandbox/memory/kinds/pod/internal.txt, the types that pods have within Kubernetes, which
# its errors show, from the pinned modules:
#
#     tests/controlplane/inside/generate.sh            write it
#     tests/controlplane/inside/generate.sh -check     fail when it is not what would be written
set -euo pipefail
if ! command -v go >/dev/null; then
  printf 'inside: Go is needed to read the types of Kubernetes and is not on the PATH.\n' >&2
  exit 1
fi
export GOWORK=off
cd "$(dirname "${BASH_SOURCE[0]}")"
exec go run -buildvcs=false . "$@"

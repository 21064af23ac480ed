#!/usr/bin/env bash
# Writes src/discovery/lifecycle.json from the pinned Kubernetes modules:
#
#     tests/controlplane/lifecycle/generate.sh            write it
#     tests/controlplane/lifecycle/generate.sh -check     fail when it is not what would be written
#     tests/controlplane/lifecycle/generate.sh -history   read the earlier releases anew too; needed
#                                                         after the pin moved to a new minor release
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
if ! command -v go >/dev/null; then
  printf 'lifecycle: Go is needed to read the Kubernetes modules and is not on the PATH.\n' >&2
  exit 1
fi
exec go run . "$@"

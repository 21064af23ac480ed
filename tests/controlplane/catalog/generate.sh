#!/usr/bin/env bash
# Writes src/sandbox/memory/catalog/catalog.json.gz: what the pinned Kubernetes serves and what its
# types are, from the Go types of the pinned modules and from the running server that KUBECONFIG
# names (`appop sandbox --real` starts one):
#
#     tests/controlplane/catalog/generate.sh            write it
#     tests/controlplane/catalog/generate.sh -check     fail when it is not what would be written
#     tests/controlplane/catalog/generate.sh -print     print it as JSON, one part a line
set -euo pipefail
if ! command -v go >/dev/null; then
  printf 'catalog: Go is needed to read the types of Kubernetes and is not on the PATH.\n' >&2
  exit 1
fi
if [ -z "${KUBECONFIG:-}" ]; then
  printf 'catalog: KUBECONFIG names no server to ask.\n' >&2
  exit 1
fi
export GOWORK=off
KUBECONFIG=$(realpath "$KUBECONFIG")
export KUBECONFIG
cd "$(dirname "${BASH_SOURCE[0]}")"
exec go run -mod=readonly -buildvcs=false . "$@"

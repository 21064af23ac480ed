#!/usr/bin/env bash
# Builds the pinned etcd, kube-apiserver, kube-controller-manager and kubectl into the user's cache
# directory, once for each version, and prints the directory that holds them. So is boxes, an operator
# that the tests use as a client, whenever its source has changed:
#
#     export KUBEBUILDER_ASSETS=$(tests/controlplane/build.sh)
#
# Words go to stderr; stdout carries the directory alone. APPOP_CONTROLPLANE_CACHE names another
# place than the cache directory.
set -euo pipefail

# A workspace and other platforms of whoever calls are not meant for these binaries.
export GOWORK=off
unset GOOS GOARCH GOEXPERIMENT

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
say() { printf 'controlplane: %s\n' "$*" >&2; }

kubernetes=$(sed -n 's/^require k8s\.io\/kubernetes v//p' "$here/kubernetes/go.mod")
etcd=$(sed -n 's/^require go\.etcd\.io\/etcd\/server\/v3 v//p' "$here/etcd/go.mod")
if [ -z "$kubernetes" ] || [ -z "$etcd" ]; then
  say "cannot read the pinned versions from $here/kubernetes/go.mod and $here/etcd/go.mod"
  exit 1
fi
major=${kubernetes%%.*}
minor=${kubernetes#*.}
minor=${minor%%.*}

case "$(uname -s)" in
  Darwin) cache=${XDG_CACHE_HOME:-$HOME/Library/Caches} ;;
  *) cache=${XDG_CACHE_HOME:-$HOME/.cache} ;;
esac
cache=${APPOP_CONTROLPLANE_CACHE:-$cache/appop/controlplane}
dir=$cache/kubernetes-$kubernetes-etcd-$etcd-$(uname -s)-$(uname -m)
wanted=(etcd kube-apiserver kube-controller-manager kubectl)

# What boxes is made from; the file beside it says what it was made from.
boxes=$(cat "$here"/boxes/*.go "$here"/boxes/go.{mod,sum} | cksum)
current() { [ -x "$dir/boxes" ] && [ "$(cat "$dir/boxes.made-from" 2>/dev/null)" = "$boxes" ]; }

complete() {
  local name
  for name in "${wanted[@]}"; do [ -x "$dir/$name" ] || return 1; done
  current
}

if ! complete; then
  if ! command -v go >/dev/null; then
    say "Go is needed to build Kubernetes $kubernetes and is not on the PATH."
    say "Install Go 1.26 or newer, or set KUBEBUILDER_ASSETS to a directory that holds: ${wanted[*]}"
    exit 1
  fi
  mkdir -p "$dir"
  # Two clones may ask at once: one builds, the other waits and finds the work done.
  if command -v flock >/dev/null; then
    exec 9>"$dir/.lock"
    flock 9
  fi
fi

# build MODULE PACKAGE NAME [LINKER FLAGS]
build() {
  local module=$1 package=$2 name=$3 flags=${4:-}
  [ -x "$dir/$name" ] && return
  local temporary=$dir/.$name.$$ began=$SECONDS
  say "building $name (some minutes the first time)"
  (cd "$here/$module" && CGO_ENABLED=0 go build -mod=readonly -buildvcs=false -trimpath -ldflags "-s -w $flags" \
    -o "$temporary" "$package") >&2
  mv "$temporary" "$dir/$name"
  say "built $name in $((SECONDS - began)) s"
}

version=k8s.io/component-base/version
stamp="-X $version.gitVersion=v$kubernetes -X $version.gitMajor=$major -X $version.gitMinor=$minor"
stamp+=" -X $version.gitTreeState=clean"
build etcd . etcd
for name in kube-apiserver kube-controller-manager kubectl; do
  build kubernetes "k8s.io/kubernetes/cmd/$name" "$name" "$stamp"
done
if ! current; then
  rm -f "$dir/boxes"
  build boxes . boxes
  printf '%s\n' "$boxes" >"$dir/boxes.made-from"
fi
printf '%s\n' "$dir"

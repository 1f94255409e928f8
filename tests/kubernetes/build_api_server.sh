#!/usr/bin/env bash
# Builds a control plane for tests from Debian's own packages: no container, no
# other download site, and nothing installed in the system.
#
#   etcd                     bookworm, binary package etcd-server
#   kube-apiserver           bookworm, source package kubernetes (1.20.x), built here
#   kube-controller-manager  the same tree
#   apiextensions-apiserver  forky or sid, golang-k8s-apiextensions-apiserver-dev (>= 1.36):
#                            serves CRDs with CEL rules behind kube-apiserver's aggregator;
#                            no Debian suite has a whole kube-apiserver newer than 1.20
#
# Run as root (apt wants that) on Debian 12. Does nothing when all binaries are in
# $KUBEBUILDER_ASSETS.
#
#   KUBEBUILDER_ASSETS  where the binaries go; has to be set
#   KUBE_BUILD_DIR      work folder (default /var/tmp/kube-build), about 5 GB while it runs
#   KEEP_WORK=1         keep the work folder
#   APIEXT              require: fail without apiextensions-apiserver
#                       try (default): warn without it, for forky and sid move
#                       no: leave it out
#   APIEXT_SUITES       suites tried in turn (default "forky sid")
#   JOBS                go build -p (default 2)
set -euo pipefail

ASSETS=${KUBEBUILDER_ASSETS:?the folder for the binaries}
WORK=${KUBE_BUILD_DIR:-/var/tmp/kube-build}
APIEXT=${APIEXT:-try}
APIEXT_SUITES=${APIEXT_SUITES:-forky sid}
JOBS=${JOBS:-2}
BASE_SUITE=bookworm

say() { printf '%s build_api_server: %s\n' "$(date -u +%H:%M:%S)" "$*" >&2; }
have() { [ -x "$ASSETS/$1" ]; }

core_done() { have etcd && have kube-apiserver && have kube-controller-manager; }
ext_done() { [ "$APIEXT" = no ] || have apiextensions-apiserver; }
if core_done && ext_done; then say "all there in $ASSETS"; exit 0; fi
mkdir -p "$ASSETS" "$WORK"

# The machine's own mirror and keyring: no name of a mirror is written down here.
mirror=$(
  for f in /etc/apt/sources.list.d/*.sources; do
    [ -f "$f" ] || continue
    awk -v RS= '/(^|\n)Suites:[^\n]*(bookworm|trixie|stable|sid|forky)/ && !/security/ {
        n = split($0, l, "\n"); for (i = 1; i <= n; i++) if (l[i] ~ /^URIs:/) { split(l[i], w, " "); print w[2]; exit } }' "$f"
  done
  for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -f "$f" ] || continue
    awk '$1 == "deb" { for (i = 2; i < NF; i++) if ($i ~ /^[a-z+]+:/ && $i !~ /security/ && $(i+1) ~ /^(bookworm|trixie|stable|oldstable|sid|forky)$/) { print $i; exit } }' "$f"
  done
)
mirror=${mirror%%$'\n'*}
[ -n "$mirror" ] || { say "no Debian mirror in /etc/apt"; exit 1; }
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -f "$keyring" ] || { say "$keyring is missing (package debian-archive-keyring)"; exit 1; }

# apt_in SUITE SECONDS COMMAND...: apt with lists, cache and status of its own, and an
# empty set of installed packages, so that the whole closure of a package is listed.
apt_in() {
  local suite=$1 limit=$2 d="$WORK/apt-$1"; shift 2
  local tool=$1; shift
  timeout "$limit" "$tool" \
    -o Dir::Etc::sourcelist="$d/sources.list" -o Dir::Etc::sourceparts=- \
    -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
    -o Dir::State::lists="$d/lists" -o Dir::State::status="$d/status" \
    -o Dir::Cache="$d/cache" -o APT::Sandbox::User=root \
    -o APT::Install-Recommends=false -o Acquire::Retries=3 -o APT::Get::List-Cleanup=false "$@"
}
apt_setup() {
  local d="$WORK/apt-$1"
  mkdir -p "$d/lists/partial" "$d/cache/archives/partial" "$d/debs"
  : >"$d/status"
  printf '%s [signed-by=%s] %s %s main\n' deb "$keyring" "$mirror" "$1" deb-src "$keyring" "$mirror" "$1" >"$d/sources.list"
  apt_in "$1" 300 apt-get -qq update
}
# unpack SUITE FOLDER PACKAGE...
unpack() {
  local suite=$1 into=$2; shift 2
  local d="$WORK/apt-$suite/debs.$$"
  rm -rf "$d"; mkdir -p "$d" "$into"
  (cd "$d" && apt_in "$suite" 900 apt-get -qq download "$@") || return 1
  local f
  for f in "$d"/*.deb; do dpkg-deb -x "$f" "$into" || return 1; done
  rm -rf "$d"
}
put() { install -m 755 "$1" "$ASSETS/.$2.new" && mv -f "$ASSETS/.$2.new" "$ASSETS/$2"; }
go_env() { # GOROOT GOPATH
  export GOROOT=$1 GOPATH=$2 GO111MODULE=off CGO_ENABLED=0 GOCACHE="$WORK/gocache" \
    GOFLAGS="-p=$JOBS" GOTOOLCHAIN=local GOPROXY=off GOENV=off
  export PATH="$GOROOT/bin:$PATH"
}

build_core() (
  set -e
  local start=$SECONDS
  apt_setup "$BASE_SUITE"
  if ! have etcd; then
    unpack "$BASE_SUITE" "$WORK/etcd" etcd-server
    put "$WORK/etcd/usr/bin/etcd" etcd
    say "$("$ASSETS/etcd" --version | head -n 1)"
  fi
  if have kube-apiserver && have kube-controller-manager; then return 0; fi

  [ -x "$WORK/go-$BASE_SUITE/usr/lib/go-1.19/bin/go" ] || unpack "$BASE_SUITE" "$WORK/go-$BASE_SUITE" golang-1.19-go golang-1.19-src
  mkdir -p "$WORK/src"
  (cd "$WORK/src" && apt_in "$BASE_SUITE" 600 apt-get -qq source --download-only kubernetes)

  # A GOPATH tree, as debian/rules makes one. Debian's patches touch kubectl's printers
  # alone, and kubectl is not built here, so they are not applied.
  local tree="$WORK/gopath/src/k8s.io/kubernetes"
  rm -rf "$tree"; mkdir -p "$tree"
  tar -xf "$(ls "$WORK"/src/kubernetes_1.*.orig.tar.gz | tail -n 1)" -C "$tree" --strip-components=1
  cd "$tree"

  # The vendored reflect2 1.0.1 reads maps wrongly from Go 1.18 on (a server built with it
  # dies of "unexpected fault address" at the first object of a CRD); 1.0.2 is Debian's own.
  unpack "$BASE_SUITE" "$WORK/reflect2" golang-github-modern-go-reflect2-dev
  rm -rf vendor/github.com/modern-go/reflect2
  cp -r "$WORK/reflect2/usr/share/gocode/src/github.com/modern-go/reflect2" vendor/github.com/modern-go/

  # With KUBE_APISERVER_EXTERNAL_CRDS set, kube-apiserver leaves its own CRD server out, so
  # that apiextensions-apiserver can serve CRDs behind the aggregator without a rival.
  cat >cmd/kube-apiserver/app/external_crds.go <<'GO'
package app

import "os"

var externalCRDs = os.Getenv("KUBE_APISERVER_EXTERNAL_CRDS") != ""
GO
  perl -0pi -e 's/(\tkubeAPIServer, err := CreateKubeAPIServer\(kubeAPIServerConfig, )apiExtensionsServer\.GenericAPIServer\)/\tvar crdServer genericapiserver.DelegationTarget = apiExtensionsServer.GenericAPIServer\n\tif externalCRDs {\n\t\tcrdServer = genericapiserver.NewEmptyDelegate()\n\t}\n$1crdServer)/ or die' \
    cmd/kube-apiserver/app/server.go
  perl -0pi -e 's/\t\tgo (crdRegistrationController\.Run\(5, context\.StopCh\))/\t\tif !externalCRDs {\n\t\t\tgo $1\n\t\t}/ or die; s/if (aggregatorConfig\.GenericConfig\.MergedResourceConfig\.AnyVersionForGroupEnabled\("apiextensions\.k8s\.io"\))/if !externalCRDs && $1/ or die' \
    cmd/kube-apiserver/app/aggregator.go

  go_env "$WORK/go-$BASE_SUITE/usr/lib/go-1.19" "$WORK/gopath"

  # pkg/generated/openapi is the one generated file upstream does not commit: what
  # Makefile.generated_files does for it, without make. The report of broken API rules
  # must be the one upstream committed: it shows that the same folders were read.
  nice -n 10 go build -o "$WORK/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
  local dirs
  dirs=$(grep -rl --include='*.go' --exclude='*_test.go' --exclude='zz_generated*' '^// +k8s:openapi-gen=' pkg cmd plugin staging/src/k8s.io |
    grep -vE 'staging/src/k8s.io/(code-generator|sample-apiserver)/' | xargs -n1 dirname |
    sed -e 's#^staging/src/#vendor/#' -e 's#^#k8s.io/kubernetes/#' | LC_ALL=C sort -u | paste -sd,)
  timeout 600 nice -n 10 "$WORK/openapi-gen" --logtostderr -i "$dirs" -p k8s.io/kubernetes/pkg/generated/openapi \
    -O zz_generated.openapi -h vendor/k8s.io/code-generator/hack/boilerplate.go.txt -r "$WORK/violations.report"
  diff -q "$WORK/violations.report" api/api-rules/violation_exceptions.list >/dev/null ||
    say "warning: openapi-gen read other folders than upstream's list of violations says"

  local version commit date ld="-s -w" p c
  version=$(sed -n "s/.*'tag: \(v[0-9.]*\)'.*/\1/p" hack/lib/version.sh | head -n 1)
  commit=$(sed -n 's/.*gitCommit *= "\([0-9a-f]\{40\}\)".*/\1/p' staging/src/k8s.io/component-base/version/base.go)
  date=$(tar -xOf "$(ls "$WORK"/src/kubernetes_1.*.debian.tar.xz | tail -n 1)" debian/changelog | sed -n 's/^ -- .*>  //p' | head -n 1)
  date=$(date -u -d "$date" +%Y-%m-%dT%H:%M:%SZ)
  for p in component-base/version client-go/pkg/version; do
    p=k8s.io/kubernetes/vendor/k8s.io/$p
    ld="$ld -X $p.gitVersion=$version -X $p.gitMajor=$(echo "$version" | cut -c2- | cut -d. -f1)"
    ld="$ld -X $p.gitMinor=$(echo "$version" | cut -d. -f2) -X $p.gitCommit=$commit -X $p.gitTreeState=dirty -X $p.buildDate=$date"
  done
  for c in kube-apiserver kube-controller-manager; do
    have $c && continue
    timeout 2400 nice -n 10 go build -trimpath -ldflags "$ld" -o "$WORK/$c" ./cmd/$c
    put "$WORK/$c" $c
    say "$c: $("$ASSETS/$c" --version), at $((SECONDS - start)) s"
  done
)

# build_ext SUITE
build_ext() (
  set -e
  local suite=$1 start=$SECONDS package=golang-k8s-apiextensions-apiserver-dev root="$WORK/root-$1"
  apt_setup "$suite"
  # Of the closure only Go's libraries and compiler: the rest is for building C.
  apt_in "$suite" 120 apt-get install --print-uris -y "$package" golang-go >"$WORK/closure-$suite" 2>"$WORK/closure-$suite.err" ||
    { say "$suite: $(tail -n 1 "$WORK/closure-$suite.err")"; return 1; }
  local names
  names=$(awk "/^'/ { sub(/_.*/, \"\", \$2); print \$2 }" "$WORK/closure-$suite" | grep '^golang-')
  echo "$names" | grep -qx "$package"
  rm -rf "$root"
  # shellcheck disable=SC2086
  unpack "$suite" "$root" $names
  local goroot version
  goroot=$(ls -d "$root"/usr/lib/go-1.* | sort -V | tail -n 1)
  [ -x "$goroot/bin/go" ]
  go_env "$goroot" "$root/usr/share/gocode"
  cd "$GOPATH/src/k8s.io/apiextensions-apiserver"
  version=$(apt_in "$suite" 60 apt-cache show --no-all-versions "$package" | sed -n 's/^Version: 0\.\([0-9.]*\).*/1.\1/p' | head -n 1)
  local p=k8s.io/component-base/version
  timeout 2400 nice -n 10 go build -trimpath -o "$WORK/apiextensions-apiserver" -ldflags \
    "-s -w -X $p.gitVersion=v$version -X $p.gitMajor=1 -X $p.gitMinor=$(echo "$version" | cut -d. -f2) -X $p.gitCommit=debian-$suite -X $p.gitTreeState=archive" .
  put "$WORK/apiextensions-apiserver" apiextensions-apiserver
  say "apiextensions-apiserver v$version from $suite ($(go version)), $((SECONDS - start)) s"
)

# bash ignores set -e inside the condition of an if: run each in a process of its own.
case ${1:-all} in
__core) build_core; exit ;;
__ext) build_ext "$2"; exit ;;
esac

exec 9>"$WORK/.lock"
timeout 3600 flock 9   # a second run waits, and then finds all there
core_done || bash "$0" __core
core_done
if ! ext_done; then
  for suite in $APIEXT_SUITES; do
    if bash "$0" __ext "$suite"; then break; fi
    say "no apiextensions-apiserver from $suite"
  done
fi
if ! ext_done; then
  say "apiextensions-apiserver is missing: CRDs are then served by kube-apiserver itself, without CEL rules"
  [ "$APIEXT" = try ] || exit 1
fi
if [ "${KEEP_WORK:-}" != 1 ]; then
  chmod -R u+w "$WORK" 2>/dev/null || :
  find "$WORK" -mindepth 1 -maxdepth 1 ! -name .lock -exec rm -rf {} +
fi
say "done: $(cd "$ASSETS" && echo *)"

#!/bin/sh
# Installs the reconciler of the checkout that this file stands in, from its locked dependencies, and prints the folder of the
# command. A runner that has the command in this very version, in an image of yours for one, installs nothing.
# Python runs isolated (-I): it imports nothing from the folder that the job stands in, whose files a pull request wrote.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$root/reconciler/__init__.py")
if [ "$(reconciler --version 2>/dev/null)" = "reconciler $version" ]; then
	dirname "$(command -v reconciler)"
	exit
fi
folder=$(mktemp -d)
python3 -I -m venv "$folder" >&2
install() {
	"$folder/bin/python" -I -m pip --disable-pip-version-check -q install --no-deps "$@" >&2
}
install --require-hashes -r "$root/requirements.lock"
install --no-build-isolation "$root"
echo "$folder/bin"

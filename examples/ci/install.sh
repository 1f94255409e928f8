#!/bin/sh
# Installs the reconciler of the checkout that this file stands in, from its locked dependencies, and prints the folder of the
# command. A runner that has the command in this very version, in an image of yours for one, installs nothing.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' "$root/reconciler/__init__.py")
if [ "$(reconciler --version 2>/dev/null)" = "reconciler $version" ]; then
	dirname "$(command -v reconciler)"
	exit
fi
folder=$(mktemp -d)
python3 -m venv "$folder" >&2
"$folder/bin/pip" --disable-pip-version-check -q install --require-hashes --no-deps -r "$root/requirements.lock" >&2
"$folder/bin/pip" --disable-pip-version-check -q install --no-deps --no-build-isolation "$root" >&2
echo "$folder/bin"

#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# package.sh VERSION - debian/ and the rest of the source say the same
set -eu

cd "$(dirname "$0")/../.."
failed=0
bad() { echo "package: $*" >&2 && failed=1; }

packaged=$(sed -n '1s/^gpuanchor (\([^)~]*\).*/\1/p' debian/changelog) # without the release of debian/build.sh
[ "$packaged" = "$1" ] || bad "debian/changelog has version $packaged, meson.build $1"

# what removal calls is there, and what purge must know is where the code keeps it
for option in --all --keep-policy; do
    grep -q -e "gpuanchor disable.* $option" debian/prerm || bad "debian/prerm does not say $option"
    grep -q "\"${option#--}\"" src/cli/options.c || bad "debian/prerm: $option is no option"
done
for folder in $(grep -rhoE '"(%s)?/(var/lib|run)/gpuanchord?[/"]' src | grep -oE '/(var/lib|run)/gpuanchord?' | sort -u); do
    grep -q " $folder\( \|\$\)" debian/postrm || bad "debian/postrm: purge leaves $folder"
done
grep -q "^$(grep -o '# stand-in for gpuanchor-hook' debian/postinst)" debian/hook-stub ||
    bad "debian/postinst does not know debian/hook-stub again"

for test in $(sed -n 's/^Tests: //p' debian/tests/control | tr -d ,); do
    [ -x "debian/tests/$test" ] || bad "debian/tests/$test is no program"
done
if command -v shellcheck >/dev/null; then
    shellcheck systemd/gpuanchor-alert debian/*.sh debian/hook-stub debian/p*inst debian/p*rm debian/tests/[a-bd-z]* tests/deb/run.sh || failed=1
else
    echo "package: no shellcheck here, scripts were not checked"
fi
exit $failed

#!/bin/sh
# Runs the tests of a package on an emulated CPU, which checks AVX-512 code on
# a machine without it:
#
#   internal/kernel/emulate/run.sh ./internal/kernel -test.run Pointwise -test.v
#
# Needs the Debian packages bochs, isolinux, xorriso and cpio, and
# fetches a Linux kernel with apt. The emulator does some ten million
# instructions a second, of which Linux takes a minute: choose few tests.
# CPU= is a model of `bochs --help cpu`, such as tigerlake for VNNI, TIMEOUT= the
# longest run in seconds, FILES= what the tests read apart from the package's
# testdata.
set -eu
package=$1
shift
here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/mixnet-emulate
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$cache" "$dir/root/repo" "$dir/iso"

if [ ! -f "$cache/vmlinuz" ]; then
	image=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ { print $2; exit }')
	(cd "$dir" && apt-get download -qq "$image" && dpkg-deb -x linux-image-*.deb kernel)
	cp "$dir"/kernel/boot/vmlinuz-* "$cache/vmlinuz"
fi

export CGO_ENABLED=0 GOOS=linux GOARCH=amd64
go test -c -o "$dir/root/test" "$package"
(cd "$here" && go build -o "$dir/root/init" ./init)
home=$(go list -m -f '{{.Dir}}')
work=$(go list -f '{{.Dir}}' "$package")
work=${work#"$home"}
mkdir -p "$dir/root/repo$work"
(cd "$home" && for f in ".$work/testdata" ${FILES:-}; do [ ! -e "$f" ] || cp -r --parents "$f" "$dir/root/repo/"; done)
printf '%s\n' "/repo$work" "$@" >"$dir/root/args"
(cd "$dir/root" && find . | cpio -o -H newc --quiet) >"$dir/iso/initrd"
cp "$cache/vmlinuz" "$dir/iso/"
cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$dir/iso/"
# Bochs reports a wrong size for the compact form of the saved state: bits 321
# and 323 are XSAVEC and XSAVES.
cat >"$dir/iso/isolinux.cfg" <<EOF
default linux
prompt 0
timeout 1
label linux
  kernel vmlinuz
  append initrd=initrd console=ttyS0 quiet clearcpuid=321,323 mitigations=off tsc=reliable lpj=1000000 nosmp noapic apparmor=0 audit=0
EOF
xorriso -as mkisofs -quiet -o "$dir/boot.iso" -b isolinux.bin -c boot.cat \
	-no-emul-boot -boot-load-size 4 -boot-info-table "$dir/iso" 2>/dev/null
cat >"$dir/bochsrc" <<EOF
cpu: model=${CPU:-corei7_skylake_x}, count=1, ips=50000000, ignore_bad_msrs=1
megs: 512
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
ata0-master: type=cdrom, path=$dir/boot.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$dir/serial
display_library: rfb, options="timeout=0"
plugin_ctrl: speaker=0, usb_uhci=0, parallel=0, biosdev=0
sound: driver=dummy
clock: sync=none
log: $dir/log
error: action=ignore
panic: action=fatal
EOF
echo continue >"$dir/rc"
timeout "${TIMEOUT:-1800}" bochs -q -unlock -rc "$dir/rc" -f "$dir/bochsrc" >"$dir/out" 2>&1 </dev/null || true
cat "$dir/serial"
grep -q 'EMULATED PASS' "$dir/serial"

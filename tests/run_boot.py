#!/usr/bin/env python3
"""Boots real systems under riv boot: OpenSBI with Debian's riscv64 Linux kernel and an initramfs made here of busybox, and
OpenSBI with U-Boot.

    run_boot.py --list                                names of the tests
    run_boot.py --root DIR --fetch                    fills DIR with scripts/debian-root (needs the network the first time)
    run_boot.py --root DIR --riv RIV NAME

Each must end by itself, by powering off, with status 0, and must have printed what is expected, which is worked out here.
Without packages the tests are skipped (status 77), but not where CI is set: there everything has to run.
"""
import argparse
import hashlib
import io
import lzma
import os
import re
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

PACKAGES = ["linux-image-riscv64", "busybox-static"]
FIRMWARE = Path("/usr/lib/riscv64-linux-gnu/opensbi/generic")
U_BOOT = Path("/usr/lib/u-boot/qemu-riscv64_smode/uboot.elf")
MODULES = ["kernel/drivers/virtio/virtio_mmio.ko.xz", "kernel/drivers/block/virtio_blk.ko.xz"]
SKIP = 77
transcript = io.StringIO()

INIT = """#!/bin/busybox sh
b=/bin/busybox
$b mount -t proc proc /proc
$b mount -t devtmpfs dev /dev
for m in /modules/*; do $b insmod $m; done
echo "=== $($b uname -sm), $($b nproc) harts"
while [ ! -b /dev/vda ]; do $b sleep 0.1; done
echo "=== disk $($b sha256sum </dev/vda)"
$b printf 'written by the guest' | $b dd of=/dev/vda bs=512 seek=3 conv=notrunc,fsync 2>/dev/null
echo "=== sum $($b seq 1 20000 | $b awk '{ s += $1 * $1 % 7 / 2 } END { print s }')"
$b poweroff -f
"""


def archive(files):
    """An initramfs: cpio in the "newc" format (Documentation/driver-api/early-userspace/buffer-format.rst of Linux)."""
    out = b""
    for number, (name, mode, data) in enumerate([*files, ("TRAILER!!!", 0, b"")], 1):
        fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        out += b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return out


def initramfs(root):
    modules = next(root.glob("usr/lib/modules/*"))
    files = [(d, 0o40755, b"") for d in ("bin", "dev", "proc", "modules")]
    files += [("bin/busybox", 0o100755, (root / "usr/bin/busybox").read_bytes()), ("init", 0o100755, INIT.encode())]
    files += [(f"modules/{i}.ko", 0o100644, lzma.decompress((modules / m).read_bytes())) for i, m in enumerate(MODULES)]
    return archive(files), modules / "vmlinuz"


def boot(riv, args, timeout, dialogue=()):
    """dialogue: pairs of what is waited for and what is then typed."""
    with subprocess.Popen([riv, "boot", "--display=none", *map(str, args)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        killer = threading.Timer(timeout, process.kill)
        killer.start()
        out = b""
        for wanted, typed in [*dialogue, (None, None)]:
            while wanted is None or wanted not in out:
                more = os.read(process.stdout.fileno(), 4096)
                out += more
                if not more:
                    break
            if typed is not None and more:
                seen, out = out, b""
                print(seen.decode(errors="replace"), end="", file=transcript)
                process.stdin.write(typed)
                process.stdin.flush()
        err = process.stderr.read()
        process.wait()
        killer.cancel()
    print(out.decode(errors="replace"), end="", file=transcript)
    return process.returncode, transcript.getvalue().replace("\r", ""), err.decode(errors="replace")


def linux(riv, root, options, harts, snapshot):
    image, kernel = initramfs(root)
    disk = bytes(i * 7 % 251 for i in range(64 * 512))
    with tempfile.TemporaryDirectory() as work:
        initrd, drive = Path(work, "initrd"), Path(work, "disk")
        initrd.write_bytes(image)
        drive.write_bytes(disk)
        status, out, err = boot(riv, [*options, "--bios", FIRMWARE / "fw_dynamic.elf", "--kernel", kernel, "--initrd", initrd,
                                      "--append", "console=ttyS0 quiet", "-m", "512M", "--smp", harts,
                                      "--drive", f"{drive}{',snapshot=on' if snapshot else ''}"], 150)
        after = drive.read_bytes()
    written = b"written by the guest"
    want_disk = disk if snapshot else disk[:1536] + written + disk[1536 + len(written):]
    total = sum(i * i % 7 / 2 for i in range(1, 20001))
    want = [f"Linux riscv64, {harts} harts", f"disk {hashlib.sha256(disk).hexdigest()}  -", f"sum {total:g}"]
    got = re.findall(r"^=== (.*)$", out, re.MULTILINE)
    return (status, got, err, after == want_disk) == (0, want, "", True), (status, got, want, err, after == want_disk, out[-2000:])


def u_boot(riv, root, options):
    """A key stops its countdown; then commands at the prompt."""
    status, out, err = boot(riv, [*options, "--bios", FIRMWARE / "fw_jump.elf", "--kernel", U_BOOT], 100,
                            [(b"Hit any key", b"\n"), (b"=> ", b"setexpr x 0x12345 * 3\n"), (b"=> ", b"printenv x\n"),
                             (b"=> ", b"poweroff\n")])
    return status == 0 and "U-Boot 20" in out and "x=369cf" in out and not err, (status, out[-2000:], err)


TESTS = {
    "linux": lambda riv, root: linux(riv, root, [], 1, False),
    "linux_interpreted": lambda riv, root: linux(riv, root, ["--engine=interp"], 1, True),
    "linux_two_harts": lambda riv, root: linux(riv, root, [], 2, True),
    "u_boot": lambda riv, root: u_boot(riv, root, []),
}


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--list", action="store_true")
    ap.add_argument("--fetch", action="store_true")
    ap.add_argument("--root", type=Path)
    ap.add_argument("--riv")
    ap.add_argument("name", nargs="?")
    a = ap.parse_args()
    if a.list:
        print("\n".join(TESTS))
        return 0
    if a.fetch:
        script = Path(__file__).resolve().parent.parent / "scripts/debian-root"
        done = subprocess.run([script, a.root, *PACKAGES], check=False)
        return 0 if done.returncode == 0 else 1 if "CI" in os.environ else SKIP
    if not (a.root / ".debian-root").exists() and "CI" not in os.environ:
        return SKIP
    good, seen = TESTS[a.name](a.riv, a.root)
    if not good:
        print(*seen, sep="\n")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

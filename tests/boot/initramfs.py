#!/usr/bin/env python3
"""Makes an initial RAM disk of busybox and kernel modules, from a directory that scripts/debian-root has unpacked.

    initramfs.py ROOT OUT [--script FILE] [--modules NAME...]

init loads the modules in the order given, then runs the script if there is one, else a shell on the console; at its end the
machine is powered off.
"""
import argparse
import lzma
import re
from pathlib import Path

FOLDERS = ("bin", "dev", "etc", "lib", "mnt", "proc", "root", "sys", "tmp")
APPLETS = ("sh", "mount", "insmod", "poweroff", "reboot", "cat", "echo", "ls", "dd", "cmp", "ip", "wget", "udhcpc", "sync",
           "sleep", "uname", "mkdir", "umount", "head", "md5sum", "nproc", "hexdump", "dmesg", "nc", "ifconfig", "route", "grep")
INIT = """#!/bin/sh
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
{modules}
{main}
poweroff -f
"""


class Cpio:
    """A "newc" archive (Documentation/driver-api/early-userspace/buffer-format.rst)."""

    def __init__(self):
        self.data = bytearray()
        self.inode = 1

    def add(self, name, mode, content=b"", rdev=(0, 0)):
        name_bytes = name.encode() + b"\0"
        fields = [self.inode, mode, 0, 0, 1, 0, len(content), 0, 0, *rdev, len(name_bytes), 0]
        self.inode += 1
        self.data += b"070701" + b"".join(b"%08X" % f for f in fields) + name_bytes
        self.pad()
        self.data += content
        self.pad()

    def pad(self):
        self.data += b"\0" * (-len(self.data) % 4)


def module_files(root):
    """Every kernel module by its name as lsmod has it."""
    return {re.sub(r"\.ko(\.xz)?$", "", p.name).replace("-", "_"): p for p in root.glob("usr/lib/modules/*/kernel/**/*.ko*")}


def read_module(path):
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


def build(root, modules, script):
    archive = Cpio()
    for folder in FOLDERS:
        archive.add(folder, 0o40755)
    archive.add("dev/console", 0o20600, rdev=(5, 1))
    archive.add("bin/busybox", 0o100755, (root / "usr/bin/busybox").read_bytes())
    for applet in APPLETS:
        archive.add(f"bin/{applet}", 0o120777, b"busybox")
    files = module_files(root)
    for name in modules:
        archive.add(f"lib/{name}.ko", 0o100644, read_module(files[name.replace("-", "_")]))
    if script is not None:
        archive.add("script", 0o100755, script)
    init = INIT.format(modules="\n".join(f"insmod /lib/{name}.ko" for name in modules),
                       main="sh /script" if script is not None else "sh")
    archive.add("init", 0o100755, init.encode())
    archive.add("TRAILER!!!", 0)
    return bytes(archive.data)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--script", type=Path)
    parser.add_argument("--modules", nargs="*", default=[])
    args = parser.parse_args()
    script = args.script.read_bytes() if args.script else None
    args.out.write_bytes(build(args.root, args.modules, script))


if __name__ == "__main__":
    main()

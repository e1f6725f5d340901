#!/usr/bin/env python3
"""Makes an initial RAM disk of busybox and kernel modules, from a directory that scripts/debian-root has unpacked.

    initramfs.py ROOT OUT [--script FILE] [--modules NAME...]

init loads the modules, each after those it depends on, then runs the script if there is one, else a shell on the console; at
its end the machine is powered off. --root-disk mounts /dev/vda (ext4) instead, goes over to it and runs what the kernel's
command line names as init=, /sbin/init unless it does.
"""
import argparse
import lzma
import re
from pathlib import Path

FOLDERS = ("bin", "dev", "etc", "lib", "mnt", "proc", "root", "sys", "tmp")
APPLETS = ("sh", "mount", "insmod", "poweroff", "reboot", "cat", "echo", "ls", "dd", "cmp", "ip", "wget", "udhcpc", "sync",
           "sleep", "uname", "mkdir", "umount", "head", "sha256sum", "nproc", "hexdump", "dmesg", "nc", "ifconfig", "route", "grep",
           "hwclock", "date", "awk", "seq", "stty", "switch_root", "sed", "printf", "wc")
ROOT_DISK = b"""while [ ! -b /dev/vda ]; do sleep 0.1; done
mount -t ext4 /dev/vda /mnt || exec sh
mount -t devtmpfs dev /mnt/dev
init=$(sed -n 's/.*init=\\([^ ]*\\).*/\\1/p' /proc/cmdline)
umount /proc /sys
exec switch_root /mnt ${init:-/sbin/init}
"""
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


def depends(module):
    """What a module's .modinfo section says it needs."""
    found = re.search(rb"\0depends=([^\0]*)\0", module)
    return [name.replace("-", "_") for name in found.group(1).decode().split(",") if name] if found else []


def load_order(files, names):
    """(name, content) of modules and of all they depend on, each after what it needs; what is built in has no file."""
    done = {}

    def visit(name):
        if name not in done and name in files:
            content = read_module(files[name])
            for needed in depends(content):
                visit(needed)
            done[name] = content

    for name in names:
        name = name.replace("-", "_")
        assert name in files, f"no kernel module {name}"
        visit(name)
    return list(done.items())


def build(root, modules, script, programs=()):
    """programs: files that go to /bin."""
    archive = Cpio()
    for folder in FOLDERS:
        archive.add(folder, 0o40755)
    archive.add("dev/console", 0o20600, rdev=(5, 1))
    archive.add("bin/busybox", 0o100755, (root / "usr/bin/busybox").read_bytes())
    for applet in APPLETS:
        archive.add(f"bin/{applet}", 0o120777, b"busybox")
    for program in programs:
        archive.add(f"bin/{program.name}", 0o100755, program.read_bytes())
    order = load_order(module_files(root), modules)
    for name, content in order:
        archive.add(f"lib/{name}.ko", 0o100644, content)
    if script is not None:
        archive.add("script", 0o100755, script)
    init = INIT.format(modules="\n".join(f"insmod /lib/{name}.ko" for name, _ in order),
                       main=". /script" if script is not None else "sh")
    archive.add("init", 0o100755, init.encode())
    archive.add("TRAILER!!!", 0)
    return bytes(archive.data)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--script", type=Path)
    parser.add_argument("--root-disk", action="store_true")
    parser.add_argument("--modules", nargs="*", default=[])
    args = parser.parse_args()
    script = args.script.read_bytes() if args.script else ROOT_DISK if args.root_disk else None
    modules = args.modules + (["virtio_mmio", "virtio_blk", "ext4"] if args.root_disk else [])
    args.out.write_bytes(build(args.root, modules, script))


if __name__ == "__main__":
    main()

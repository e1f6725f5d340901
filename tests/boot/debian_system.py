#!/usr/bin/env python3
"""Boots what scripts/debian-image has made: to the login prompt, logs in, installs a package with apt from a server on the host,
looks at clock, entropy and network, and powers off. Too long for every test run; the image is not changed.

    debian_system.py DISK [RIV | qemu-system-riscv64]
"""
import functools
import gzip
import hashlib
import http.server
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path


def repository(folder):
    """A package and a list of it."""
    package = Path(folder, "package/DEBIAN")
    package.mkdir(parents=True)
    (package / "control").write_text("Package: riv-greeting\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@example.com>\n"
                                     "Description: prints a line\n")
    program = Path(folder, "package/usr/bin/riv-greeting")
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\necho installed by apt on $(uname -m)\n")
    program.chmod(0o755)
    deb = Path(folder, "riv-greeting.deb")
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-b", Path(folder, "package"), deb], check=True,
                   stdout=subprocess.DEVNULL)
    listed = (package / "control").read_text() + (f"Filename: ./{deb.name}\nSize: {deb.stat().st_size}\n"
                                                  f"SHA256: {hashlib.sha256(deb.read_bytes()).hexdigest()}\n\n")
    Path(folder, "Packages.gz").write_bytes(gzip.compress(listed.encode()))


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


class Terminal:
    def __init__(self, process):
        self.process, self.seen = process, b""

    def wait(self, *wanted):
        while not any(w in self.seen for w in wanted):
            more = os.read(self.process.stdout.fileno(), 4096)
            if not more:
                sys.exit(f"ended while {wanted} was waited for:\n{self.seen.decode(errors='replace')}")
            self.seen += more
        before, self.seen = self.seen, b""
        return before.decode(errors="replace").replace("\r", "")

    def run(self, command):
        self.process.stdin.write(f"{command}; echo $?:'END'\n".encode())
        self.process.stdin.flush()
        text = re.sub(r"\x1b\[[0-9;?]*[a-z]", "", self.wait(b":END"))  # without colours
        print(text, flush=True)
        return text


def main():
    disk = Path(sys.argv[1]).resolve()
    emulator = sys.argv[2] if len(sys.argv) > 2 else str(Path(__file__).resolve().parent.parent.parent / "build/riv")
    command = [emulator] if Path(emulator).name.startswith("qemu") else [emulator, "boot"]
    with tempfile.TemporaryDirectory() as folder:
        repository(folder)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        start = time.monotonic()
        process = subprocess.Popen([*command, "-M", "virt", "-nographic", "-m", "1G", "-kernel", f"{disk}.kernel", "-initrd",
                                    f"{disk}.initrd", "-append", "console=ttyS0 root=/dev/vda rw", "-drive",
                                    f"file={disk},format=raw,snapshot=on", "-netdev", "user,id=n", "-device",
                                    "virtio-net-device,netdev=n", "-device", "virtio-rng-device"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        threading.Timer(900, process.kill).start()
        terminal = Terminal(process)
        terminal.wait(b"login: ")
        print(f"login prompt after {time.monotonic() - start:.1f} s", flush=True)
        process.stdin.write(b"root\n")
        process.stdin.flush()
        terminal.wait(b"# ")
        process.stdin.write(b"exec env TERM=dumb PS1=rea''dy: sh\n")  # no editing of lines, no colours
        process.stdin.flush()
        terminal.wait(b"ready:")
        for command, wanted in ((f"echo 'deb [trusted=yes] http://10.0.2.2:{server.server_port}/ ./' >/etc/apt/sources.list", r"\n0:"),
                                ("rm -f /etc/apt/sources.list.d/*; apt-get -q update", r"\n0:"),
                                ("apt-get -q install -y riv-greeting", r"\n0:"),
                                ("riv-greeting", r"installed by apt on riscv64\n0:"),
                                ("ip -br address show dev eth0", r"10\.0\.2\.15/24"),
                                ("hwclock -r", time.strftime("%Y-%m-%d", time.gmtime())),
                                ("head -c 100 /dev/hwrng | wc -c", r"\b100\n0:")):
            if not re.search(wanted, terminal.run(command)):
                sys.exit(f"'{command}': expected {wanted}")
        process.stdin.write(b"poweroff\n")
        process.stdin.flush()
        process.stdout.read()
        status = process.wait()
        print(f"powered off after {time.monotonic() - start:.1f} s, status {status}", flush=True)
        os._exit(status)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Boots real systems under riv boot: OpenSBI with Debian's riscv64 Linux kernel and an initramfs of busybox (boot/initramfs.py),
OpenSBI with U-Boot, and all three in a row.

    run_boot.py --list                                names of the tests
    run_boot.py --root DIR --fetch                    fills DIR with scripts/debian-root (needs the network the first time)
    run_boot.py --root DIR --riv RIV NAME

Each must end by itself, by powering off, with status 0, and must have printed what is expected, which is worked out here.
Without packages the tests are skipped (status 77), but not where CI is set: there everything has to run.
"""
import argparse
import functools
import hashlib
import http.server
import io
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "boot"), str(HERE / "cli")]
from initramfs import build  # noqa: E402
from png import read_png  # noqa: E402

PACKAGES = ["linux-image-riscv64", "busybox-static"]
FIRMWARE = Path("/usr/lib/riscv64-linux-gnu/opensbi/generic")
U_BOOT = Path("/usr/lib/u-boot/qemu-riscv64_smode/uboot.elf")
SKIP = 77
transcript = io.StringIO()

SCRIPT = """
echo "=== $(uname -sm), $(nproc) harts"
while [ ! -b /dev/vda ]; do sleep 0.1; done
echo "=== disk $(sha256sum </dev/vda)"
printf 'written by the guest' | dd of=/dev/vda bs=512 seek=3 conv=notrunc,fsync 2>/dev/null
echo "=== sum $(seq 1 20000 | awk '{ s += $1 * $1 % 7 / 2 } END { print s }')"
"""
DEVICES = """
echo "=== rtc $(cat /sys/class/rtc/rtc0/name), since epoch $(cat /sys/class/rtc/rtc0/since_epoch)"
echo "=== random $(cat /sys/class/misc/hw_random/rng_current) $(head -c 1000 /dev/hwrng | wc -c)"
echo "=== inputs $(grep -h ^N: /proc/bus/input/devices | sed 's/N: Name=//' | tr '\n' ' ')"
echo "to the virtio console" >/dev/hvc0
ifconfig lo 127.0.0.1
ifconfig eth0 10.0.2.15 netmask 255.255.255.0
route add default gw 10.0.2.2
echo "=== fetched $(wget -q -O - http://10.0.2.2:PORT/data | sha256sum)"
echo "=== listening"
echo "=== sent $(echo from the guest | nc -l -p 7777)"
"""


def initramfs(root, modules=("virtio_mmio", "virtio_blk"), script=SCRIPT):
    return build(root, modules, script.encode() if script else None), next(root.glob("usr/lib/modules/*/vmlinuz"))


def boot(riv, args, timeout, dialogue=()):
    """dialogue: pairs of what is waited for and what is then typed, or a function that is called."""
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
                if callable(typed):
                    typed()
                    continue
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


def counted(riv, root):
    """Counted runs print the same, whichever engine runs them: times, random bytes, how many interrupts there were."""
    image, kernel = initramfs(root, ["virtio_mmio"], "head -c 16 /dev/urandom | hexdump\ndate\ncat /proc/interrupts\n")
    with tempfile.TemporaryDirectory() as work:
        initrd = Path(work, "initrd")
        initrd.write_bytes(image)
        runs, seen = [], 0
        for engine in ("interp", "jit", "jit"):
            status, out, err = boot(riv, ["--icount", f"--engine={engine}", "--kernel", kernel, "--initrd", initrd, "--append",
                                          "console=ttyS0"], 140)
            runs.append((status, out[seen:], err))
            seen = len(out)
    status, out, err = runs[0]
    return (status, err) == (0, "") and "reboot: Power down" in out and runs == [runs[0]] * 3, runs


def boot_disk(work, files):
    """A disk with one bootable partition (MBR) that holds an ext2 file system of files."""
    folder, system, disk = Path(work, "boot"), Path(work, "ext2"), Path(work, "disk")
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    size = sum(map(len, files.values())) // 4096 * 5 + 4096  # blocks of 1 KiB, a quarter of them free
    subprocess.run(["/sbin/mke2fs", "-q", "-t", "ext2", "-b", "1024", "-d", folder, system, str(size)], check=True, stdout=subprocess.DEVNULL)
    content, start = system.read_bytes(), 2048
    entry = bytes([0x80, 0, 0, 0, 0x83, 0, 0, 0]) + start.to_bytes(4, "little") + (len(content) // 512).to_bytes(4, "little")
    disk.write_bytes(bytes(446) + entry + bytes(48) + b"\x55\xaa" + bytes((start - 1) * 512) + content)
    return disk


def u_boot_linux(riv, root, options):
    """U-Boot finds extlinux.conf on the disk by itself and starts what it names."""
    image, kernel = initramfs(root, script='echo "=== $(cat /proc/cmdline)"\n')
    config = b"default it\nlabel it\nkernel /vmlinuz\ninitrd /initrd\nappend console=ttyS0 quiet by=u-boot\n"
    with tempfile.TemporaryDirectory() as work:
        disk = boot_disk(work, {"extlinux/extlinux.conf": config, "vmlinuz": kernel.read_bytes(), "initrd": image})
        status, out, err = boot(riv, [*options, "-nographic", "-M", "virt", "-bios", FIRMWARE / "fw_jump.bin", "-kernel", U_BOOT,
                                      "-drive", f"file={disk},format=raw,id=hd0,snapshot=on", "-device",
                                      "virtio-blk-device,drive=hd0", "-m", "1G"], 150)
    got = re.findall(r"^=== (.*)$", out, re.MULTILINE)
    return (status, got, err) == (0, ["console=ttyS0 quiet by=u-boot"], "") and "U-Boot 20" in out, (status, got, out[-3000:], err)


def shell(riv, root):
    """What a newcomer sees: a prompt of busybox; typed commands are done; at its end the power goes off."""
    image, kernel = initramfs(root, script=None)
    with tempfile.TemporaryDirectory() as work:
        initrd = Path(work, "initrd")
        initrd.write_bytes(image)
        status, out, err = boot(riv, ["-M", "virt", "-nographic", "-bios", FIRMWARE / "fw_dynamic.bin", "-kernel", kernel, "-initrd",
                                      initrd, "-append", "console=ttyS0 quiet", "-m", "512", "-smp", "2"], 150,
                                [(b"# ", b"echo $((6 * 7))-$(uname -m)\n"), (b"42-riscv64\r\n", b"exit\n")])
    return status == 0 and "42-riscv64" in out and not err, (status, out[-2000:], err)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def devices(riv, root):
    """Clock, entropy, input, virtio console and network as Linux sees them; a server on the host, and a port that is forwarded."""
    data = bytes(i * i % 253 for i in range(300000))
    with tempfile.TemporaryDirectory() as work, socket.socket() as probe:
        Path(work, "data").write_bytes(data)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=work))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        image, kernel = initramfs(root, ["virtio_mmio", "virtio_net", "virtio_rng", "virtio_input", "evdev"],
                                  DEVICES.replace("PORT", str(server.server_port)))
        initrd = Path(work, "initrd")
        initrd.write_bytes(image)

        answers = []

        def send():
            while answers[-1:] != [b"from the guest\n"] and len(answers) < 50:  # until the guest listens
                with socket.create_connection(("127.0.0.1", port), 30) as s:
                    s.sendall(b"from the host\n")
                    s.shutdown(socket.SHUT_WR)
                    s.settimeout(5)
                    try:
                        answers.append(s.recv(100))
                    except OSError:
                        answers.append(b"")
                time.sleep(0.2)

        status, out, err = boot(riv, ["--kernel", kernel, "--initrd", initrd, "--append", "console=ttyS0 quiet", "-m", "512M",
                                      "--netdev", f"user,hostfwd=tcp:127.0.0.1:{port}-:7777", "--console", f"file:{work}/console",
                                      "--device", "virtio-keyboard-device", "--device", "virtio-tablet-device", "--device",
                                      "virtio-rng-device"], 150, [(b"=== listening", send)])
        console = Path(work, "console").read_text() if Path(work, "console").exists() else ""
        server.shutdown()
    got = dict(line.split(" ", 1) for line in re.findall(r"^=== (\w+ .*)$", out, re.MULTILINE))
    now = int(re.search(r"since epoch (\d+)", got.get("rtc", "since epoch 0"))[1])
    good = (status == 0 and "sent" in got and abs(now - time.time()) < 300 and "goldfish" in got["rtc"] and
            re.fullmatch(r"virtio_rng\.\d+ 1000", got["random"]) and got["fetched"] == f"{hashlib.sha256(data).hexdigest()}  -" and
            got.get("sent") == "from the host" and answers[-1] == b"from the guest\n" and "eyboard" in got["inputs"] and "ablet" in got["inputs"] and
            "to the virtio console" in console and not err)
    return good, (status, got, console, err, out[-1500:])


def gpu(riv, root):
    """Linux' virtio_gpu driver shows what is written to its frame buffer."""
    width, height = 1024, 768
    want = [[((x ^ y) & 255, y & 255, x & 255) for x in range(width)] for y in range(height)]
    with tempfile.TemporaryDirectory() as work:
        picture, initrd, screenshot = Path(work, "picture"), Path(work, "initrd"), Path(work, "screenshot.png")
        picture.write_bytes(b"".join(bytes((b, g, r, 0)) for row in want for r, g, b in row))
        script = """
echo "=== $(cat /sys/class/graphics/fb0/name), $(cat /sys/class/graphics/fb0/virtual_size)"
cat /bin/picture >/dev/fb0
sleep 1
"""
        initrd.write_bytes(build(root, ["virtio_mmio", "virtio_gpu"], script.encode(), [picture]))
        kernel = next(root.glob("usr/lib/modules/*/vmlinuz"))
        status, out, err = boot(riv, ["--kernel", kernel, "--initrd", initrd, "--append",
                                      "console=ttyS0 quiet vt.global_cursor_default=0", "-m", "512M", "--device",
                                      "virtio-gpu-device", "--screenshot", screenshot], 150)
        shown = read_png(screenshot) if screenshot.exists() else []
    got = re.findall(r"^=== (.*)$", out, re.MULTILINE)
    seen = (status, got, err, shown == want)
    return seen == (0, [f"virtio_gpudrmfb, {width},{height}"], "", True), (*seen, out[-2000:])


TESTS = {
    "linux": lambda riv, root: linux(riv, root, [], 1, False),
    "linux_interpreted": lambda riv, root: linux(riv, root, ["--engine=interp"], 1, True),
    "linux_two_harts": lambda riv, root: linux(riv, root, [], 2, True),
    "u_boot": lambda riv, root: u_boot(riv, root, []),
    "u_boot_linux": lambda riv, root: u_boot_linux(riv, root, []),
    "linux_counted": counted,
    "shell": shell,
    "devices": devices,
    "gpu": gpu,
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
        script = HERE.parent / "scripts/debian-root"
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

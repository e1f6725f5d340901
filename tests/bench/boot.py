#!/usr/bin/env python3
"""Times Linux under riv boot and under qemu-system-riscv64: from the start to busybox's prompt, and programs inside.

    boot.py [--riv build/riv] [-n TURNS] [-g GROUP,...] [-p PROGRAM,...] [--against NAME=COMMAND ...] [--json FILE]

Both start the same OpenSBI, Debian kernel and initial RAM disk (tests/boot/initramfs.py), with the same options, and take turns
(riv, qemu, riv, ...), so that a machine whose speed drifts treats them alike; the least time of all turns counts. A turn in which another than riv fails is named and left out. Programs are
those beside this file, compiled for both architectures; what they print must be what they print natively. The guest says on
its console when each begins and ends; time is the processor time of the whole emulator in between (--wall: wall time, which
needs a machine that does nothing else). Printed: seconds, and how many times as fast as each other one riv is.

The group "parallel" is a program with one thread and with two, on two harts: how much faster two are, by wall time, and by the
processor time of the busiest thread, which other work on the machine changes less.

--against adds a contestant, whose command gets qemu's options: --against before='../before/build/riv boot --display=none'.
Needed: qemu-system-misc, opensbi, gcc-riscv64-linux-gnu; scripts/debian-root fetches kernel and busybox the first time.
"""
import argparse
import json
import math
import os
import shlex
import shutil
import subprocess
import sys
import threading
import time
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tests/boot"))
from initramfs import build as build_initramfs  # noqa: E402

FIRMWARE = "/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin"
PACKAGES = ["linux-image-riscv64", "busybox-static"]
PROGRAMS = {  # name: (group, program, arguments)
    "mixture": ("int", "mixture", "12000"), "gcdsum": ("int", "gcdsum", "4000"), "queens": ("int", "queens", "14"),
    "heapsort": ("int", "heapsort", "1000000"),
    "forth": ("indirect", "forth", "6000000"),
    "oscillator": ("fp", "oscillator", "150000"), "blur": ("fp", "blur", "100"), "nbody": ("fp", "nbody", "400000"),
    "words": ("string", "words", "30000"),
    "pipes": ("system", "pipes", "200000"), "pingpong": ("system", "pingpong", "4000"), "forks": ("system", "forks", "300"),
    "faults": ("system", "faults", "300"),
    "mutex": ("threads", "mutex", "2000000"),
    "one": ("parallel", "parallel", "1 3000000"), "two": ("parallel", "parallel", "2 3000000"),
}
BOOT = ("boot/shell", "boot/power-off")
TIMEOUT = 150


def compile_programs(work, names):
    for kind, compiler in (("riscv64", "riscv64-linux-gnu-gcc"), ("native", "gcc")):
        (work / kind).mkdir(parents=True, exist_ok=True)
        for name in names:
            source, target = HERE / "programs" / f"{name}.c", work / kind / name
            if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
                subprocess.run([compiler, "-O2", "-s", "-static", "-pthread", "-ffp-contract=off", "-o", target, source, "-lm"],
                               check=True)


def natively(work, program, arguments):
    done = subprocess.run([work / "native" / program, *arguments.split()], stdout=subprocess.PIPE, check=True)
    return sha256(done.stdout).hexdigest()


class Failure(Exception):
    pass


class Machine:
    """An emulator whose console is read. Times are those of when a text was there."""

    def __init__(self, command):
        self.begun = time.monotonic()
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.killer = threading.Timer(TIMEOUT, self.process.kill)
        self.killer.start()
        self.seen = b""

    def times(self):
        """Wall and processor time since the start, and the processor time of each thread."""
        cpu = time.clock_gettime((~self.process.pid << 3) | 2)  # a process's clock, see clock_getcpuclockid(3)
        threads = {}
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            try:
                threads[task.name] = int((task / "schedstat").read_text().split()[0]) / 1e9
            except OSError:
                pass
        return time.monotonic() - self.begun, cpu, threads

    def wait(self, *texts):
        """Reads until one of the texts is there; what is read after that stays for the next call. Returns all before it."""
        while True:
            found = [at for at in (self.seen.find(t) for t in texts) if at >= 0]
            if found:
                before = self.seen[:min(found)]
                self.seen = self.seen[min(found) + 1:]
                return before
            more = os.read(self.process.stdout.fileno(), 65536)
            if not more:
                self.end()
                raise Failure(f"{self.process.args[0]} ended while {texts} was waited for:\n{self.seen.decode(errors='replace')}\n"
                              f"{self.process.stderr.read().decode(errors='replace')}")
            self.seen += more

    def end(self):
        """Waits for the power to go off."""
        rest = self.process.stdout.read()
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.killer.cancel()
        return rest, time.monotonic() - self.begun, usage.ru_utime + usage.ru_stime


def to_shell(command):
    machine = Machine(command)
    machine.wait(b"~ # ")
    shell = machine.times()
    machine.process.stdin.write(b"exit\n")
    machine.process.stdin.flush()
    _, wall, cpu = machine.end()
    if machine.process.returncode != 0:
        raise Failure(f"{command[0]} ended with status {machine.process.returncode}")
    return {"boot/shell": (shell[0], shell[1], 0), "boot/power-off": (wall, cpu, 0)}


def inside(command, chosen, expected):
    """{name: (wall, cpu, busiest thread)} of the programs, of which the guest's script says when they begin and end."""
    machine, result = Machine(command), {}
    for name in chosen:
        machine.wait(b"@begin " + name.encode())
        begun = machine.times()
        machine.wait(b"@end " + name.encode())
        ended = machine.times()
        machine.wait(b"\n")
        busiest = max(ended[2][t] - begun[2].get(t, 0) for t in ended[2])
        result[name] = (ended[0] - begun[0], ended[1] - begun[1], busiest)
    seen = machine.seen
    rest = (seen + machine.end()[0]).decode(errors="replace")
    for name in chosen:
        if f"@sum {name} {expected[name]}" not in rest:
            raise Failure(f"{name} printed something else under {command[0]}:\n{rest}")
    return result


def script(chosen):
    lines = []
    for name in chosen:
        _, program, arguments = PROGRAMS[name]
        lines += [f"echo @begin {name}", f"{program} {arguments} >/tmp/{name}", f"echo @end {name}"]
    return "\n".join(lines + [f"echo @sum {name} $(sha256sum </tmp/{name})" for name in chosen]) + "\n"


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def report(rows, groups, contestants, kind, turns):
    others = [who for who in contestants if who != "riv"]
    print(f"seconds, {'wall' if kind == 0 else 'CPU'} time, least of {turns}".ljust(36) + "".join(who.rjust(10) for who in contestants) +
          "".join(f"{who}/riv".rjust(14) for who in others))
    means = {}
    for name, row in rows.items():
        seconds = {who: row[who][kind] for who in contestants}
        print(name.ljust(36) + "".join(f"{seconds[who]:10.3f}" for who in contestants) +
              "".join(f"{seconds[who] / seconds['riv']:14.2f}" for who in others))
        for who in others:
            means.setdefault(groups[name], {}).setdefault(who, []).append(seconds[who] / seconds["riv"])
    for group, mean in means.items():
        if len(next(iter(mean.values()))) > 1 and group not in ("boot", "parallel"):
            print(f"geometric mean, {group}".ljust(36) + " " * 10 * len(contestants) +
                  "".join(f"{geometric_mean(mean[who]):14.2f}" for who in others))
    if "parallel/one" in rows and "parallel/two" in rows:
        one, two = rows["parallel/one"], rows["parallel/two"]
        for which, text in ((0, "wall time"), (2, "busiest thread's CPU time")):
            print(f"two harts are faster, {text}".ljust(36) + "".join(f"{one[who][which] / two[who][which]:10.2f}" for who in contestants))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--riv", default=str(ROOT / "build" / "riv"))
    parser.add_argument("-n", type=int, default=3, metavar="TURNS")
    parser.add_argument("-g", default="", metavar="GROUP,...", help="boot, " + ", ".join(dict.fromkeys(g for g, _, _ in PROGRAMS.values())))
    parser.add_argument("-p", default="", metavar="PROGRAM,...", help=", ".join(PROGRAMS))
    parser.add_argument("--against", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--no-qemu", action="store_true")
    parser.add_argument("--smp", default="2", metavar="HARTS")
    parser.add_argument("--wall", action="store_true")
    parser.add_argument("--root", type=Path, default=ROOT / "out" / "boot-riscv64", help="unpacked packages")
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "bench")
    parser.add_argument("--json")
    a = parser.parse_args()

    contestants = {"riv": [a.riv, "boot", "--display=none"]}
    if not a.no_qemu:
        if not shutil.which("qemu-system-riscv64"):
            sys.exit("boot: there is no qemu-system-riscv64 (Debian package qemu-system-misc); --no-qemu leaves it out")
        contestants["qemu"] = ["qemu-system-riscv64"]
    contestants |= {name: shlex.split(command) for name, command in (x.split("=", 1) for x in a.against)}
    wanted = [g for g in a.g.split(",") if g]
    chosen = [name for name, (group, _, _) in PROGRAMS.items()
              if (not wanted or group in wanted) and (not a.p or name in a.p.split(","))]
    boots = (not wanted or "boot" in wanted) and not a.p

    subprocess.run([ROOT / "scripts/debian-root", a.root, *PACKAGES], check=True)
    compile_programs(a.work, {PROGRAMS[name][1] for name in chosen})
    expected = {name: natively(a.work, *PROGRAMS[name][1:]) for name in chosen}
    programs = [a.work / "riscv64" / p for p in sorted({PROGRAMS[name][1] for name in chosen})]
    (a.work / "initrd-shell").write_bytes(build_initramfs(a.root, [], None))
    (a.work / "initrd-programs").write_bytes(build_initramfs(a.root, [], script(chosen).encode(), programs))
    kernel = next(a.root.glob("usr/lib/modules/*/vmlinuz"))

    def command(who, initrd):
        return [*contestants[who], "-M", "virt", "-nographic", "-m", "512M", "-smp", a.smp, "-bios", FIRMWARE, "-kernel", str(kernel),
                "-initrd", str(a.work / initrd), "-append", "console=ttyS0 quiet"]

    names = {name: f"{PROGRAMS[name][0]}/{name}" for name in chosen}
    rows = {name: {} for name in [*(BOOT if boots else ()), *names.values()]}
    for _ in range(a.n):
        for who in contestants:
            try:
                results = to_shell(command(who, "initrd-shell")) if boots else {}
                if chosen:
                    results |= {names[n]: v for n, v in inside(command(who, "initrd-programs"), chosen, expected).items()}
            except Failure as failure:
                if who == "riv":
                    sys.exit(f"boot: {failure}")
                print(f"boot: a turn without {who}: {failure}", file=sys.stderr)
                continue
            for name, times in results.items():
                old = rows[name].get(who, times)
                rows[name][who] = tuple(map(min, old, times))
    if not all(who in row for row in rows.values() for who in contestants):
        sys.exit("boot: no turn was complete")
    report(rows, {name: name.split("/")[0] for name in rows}, contestants, 0 if a.wall else 1, a.n)
    if a.json:
        Path(a.json).write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()

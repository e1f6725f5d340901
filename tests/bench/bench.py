#!/usr/bin/env python3
"""Times the programs beside it natively, under riv, under riv's interpreter and under qemu-riscv64 where that is installed.

    bench.py [--riv build/riv] [-n RUNS] [-g GROUP,...] [-p PROGRAM,...] [--against NAME=COMMAND ...] [--json FILE]

All take turns on each program (native, riv, interp, qemu, native, ...), so that a machine whose speed drifts treats them
alike, and the best of RUNS counts: processor time, or wall time where several processes or threads share the work (start,
threads). Output must equal the native one. Printed: the share of native speed (1.00 is native speed, more is better), and
geometric means. --against adds another emulator or another build: --against old='other/riv'. Figures from different
runs, even on the same machine, are not comparable.
"""
import argparse
import json
import math
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROGRAMS = {  # name: (group, arguments): a second or less natively
    "gcdsum": ("int", "2500"), "queens": ("int", "14"), "heapsort": ("int", "2500000"),
    "forth": ("indirect", "20000000"),
    "oscillator": ("fp", "300000"), "blur": ("fp", "400"),
    "words": ("string", "60000"),
    "mutex": ("threads", "6000000"), "pipes": ("syscall", "600000"), "nothing": ("start", ""),
}
WALL = {"threads", "start"}
RUNS_OF_START = 20  # for each run of the others


def build(work):
    # Without contraction: RISC-V has fused multiply-add where plain x86-64 has not, and the results would differ.
    for kind, compiler in (("riscv64", "riscv64-linux-gnu-gcc"), ("native", "gcc")):
        (work / kind).mkdir(parents=True, exist_ok=True)
        for name in PROGRAMS:
            source, target = HERE / "programs" / f"{name}.c", work / kind / name
            newest = max(source.stat().st_mtime, Path(__file__).stat().st_mtime)
            if not target.exists() or target.stat().st_mtime < newest:
                subprocess.run([compiler, "-O2", "-static", "-pthread", "-ffp-contract=off", "-o", target, source, "-lm"], check=True)


def run_once(command):
    with tempfile.TemporaryFile() as out:
        begun = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        return {"ok": status == 0, "output": out.read(), "wall": wall, "cpu": usage.ru_utime + usage.ru_stime,
                "rss": usage.ru_maxrss}


def measure(name, emulators, work, runs):
    """Best time for each contestant, or a word that says why there is none."""
    group, arguments = PROGRAMS[name]
    kind = "wall" if group in WALL else "cpu"
    lines = {"native": [work / "native" / name, *arguments.split()]}
    lines |= {who: [*shlex.split(command), work / "riscv64" / name, *arguments.split()] for who, command in emulators.items()}
    best, output = {}, None
    for _ in range(runs * (RUNS_OF_START if group == "start" else 1)):
        for who, line in lines.items():
            if isinstance(best.get(who), str):
                continue
            result = run_once(line)
            if who == "native":
                output = result["output"]
            if not result["ok"]:
                best[who] = "failed"
            elif result["output"] != output:
                best[who] = "wrong"
            else:
                best[who] = min(best.get(who, math.inf), result[kind])
    if isinstance(best["native"], str):
        sys.exit(f"bench: {name} fails natively")
    return best


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--riv", default=str(ROOT / "build" / "riv"))
    parser.add_argument("-n", type=int, default=3)
    parser.add_argument("-g", default="", help="groups")
    parser.add_argument("-p", default="", help="programs")
    parser.add_argument("--against", action="append", default=[], metavar="NAME=COMMAND")
    parser.add_argument("--no-interp", action="store_true", help="leave the interpreter out: it takes most of the time")
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "bench")
    parser.add_argument("--json")
    a = parser.parse_args()

    emulators = {"riv": a.riv}
    if not a.no_interp:
        emulators["interp"] = f"{a.riv} --engine=interp"
    if shutil.which("qemu-riscv64"):
        emulators["qemu"] = "qemu-riscv64"
    emulators |= dict(x.split("=", 1) for x in a.against)
    chosen = [name for name, (group, _) in PROGRAMS.items()
              if (not a.g or group in a.g.split(",")) and (not a.p or name in a.p.split(","))]
    build(a.work)

    print("share of native speed".ljust(24) + "native s".rjust(10) + "".join(who.rjust(10) for who in emulators))
    shares, table = {}, {}
    for name in chosen:
        group = PROGRAMS[name][0]
        best = measure(name, emulators, a.work, a.n)
        row = f"{group}/{name}".ljust(24) + f"{best['native']:10.4f}"
        for who in emulators:
            if isinstance(best[who], str):
                row += best[who].rjust(10)
                continue
            share = best["native"] / max(best[who], 1e-9)
            shares.setdefault(who, {}).setdefault(group, []).append(share)
            table[f"{name}/{who}"] = {"share": share, "seconds": best[who], "native": best["native"]}
            row += f"{share:10.3f}"
        print(row, flush=True)
    for group in dict.fromkeys(PROGRAMS[name][0] for name in chosen):
        print(f"geometric mean, {group}".ljust(34) + "".join(
            (f"{geometric_mean(shares[who][group]):10.3f}" if group in shares.get(who, {}) else "-".rjust(10))
            for who in emulators))
    if a.json:
        Path(a.json).write_text(json.dumps(table, indent=1))


main()

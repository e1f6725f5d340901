#!/usr/bin/env python3
"""Times riv diff beside Unicorn alone, which runs the same program with a hook at each block, or instruction, that does nothing.

    diff.py [--riv build/riv] [-n RUNS] [NAME...]

The two take turns (alone, riv diff, alone, ...), so that a machine whose speed drifts treats them alike. Printed for each program:
the least processor time of RUNS each (user and system, of all processes), the ratio of these, and the median of the ratios of
neighbouring runs.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROGRAMS = {  # name: (source, arguments), half a second or so
    "integer": ("diff/programs/integer.c", "400"), "library": ("diff/programs/library.c", "12"),
    "floating": ("diff/programs/floating.c", "3000"), "queens": ("bench/programs/queens.c", "11"),
    "words": ("bench/programs/words.c", "300"), "oscillator": ("bench/programs/oscillator.c", "10000"),
}


def run(command):
    """Processor time."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    message = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(map(str, command))}: status {process.returncode}: {message.decode()}")
    return usage.ru_utime + usage.ru_stime


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--riv", default=ROOT / "build" / "riv", type=Path)
    parser.add_argument("-n", "--runs", type=int, default=5)
    args = parser.parse_intermixed_args()
    with tempfile.TemporaryDirectory() as work:
        alone = Path(work) / "alone"
        subprocess.run(["gcc", "-O2", "-o", alone, HERE / "unicorn_alone.c", "-lunicorn"], check=True)
        print(f"{'':24}{'alone s':>10}{'riv diff s':>12}{'ratio':>8}{'median':>8}")
        for name in args.names or PROGRAMS:
            source, rounds = PROGRAMS[name]
            program = Path(work) / name
            subprocess.run(["riscv64-linux-gnu-gcc", "-O2", "-static", "-ffp-contract=off", "-o", program,
                            HERE.parent / source, "-lm"], check=True)
            for hook, options in (("block", []), ("code", ["--step"])):
                times = [(run([alone, hook, program, rounds]), run([args.riv, "diff", "--quiet", *options, program, rounds]))
                         for _ in range(args.runs)]
                least = [min(column) for column in zip(*times)]
                median = statistics.median(b / a for a, b in times)
                print(f"{name + (' --step' if options else ''):24}{least[0]:10.3f}{least[1]:12.3f}{least[1] / least[0]:8.2f}"
                      f"{median:8.2f}", flush=True)


main()

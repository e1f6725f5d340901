#!/usr/bin/env python3
"""Finds every planted fault: runs riv-fuzz, or the test that is named, with each fault of mutants.def in turn.

    run.py BUILD [--full] [-j N] [NAME...]

BUILD is a build directory made with -DRIVULET_MUTANTS=ON. A fault is found when riv-fuzz reports a difference and names one of
the instructions that mutants.def lists. Without --full each has the seed and the options that lead to it quickly; with --full,
60 seconds, a fresh seed and no options; where the report cannot tell (it says fence.i of all code that has changed, and ? where
several instructions are needed), what is left of the 60 seconds has another seed.
"""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import time
from pathlib import Path

PLANT = re.compile(r'^PLANT\((\w+), "((?:[^"\\]|\\.)*)", "((?:[^"\\]|\\.)*)", "((?:[^"\\]|\\.)*)"\)$', re.M)
# instruction: way differs from step (...)
REPORT = re.compile(r"^(\S+): (\S+) (differs from step|crashes|hangs|.*dies.*) ?", re.M)
SECONDS, FULL_SECONDS, SEED = 30, 60, 1


def mutants():
    text = (Path(__file__).parent / "mutants.def").read_text()
    return [tuple(field.replace("\\\\", "\\") for field in row) for row in PLANT.findall(text)]


def run(build, name, finder, instructions, full):
    """(found, what was seen, seconds)"""
    env = dict(os.environ, RIV_MUTANT=name)
    start = time.monotonic()
    if finder.startswith("test "):
        command = ["ctest", "--test-dir", build, "-R", f"^{finder[5:]}$", "--no-tests=error", "--timeout", "30"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        failed = re.search(r"tests failed out of 1$", done.stdout, re.M) and done.returncode == 8
        return bool(failed and "0 tests failed" not in done.stdout), finder, time.monotonic() - start
    left = FULL_SECONDS
    while full and left > 0:
        found, seen, seconds = fuzz(build, env, [f"--seconds={left:.0f}"], instructions, start)
        left = FULL_SECONDS - seconds
        if found or not seen.startswith(("fence.i", "?")):
            break
    if full:
        return found, seen, seconds
    return fuzz(build, env, [f"--seconds={SECONDS}", f"--seed={SEED}", *finder.split()], instructions, start)


def fuzz(build, env, options, instructions, start):
    """(found, what was seen, seconds since start)"""
    command = [os.path.join(build, "riv-fuzz"), "--jobs=1", "--output=", *options]
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=240)
    except subprocess.TimeoutExpired:
        return False, "riv-fuzz does not end", time.monotonic() - start
    report = REPORT.search(done.stdout)
    if done.returncode != 1 or not report:
        return False, f"exit status {done.returncode}: {done.stdout.strip()[-200:]} {done.stderr.strip()}", time.monotonic() - start
    # what is wrong may show later than it was computed: the report names both instructions
    writer = re.search(r"first wrong register: written by (\S+)", done.stdout)
    names = [report.group(1)] + ([writer.group(1)] if writer else [])
    named = any(re.fullmatch(instructions, name) for name in names)
    return named, f"{' / '.join(names)}: {' '.join(report.group(2, 3))}" + ("" if named else f", not {instructions}"), time.monotonic() - start


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("names", nargs="*")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("-j", type=int, default=os.cpu_count())
    args = parser.parse_intermixed_args()
    plants = [m for m in mutants() if not args.names or m[0] in args.names]
    if not plants:
        sys.exit("no such mutant")
    control = subprocess.run([os.path.join(args.build, "riv-fuzz"), "--jobs=1", "--output=", "--cases=2000", f"--seed={SEED}"],
                             capture_output=True, text=True, check=False)
    if control.returncode != 0:
        sys.exit(f"without a fault riv-fuzz already finds something:\n{control.stdout}{control.stderr}")
    missed = 0
    with concurrent.futures.ThreadPoolExecutor(args.j) as pool:
        jobs = {name: pool.submit(run, args.build, name, finder, instructions, args.full)
                for name, finder, instructions, _ in plants}
        for name, _, _, description in plants:
            found, seen, seconds = jobs[name].result()
            missed += not found
            print(f"{'found ' if found else 'MISSED'} {seconds:5.1f} s  {name:24} {description}: {seen}", flush=True)
    print(f"{len(plants) - missed} of {len(plants)} faults found, and the instruction named")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

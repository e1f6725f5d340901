#!/usr/bin/env python3
"""riv diff compares whole programs with Unicorn, from start to end, at the ends of blocks and after each instruction.

    programs.py --riv RIV --cc CROSS_COMPILER --build-dir DIR [NAME...]

A program must print under riv diff what it prints natively, and the report must say that everything was compared.
"""
import argparse
import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# rounds: some millions of instructions
PROGRAMS = {"integer": 200, "library": 4, "floating": 1200}


def compare(riv, program, expected, rounds, options, report_file):
    done = subprocess.run([riv, "diff", "--json", "-o", report_file, *options, program, str(rounds)], capture_output=True,
                          text=True, timeout=120, check=False)
    report = json.loads(report_file.read_text())
    problems = []
    if done.returncode or report["result"] != "same":
        problems.append(f"status {done.returncode}, {report}")
    if done.stdout != expected:
        problems.append(f"prints {done.stdout!r}, natively {expected!r}")
    if report["instructions"] < 1000000:
        problems.append(f"only {report['instructions']} instructions")
    if report["states_skipped"] * 1000 > report["states"]:
        problems.append(f"{report['states_skipped']} states were skipped")
    if "--step" in options and report["states"] != report["instructions"]:
        problems.append(f"{report['states']} states of {report['instructions']} instructions")
    return problems, report


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=[])
    parser.add_argument("--riv", required=True)
    parser.add_argument("--cc", required=True)
    parser.add_argument("--build-dir", required=True, type=Path)
    args = parser.parse_intermixed_args()
    args.build_dir.mkdir(parents=True, exist_ok=True)
    failed = False
    for name in args.names or PROGRAMS:
        rounds = PROGRAMS[name]
        source, guest, native = HERE / "programs" / f"{name}.c", args.build_dir / name, args.build_dir / f"{name}.native"
        for compiler, to in ((args.cc, guest), ("cc", native)):
            subprocess.run([compiler, "-O2", "-static", "-ffp-contract=off", "-o", to, source, "-lm"], check=True)
        expected = subprocess.run([native, str(rounds)], capture_output=True, text=True, check=True).stdout
        for options in ([], ["--step"]):
            problems, report = compare(args.riv, guest, expected, rounds, options, args.build_dir / f"{name}.json")
            failed |= bool(problems)
            print(f"{name} {' '.join(options)}: {report['instructions']} instructions, {report['states']} states: "
                  f"{'; '.join(problems) or 'the same'}")
    return failed


sys.exit(main())

#!/usr/bin/env python3
"""Golden listings: guest assembly -> decoded code, IR, host code, compared with the text kept beside each program.

  run_golden.py --riv RIV --cc RISCV-GCC --build-dir DIR [--refresh] [PROGRAM.s ...]

Without programs: all of tests/golden. --refresh writes what riv says now; the difference is then reviewed like any other.
The host code is compared only on hosts with the features that the kept text names; the rest everywhere.
"""
import argparse, difflib, os, pathlib, re, subprocess, sys

HERE = pathlib.Path(__file__).resolve().parent / "golden"


def features(riv):
    text = subprocess.run([riv, "info"], check=True, capture_output=True, text=True).stdout
    return re.search(r"^host features +(.*)$", text, re.M).group(1)


def listing(riv, cc, build, source):
    """The blocks of the program, host code apart: (code and IR, host code)."""
    program, log = build / (source.stem + ".golden"), build / (source.stem + ".log")
    subprocess.run([cc, "-nostdlib", "-static", "-march=rv64gc", "-Wl,-Ttext=0x10000", "-Wl,--no-relax", "-o", program, source], check=True)
    subprocess.run([riv, "--engine=jit", "-d", "in_asm,ir,out_asm", "-D", log, program], check=True, env={**os.environ, "RIV_HOSTILE": "4"})
    parts = re.split(r"^(?=IN:|OUT:)", log.read_text(), flags=re.M)
    front = "".join(p for p in parts if not p.startswith("OUT:"))
    host = "".join(p for p in parts if p.startswith("OUT:"))
    # the address of a helper, stored in two halves, is another one in every process
    host = re.sub(r"(mov dword ptr \[rbp\+0x\w+\], )0x\w+(\n  \w+  mov dword ptr \[rbp\+0x\w+\], )0x\w+", r"\1HELPER\2HELPER", host)
    # the place of what lies behind pc in struct hart moves with every field that is added
    host = re.sub(r"\[rbp\+0x([0-9A-F]+)\]", lambda m: m[0] if int(m[1], 16) <= 0x188 else "[rbp+HART]", host)
    return front, host


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--riv", required=True)
    ap.add_argument("--cc", required=True)
    ap.add_argument("--build-dir", type=pathlib.Path, required=True)
    ap.add_argument("--refresh", action="store_true")
    ap.add_argument("programs", nargs="*", type=pathlib.Path)
    a = ap.parse_args()
    a.build_dir.mkdir(parents=True, exist_ok=True)
    here, bad = features(a.riv), 0
    for source in a.programs or sorted(HERE.glob("*.s")):
        front, host = listing(a.riv, a.cc, a.build_dir, source)
        kept = source.with_suffix(".txt")
        if a.refresh:
            kept.write_text(f"{front}==== {here}\n{host}")
            continue
        want_front, rest = kept.read_text().split("==== ", 1)
        want_features, want_host = rest.split("\n", 1)
        for what, want, got in (("code and IR", want_front, front), ("host code", want_host, host)):
            if what == "host code" and want_features != here:
                print(f"{source.name}: host code not compared: it is for '{want_features}', here is '{here}'")
            elif want != got:
                bad += 1
                print(f"{source.name}: {what} differs:")
                sys.stdout.writelines(difflib.unified_diff(want.splitlines(True), got.splitlines(True), "kept", "now"))
    return 1 if bad else 0


sys.exit(main())

#!/usr/bin/env python3
"""Compares single instructions, row by row of cpu/riscv.def, with qemu-riscv64: what Unicorn lacks above all.

    rows.py --riv RIV --generator ROWS_GUEST --cc RISCV-GCC --build-dir DIR

RIV_SEED begins at another place; RIV_CASES multiplies the number of cases. Status 77: there is no qemu-riscv64.
"""
import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

# The spelling of this release's properties; what is not named here is on by default or not known to it.
CPU = "rv64,zba=true,zbb=true,zbc=true,zbs=true,Zfh=true,Zfhmin=true,zbkb=true,zbkx=true,zkne=true,zknd=true,zknh=true"
LATER_CPU = CPU.replace("Z", "z")
CASES = 500
SHOWN = 5


def output(command, env=None):
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=250, env={**os.environ, **(env or {})})
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout.splitlines()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--riv", required=True)
    parser.add_argument("--generator", required=True)
    parser.add_argument("--cc", required=True)
    parser.add_argument("--build-dir", required=True, type=Path)
    a = parser.parse_args()
    qemu = shutil.which("qemu-riscv64")
    if not qemu:
        print("no qemu-riscv64")
        sys.exit(1 if os.environ.get("CI") else 77)

    a.build_dir.mkdir(parents=True, exist_ok=True)
    assembly, program = a.build_dir / "rows.s", a.build_dir / "rows"
    assembly.write_text("\n".join(output([a.generator])) + "\n")
    subprocess.run([a.cc, "-O2", "-static", "-march=rv64gc", "-o", program, Path(__file__).with_name("rows.c"), assembly],
                   check=True)

    seed, cases = os.environ.get("RIV_SEED", "1"), str(CASES * int(os.environ.get("RIV_CASES", "1")))
    cpu = CPU if subprocess.run([qemu, "-cpu", CPU, program, seed, "0"], capture_output=True, check=False).returncode == 0 \
        else LATER_CPU
    ways = {"interp": ([a.riv, "--engine=interp"], {}), "jit": ([a.riv, "--engine=jit"], {}),
            "hostile": ([a.riv, "--engine=jit"], {"RIV_HOSTILE": "7"})}
    expected = output([qemu, "-cpu", cpu, program, seed, cases])
    assert len(expected) > 700, len(expected)
    bad = 0
    for name, (command, env) in ways.items():
        got = output([*command, program, seed, cases], env)
        assert len(got) == len(expected)
        for line, (want, is_) in enumerate(zip(expected, got)):
            if want == is_:
                continue
            bad += 1
            if bad > SHOWN:
                continue
            print(f"{name}: {want.rsplit(':', 1)[0]}, RIV_SEED={seed}")
            detail = [program, seed, cases, str(line)]
            pairs = zip(output([qemu, "-cpu", cpu, *detail]), output([*command, *detail], env))
            for one, other in [p for p in pairs if p[0] != p[1]][:3]:
                print(f"  qemu {one}\n  riv  {other}")
    print("not compared: ctzw of a word that is zero, where qemu 7.2 is wrong")
    print(f"{len(expected)} instances and modes, {cases} cases each: {bad} differ")
    sys.exit(bad != 0)


main()

#!/usr/bin/env python3
"""Runs one guest program under riv and compares it with a native run of the same source.

The source is compiled for riscv64 (static, -O2) and natively, then run; standard output, exit status and signal must agree.
Multiplications and additions are not contracted: riscv64 has fused ones where plain x86-64 has not, and would round less.
Lines at the file's head, before the first line that is neither comment nor blank, say what differs from that:

    // args: 3 "two words"   arguments                  // stdin: text      standard input (\\n and the like are understood)
    // status: 7             exit status, default 0     // signal: SIGSEGV  ends by this signal instead
    // native: no            is not run natively        // expect: a line   a line of standard output (needs native: no)
    // cflags: -O0           more compiler options      // env: NAME=VALUE  for the program, repeatable
    // riv: --cpu=rv64gc     more riv options           // timeout: 60      seconds, default 120
    // engines: jit,interp   read by CMakeLists.txt    // shadow: why      not for sanitizers; read there, too
"""
import argparse
import difflib
import fcntl
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

KEYS = {"args", "stdin", "status", "signal", "native", "expect", "cflags", "env", "riv", "timeout", "engines", "shadow"}
# One instruction a block, a tiny code cache, translation at the first execution: see engine_config.hostile.
HOSTILE = "7"


def read_header(source):
    header = {key: [] for key in KEYS}
    for line in source.read_text().splitlines():
        if line.startswith("// ") and ": " in line:
            key, value = line[3:].split(": ", 1)
            if key in KEYS:
                header[key].append(value.strip() if key != "expect" else value)
        elif line.strip() and not line.startswith(("//", "/*", " *")):
            break
    if header["expect"] and header["native"] != ["no"]:
        sys.exit(f"{source}: 'expect' needs 'native: no'")
    return header


def last(header, key, default):
    return header[key][-1] if header[key] else default


def compile_program(cc, source, target, flags):
    """Compiles if target is older than the source, a header beside it or its own command line. Several tests share one
    program, so under a lock."""
    command = [cc, "-O2", "-static", "-pthread", "-std=gnu17", "-ffp-contract=off", *flags, "-o", str(target), str(source), "-lm"]
    note = target.with_suffix(target.suffix + ".cmd")
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{target}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        inputs = [source, *source.parent.glob("*.h")]
        fresh = (target.exists() and note.exists() and note.read_text() == shlex.join(command)
                 and all(target.stat().st_mtime > f.stat().st_mtime for f in inputs))
        if not fresh:
            subprocess.run(command, check=True)
            note.write_text(shlex.join(command))


def run(command, header, timeout, extra_env):
    host = {k: v for k, v in os.environ.items() if k == "RIV_MUTANT" or not k.startswith(("RIV_", "QEMU_"))}
    env = {**host, **dict(e.split("=", 1) for e in header["env"]), **extra_env}
    text = last(header, "stdin", "").encode().decode("unicode_escape").encode()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env,
                          start_new_session=True) as process:
        try:
            out, err = process.communicate(text, timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            return out, err, f"no end within {timeout} s"
    code = process.returncode
    return out, err, signal.Signals(-code).name if code < 0 else f"status {code}"


def show_difference(expected, got):
    if b"\0" in expected + got:
        at = next((i for i, (a, b) in enumerate(zip(expected, got)) if a != b), min(len(expected), len(got)))
        print(f"binary output differs at byte {at} (lengths {len(expected)} and {len(got)})")
        return
    lines = [x.decode(errors="replace").splitlines() for x in (expected, got)]
    for line in list(difflib.unified_diff(*lines, "expected", "riv", lineterm=""))[:60]:
        print(line)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--riv", required=True)
    parser.add_argument("--engine", required=True, choices=["interp", "jit", "auto", "hostile"])
    parser.add_argument("--build-dir", required=True, type=Path)
    parser.add_argument("--cc", default="riscv64-linux-gnu-gcc")
    parser.add_argument("--native-cc", default="gcc")
    parser.add_argument("source", type=Path)
    a = parser.parse_args()

    header = read_header(a.source)
    timeout = int(last(header, "timeout", "120"))
    args = shlex.split(last(header, "args", ""))
    flags = shlex.split(" ".join(header["cflags"]))
    want_end = last(header, "signal", "") or f"status {last(header, 'status', '0')}"
    guest = a.build_dir / f"{a.source.stem}.riscv64"
    compile_program(a.cc, a.source, guest, flags)

    if last(header, "native", "yes") != "no":
        native = a.build_dir / f"{a.source.stem}.native"
        compile_program(a.native_cc, a.source, native, flags)
        want_out, err, end = run([str(native), *args], header, timeout, {})
        if end != want_end:
            sys.stderr.buffer.write(err)
            sys.exit(f"natively: {end}, but the header says {want_end}")
    else:
        want_out = "".join(line + "\n" for line in header["expect"]).encode()

    hostile = a.engine == "hostile"
    command = [a.riv, f"--engine={'jit' if hostile else a.engine}", *shlex.split(" ".join(header["riv"])), str(guest), *args]
    out, err, end = run(command, header, timeout, {"RIV_HOSTILE": HOSTILE} if hostile else {})
    failed = False
    if end != want_end:
        print(f"ended with {end}, not {want_end}")
        failed = True
    if out != want_out and (want_out or last(header, "native", "yes") != "no"):
        show_difference(want_out, out)
        failed = True
    if failed:
        print("again by hand:", ("RIV_HOSTILE=" + HOSTILE + " " if hostile else "") + shlex.join(command))
        print(err[-4000:].decode(errors="replace"))
    sys.exit(failed)


main()

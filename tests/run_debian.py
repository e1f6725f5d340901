#!/usr/bin/env python3
"""Runs real Debian riscv64 programs under riv: dynamically linked ones from a sysroot, and static busybox.

    run_debian.py --list                              names of the tests
    run_debian.py --root DIR --fetch                  fills DIR with scripts/debian-root (needs the network the first time)
    run_debian.py --root DIR --riv RIV --engine E NAME

Each test gives the standard output it expects, worked out here and not taken from another emulator.  Without a sysroot the
tests are skipped (status 77), but not where CI is set: there everything has to run.
"""
import argparse
import difflib
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

PACKAGES = ["busybox-static", "coreutils", "bash", "grep", "gawk", "lua5.4", "sqlite3", "zstd", "python3-minimal"]
SKIP = 77
TIMEOUT = 240

WORDS = "".join(f"{i * 7919 % 10007} line {i} {'abcdefghij'[i % 10] * (i % 13)}\n" for i in range(20000)).encode()

BASH = r"""
set -eu
square() { local n=$1; echo $((n * n)); }
total=0
for i in 1 2 3 4 5; do total=$((total + $(square "$i"))); done
echo "sum $total"
(cd / && pwd)
uname -m
printf '%s\n' pear apple fig | sort | tr a-z A-Z | paste -sd,
seq 1 200 | grep -c 7
false || echo "status $?"
(exit 42) || echo "subshell $?"
cat <<EOF | wc -l | tr -d ' '
one
two
EOF
trap 'echo bye' EXIT
kill -l 11
sleep 0 & wait $!
echo "waited $?"
"""
BASH_OUTPUT = "sum 55\n/\nriscv64\nAPPLE,FIG,PEAR\n{sevens}\nstatus 1\nsubshell 42\n2\nSEGV\nwaited 0\nbye\n".format(
    sevens=sum("7" in str(i) for i in range(1, 201)))

LUA = """
local function fib(n) if n < 2 then return n end return fib(n-1) + fib(n-2) end
print(fib(20), 2^53 + 1.0, ("x"):rep(3), string.format("%.3f", math.pi))
local t = {} for w in ("the quick brown fox"):gmatch("%a+") do t[#t+1] = w end table.sort(t) print(table.concat(t, " "))
print(pcall(error, "caught"))
local co = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end) print(co(), co(), co())
"""
LUA_OUTPUT = "6765\t9.007199254741e+15\txxx\t3.142\nbrown fox quick the\nfalse\tcaught\n1\t2\t3\n"

SQL = ("create table t(a integer, b integer);"
       "with recursive c(x) as (select 1 union all select x+1 from c where x<5000) insert into t select x, x*7919%1009 from c;"
       "create index i on t(b);"
       "select count(*), sum(a) from t where b between 100 and 200;"
       "select avg(a*1.5) from t where b=7;")
ROWS = [(x, x * 7919 % 1009) for x in range(1, 5001)]
PICKED = [a for a, b in ROWS if 100 <= b <= 200]
SEVENS = [a * 1.5 for a, b in ROWS if b == 7]
SQL_OUTPUT = f"{len(PICKED)}|{sum(PICKED)}\n{sum(SEVENS) / len(SEVENS)}\n"

PYTHON = """
import sys, zlib, math
d = {}
for i in range(50000): d[i % 997] = d.get(i % 997, 0) + i * i
print(sum(d.values()), len(d))
print(zlib.crc32(b'rivulet' * 1000), math.factorial(40), '%.12g' % math.sin(1))
try: 1 // 0
except ZeroDivisionError as e: print('caught', type(e).__name__)
print(sys.byteorder, sys.maxsize)
sys.exit(3)
"""
PYTHON_OUTPUT = (f"{sum(i * i for i in range(50000))} 997\n"
                 f"{zlib.crc32(b'rivulet' * 1000)} 815915283247897734345611269596115894272000000000 0.841470984808\n"
                 f"caught ZeroDivisionError\nlittle {2**63 - 1}\n")
AWK = "{n[$1 % 11] += length($0)} END {for (i = 0; i < 11; i++) print i, n[i]}"


def awk_output():
    sums = [0] * 11
    for line in WORDS.decode().splitlines():
        sums[int(line.split()[0]) % 11] += len(line)
    return "".join(f"{i} {n}\n" for i, n in enumerate(sums))


# name: (guest command, standard input, expected output, expected status)
TESTS = {
    "true": (["/usr/bin/true"], b"", "", 0),
    "false": (["/usr/bin/false"], b"", "", 1),
    "uname": (["/usr/bin/uname", "-sm"], b"", "Linux riscv64\n", 0),
    "sort": (["/usr/bin/sort", "-n", "-k1,1", "-s"], WORDS,
             "".join(sorted(WORDS.decode().splitlines(True), key=lambda line: int(line.split()[0]))), 0),
    "sha256sum": (["/usr/bin/sha256sum"], WORDS, hashlib.sha256(WORDS).hexdigest() + "  -\n", 0),
    "gawk": (["/usr/bin/gawk", AWK], WORDS, awk_output(), 0),
    "busybox-md5": (["/usr/bin/busybox", "md5sum"], WORDS, hashlib.md5(WORDS).hexdigest() + "  -\n", 0),
    "busybox-sh": (["/usr/bin/busybox", "sh", "-c", "x=$(echo a b | wc -w); echo $((x + 40)); exit 5"], b"", "42\n", 5),
    "bash": (["/usr/bin/bash", "-c", BASH], b"", BASH_OUTPUT, 0),
    "lua": (["/usr/bin/lua5.4", "-"], LUA.encode(), LUA_OUTPUT, 0),
    "sqlite": (["/usr/bin/sqlite3", ":memory:", SQL], b"", SQL_OUTPUT, 0),
    "zstd": (["/usr/bin/bash", "-c", "zstd -q -9 -c -T2 | zstd -d -q -c | sha256sum"], WORDS,
             hashlib.sha256(WORDS).hexdigest() + "  -\n", 0),
    "python": (["/usr/bin/python3", "-c", PYTHON], b"", PYTHON_OUTPUT, 3),
}


def stop(message):
    print(message)
    sys.exit(1 if os.environ.get("CI") else SKIP)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--fetch", action="store_true")
    parser.add_argument("--root", type=Path)
    parser.add_argument("--riv")
    parser.add_argument("--engine", default="auto")
    parser.add_argument("name", nargs="?")
    a = parser.parse_args()
    if a.list:
        print("\n".join(TESTS))
        return 0
    if a.fetch:
        script = Path(__file__).resolve().parent.parent / "scripts" / "debian-root"
        if subprocess.run([script, a.root, *PACKAGES], check=False, stdin=subprocess.DEVNULL).returncode:
            stop("the Debian packages cannot be had")
        return 0

    command, text, expected, status = TESTS[a.name]
    program = a.root / command[0].lstrip("/")
    if not program.exists():
        stop(f"no {program}")
    # The guest sees its own environment and no more, so that the host's settings change nothing.
    env = {"PATH": "/usr/bin:/bin", "HOME": "/", "LC_ALL": "C.UTF-8"}
    env.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
    line = [a.riv, f"--engine={a.engine}", "-L", str(a.root), command[0], *command[1:]]
    with tempfile.TemporaryDirectory() as scratch, subprocess.Popen(
            line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=scratch, env=env,
            start_new_session=True) as process:
        try:
            out, err = process.communicate(text, timeout=TIMEOUT)
            ended = process.returncode
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            ended = f"none within {TIMEOUT} s"
    if (ended, out) == (status, expected.encode()):
        return 0
    print(f"exit status {ended}, expected {status}" if ended != status else "the output differs")
    difference = difflib.unified_diff(expected.splitlines(), out.decode(errors="replace").splitlines(), "expected", "riv",
                                      lineterm="")
    print("\n".join(list(difference)[:40]))
    print("--- stderr\n" + err[-3000:].decode(errors="replace"))
    return 1


sys.exit(main())

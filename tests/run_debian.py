#!/usr/bin/env python3
"""Runs real Debian riscv64 programs under riv: dynamically linked ones from a sysroot, and static busybox.

    run_debian.py --list                              names of the tests
    run_debian.py --root DIR --fetch                  fills DIR with scripts/debian-root (needs the network the first time)
    run_debian.py --root DIR --riv RIV --engine E NAME

Each test gives the standard output it expects, worked out here and not taken from another emulator, or is a script that the
host's own program of the same name runs as well.  Without a sysroot the tests are skipped (status 77), but not where CI is
set: there everything has to run.
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

PACKAGES = ["busybox-static", "coreutils", "bash", "grep", "gawk", "lua5.4", "sqlite3", "zstd", "python3", "perl-base", "sed",
            "tar", "gzip", "make", "dash"]
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

# The scripts below print the same on the host, with whatever version is there.
PYTHON_THREADS = r"""
import concurrent.futures, queue, threading
lock, jobs, results, total = threading.Lock(), queue.Queue(), queue.Queue(), 0
def add(n):
    global total
    for i in range(n):
        with lock: total += i
def serve():
    while (job := jobs.get()) is not None: results.put(job * job)
threads = [threading.Thread(target=add, args=(1000,)) for _ in range(6)] + [threading.Thread(target=serve) for _ in range(3)]
for t in threads: t.start()
for i in range(300): jobs.put(i)
for _ in range(3): jobs.put(None)
for t in threads: t.join()
print(total, sum(results.get() for _ in range(300)))
met = []
barrier = threading.Barrier(4, action=lambda: met.append(1))
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    print(sorted(pool.map(lambda i: (barrier.wait() >= 0, i), range(4))), met)
"""
PYTHON_PROCESSES = r"""
import asyncio, multiprocessing, os, signal, subprocess, sys
child = subprocess.run([sys.executable, "-S", "-c", "import sys; print(sys.stdin.read()[::-1], end=''); sys.exit(7)"],
                       input=b"hello", capture_output=True)
print(child.returncode, child.stdout, child.stderr)
got = []
signal.signal(signal.SIGUSR1, lambda number, frame: got.append(number))
os.kill(os.getpid(), signal.SIGUSR1)
class Late(Exception): pass
def late(number, frame): raise Late
signal.signal(signal.SIGALRM, late)
signal.setitimer(signal.ITIMER_REAL, 0.05)
try:
    n = 0
    while True: n += 1
except Late: print("alarm", got)
context = multiprocessing.get_context("fork")
with context.Pool(2) as pool: print(pool.starmap(pow, [(i, i) for i in range(6)]))
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    os.write(w, b"child")
    os.kill(os.getpid(), signal.SIGSEGV)
print(os.read(r, 9), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
async def talk():
    async def echo(reader, writer):
        writer.write((await reader.readline()).upper())
        writer.close()
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"line\n")
    print(await reader.readline())
    writer.close()
asyncio.run(talk())
"""
PYTHON_LIBRARY = r"""
import bz2, ctypes, datetime, decimal, fractions, hashlib, json, lzma, mmap, random, re, sqlite3, ssl, struct, sys, tempfile, zlib
decimal.getcontext().prec = 60
print(decimal.Decimal(2).sqrt(), fractions.Fraction(1, 3) + fractions.Fraction(1, 7), 12345678901234567890 ** 7 % 998244353)
d = {"a": [1, 2.5, None, True, "\u20ac"], "b": {str(i): i * 0.1 for i in range(50)}}
print(json.loads(json.dumps(d)) == d, json.dumps(d, sort_keys=True)[:70])
for name in ("md5", "sha1", "sha256", "sha512", "sha3_256", "blake2b"): print(name, hashlib.new(name, b"x" * 30000).hexdigest())
data = random.Random(1).randbytes(20000)
print([m.decompress(m.compress(data)) == data for m in (zlib, bz2, lzma)], zlib.crc32(data))
print(ssl.create_default_context().verify_mode.name)
db = sqlite3.connect(":memory:")
db.execute("create table t(a, b)")
db.executemany("insert into t values(?, ?)", [(i, i * i % 97) for i in range(1000)])
print(db.execute("select b, count(*) from t group by b order by 2 desc, 1 limit 3").fetchall())
libc, integers = ctypes.CDLL(None), (ctypes.c_int * 5)(5, 3, 1, 4, 2)
compare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_int), ctypes.POINTER(ctypes.c_int))(lambda a, b: a[0] - b[0])
libc.qsort(integers, 5, 4, compare)
print(list(integers))
with tempfile.TemporaryFile() as f:
    f.write(b"abc" * 5000)
    f.flush()
    m = mmap.mmap(f.fileno(), 0)
    m[0:3] = b"XYZ"
    f.seek(0)
    print(m[14997:], m.find(b"ca"), f.read(4))
print("%.17g %.17g %r" % (2 ** 0.5, 1e22 / 3, 0.1 + 0.2), round(2.675, 2), (1 / 3).hex(), divmod(-7, 2), float("nan"))
print(re.sub(r"(\w+) (\w+)", r"\2 \1", "hello world"), datetime.date(2024, 2, 29).isoformat(), struct.pack("<dHq", 1.5, 7, -2))
def deep(n): return 0 if n == 0 else 1 + deep(n - 1)
sys.setrecursionlimit(5000)
try: print(deep(4000)); deep(10 ** 6)
except RecursionError: print("too deep")
"""
BASH_JOBS = r"""
sleep 60 & sleep 61 &
jobs -r | wc -l
kill %1; wait %1; echo "killed $?"
kill -KILL %2; wait %2; echo "killed $?"
trap 'echo usr1' USR1; kill -USR1 $$
( trap 'echo term; exit 9' TERM; kill -TERM $BASHPID; sleep 60 ); echo "subshell $?"
coproc cat; echo hello >&${COPROC[1]}; read -r -u ${COPROC[0]} line; echo "coproc $line"; kill $COPROC_PID
f() { local -n r=$1; r=5; }; f z; echo $z
declare -A m=([a]=1 [b]=2); echo ${#m[@]} ${m[b]}
mapfile -t a < <(seq 30 | grep 2); echo "${a[@]}"
[[ abcde =~ b(.)d ]] && echo "${BASH_REMATCH[1]}"
yes | head -3 | tr -d '\n'; echo " ${PIPESTATUS[*]}"
timeout 0.1 sleep 60; echo "timeout $?"
exec 5<>file; echo one >&5; read -r line <file; echo "$line $((2 ** 40)) $(printf %x 255)"
cat <<<"here" | while read -r w; do echo "$w ${#w}"; done
(ulimit -n 64; ulimit -n); umask 027; : >new; stat -c %a new; ln -s new link; readlink link
"""
PERL = r"""
my %h; $h{$_ % 7} += $_ for 1..3000; print join(",", map {"$_=$h{$_}"} sort keys %h), "\n";
my $pid = fork; exit 4 unless $pid; waitpid $pid, 0; print $? >> 8, "\n";
$SIG{ALRM} = sub { die "alarm\n" }; eval { alarm 1; select undef, undef, undef, 60 }; print $@;
my $text = join " ", map { $_ * $_ } 1..200; my $n = () = $text =~ /(\d)\1/g; print "$n\n";
(my $t = "one two three") =~ s/(\w+)/\u$1/g; print "$t\n"; printf "%.15g %s\n", atan2(1, 1) * 4, join "|", split /o/, $t;
my @sorted = sort { $a <=> $b } map { $_ * 7919 % 1009 } 1..500; print "@sorted[0..5]\n";
print `echo from a shell`; open my $in, "<", \"a\nb\n"; my @lines = <$in>; print scalar @lines, "\n";
"""
ARCHIVE = r"""
set -eu
mkdir -p in/deep; seq 1 5000 >in/n; cp in/n in/deep/copy; ln -s n in/link; chmod 640 in/n
tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf a.tar in; sha256sum <a.tar
gzip -n9 <a.tar >a.tar.gz; gunzip <a.tar.gz | sha256sum; mkdir out; tar -C out -xzf a.tar.gz; sha256sum out/in/n out/in/deep/copy
stat -c '%a %s %F' out/in/*; sed -n '/^1.*7$/p' in/n | sed -E 's/(.)(.*)/\2\1/;2q'; sed '10,$d;s/$/!/' in/n | tail -n 1
printf 'all: b c\n\tcat b c | tee all\nb:\n\techo B >b\nc: b\n\techo C >c\n' >Makefile; make -s; make -s; make -q && echo "up to date"
"""
SQL_FILE = ("set -eu; sqlite3 f.db 'pragma journal_mode=wal; create table t(a integer primary key, b text);';"
            "seq 1 1500 | sed 's/.*/&,text &/' >t.csv; sqlite3 f.db '.mode csv' '.import t.csv t';"
            "sqlite3 f.db 'begin; delete from t where a % 3 = 0; rollback; delete from t where a % 5 = 0; vacuum;';"
            "sqlite3 f.db \"select count(*), sum(a), max(b) from t where b like '%7%'; pragma integrity_check;\"")
KEPT = [a for a in range(1, 1501) if a % 5 and "7" in str(a)]
SQL_FILE_OUTPUT = f"wal\n{len(KEPT)}|{sum(KEPT)}|{max(f'text {a}' for a in KEPT)}\nok\n"
NATIVE = object()  # expected is what the host's program of that name prints


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
    "python-threads": (["/usr/bin/python3", "-S", "-c", PYTHON_THREADS], b"", NATIVE, 0),
    "python-processes": (["/usr/bin/python3", "-S", "-c", PYTHON_PROCESSES], b"", NATIVE, 0),
    "python-library": (["/usr/bin/python3", "-S", "-c", PYTHON_LIBRARY], b"", NATIVE, 0),
    "bash-jobs": (["/usr/bin/bash", "-c", BASH_JOBS], b"", NATIVE, 0),
    "perl": (["/usr/bin/perl", "-e", PERL], b"", NATIVE, 0),
    "archive": (["/usr/bin/bash", "-c", ARCHIVE], b"", NATIVE, 0),
    "sqlite-file": (["/usr/bin/bash", "-c", SQL_FILE], b"", SQL_FILE_OUTPUT, 0),
}


def stop(message):
    print(message)
    sys.exit(1 if os.environ.get("CI") else SKIP)


def run(line, text, env):
    """Runs it in a directory of its own; gives status, standard output and error output."""
    with tempfile.TemporaryDirectory() as scratch, subprocess.Popen(
            line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=scratch, env=env,
            start_new_session=True) as process:
        try:
            out, err = process.communicate(text, timeout=TIMEOUT)
            return process.returncode, out, err
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            return f"none within {TIMEOUT} s", out, err


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
    if expected is NATIVE:
        ended, out, err = run(command, text, env)
        if ended != status:
            print(f"natively: {ended}\n{err.decode(errors='replace')}")
            return 1
        expected = out.decode()
    ended, out, err = run(line, text, env)
    if (ended, out) == (status, expected.encode()):
        return 0
    print(f"exit status {ended}, expected {status}" if ended != status else "the output differs")
    difference = difflib.unified_diff(expected.splitlines(), out.decode(errors="replace").splitlines(), "expected", "riv",
                                      lineterm="")
    print("\n".join(list(difference)[:40]))
    print("--- stderr\n" + err[-3000:].decode(errors="replace"))
    return 1


sys.exit(main())

"""Guest programs that go wrong: the signal or error that Linux would answer with, under every engine, and never a word
from riv."""
import re
import resource
import signal
import subprocess
import unittest

from riv_case import CLEAN_ENV, RIV, SANITIZED, RivCase, build_guest

MISBEHAVE, FRUGAL = build_guest("misbehave"), build_guest("frugal", "-nostdlib")
ENGINES = ({"RIV_ENGINE": "interp"}, {"RIV_ENGINE": "jit"}, {"RIV_ENGINE": "jit", "RIV_HOSTILE": "7"})
INT_MIN, LONG_MIN = -2**31, -2**63


class Misbehaviour(RivCase):
    def each_engine(self, *args):
        for env in ENGINES:
            with self.subTest(args=args, **env):
                yield self.riv(MISBEHAVE, *args, env=env)

    def dies(self, number, *args):
        for done in self.each_engine(*args):
            self.assertEqual((done.returncode, done.stdout, done.stderr), (-number, "ready\n", ""))

    def test_jumps_to_nowhere(self):
        for address in ("0", "0x7fffffff0000", "0x800000000000", "0x8000000000000000", "0xfffffffffffffffe"):
            self.dies(signal.SIGSEGV, "jump", address)

    def test_executes_data(self):
        self.dies(signal.SIGSEGV, "data")

    def test_loads_and_stores_nowhere(self):
        for address in ("0", "0x100", "0x123456789abc", "0x8000000000000000", "0xffffffffffffff00"):
            self.dies(signal.SIGSEGV, "read", address)
            self.dies(signal.SIGSEGV, "write", address)

    def test_writes_to_its_code(self):
        self.dies(signal.SIGSEGV, "code")

    def test_overflows_its_stack(self):
        self.dies(signal.SIGSEGV, "stack")

    def test_illegal_instruction(self):
        self.dies(signal.SIGILL, "illegal")

    def test_breakpoint(self):
        self.dies(signal.SIGTRAP, "breakpoint")

    def test_divisions_without_a_result(self):
        """Unprivileged manual, table "Semantics for division by zero and division overflow"."""
        by_minus_one = [LONG_MIN, 0, 0, LONG_MIN, INT_MIN, 0, 0, INT_MIN]
        by_zero = [-1, LONG_MIN, -1, LONG_MIN, -1, INT_MIN, -1, INT_MIN]
        lines = "".join(f"{by}: {' '.join(map(str, row))}\n" for by, row in ((-1, by_minus_one), (0, by_zero)))
        for done in self.each_engine("divide"):
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, f"ready\n{lines}done\n", ""))

    def test_unknown_system_calls(self):
        for done in self.each_engine("syscalls"):
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "ready\n" + "-1 38\n" * 6 + "done\n", ""))

    def test_unknown_system_calls_are_named_once_in_a_trace(self):
        done = self.riv("-strace", MISBEHAVE, "syscalls")
        for number in (4000, 4001):
            self.assertEqual(len(re.findall(rf"unknown system call {number}\b", done.stderr)), 1, done.stderr)
            self.assertEqual(len(re.findall(rf"syscall_{number}\(0x1,0x2,.* = -1 errno=38 \(ENOSYS\)", done.stderr)), 3)


@unittest.skipIf(SANITIZED, "a sanitizer's shadow needs the whole address space")
class Memory(RivCase):
    def limited(self, bytes_, *args):
        """riv with so much address space."""
        return subprocess.run([RIV, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                              env=CLEAN_ENV, check=False,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (bytes_, bytes_)))

    def test_no_memory_for_riv(self):
        """At every limit it runs or says in one line what it lacks; the dynamic linker's line counts as such.  What is for
        code leaves enough for the guest."""
        ends = set()
        for engine in ("auto", "interp", "jit"):
            for megabytes in [*range(3, 40), *range(40, 240, 8), 1024]:
                with self.subTest(engine=engine, megabytes=megabytes):
                    done = self.limited(megabytes << 20, f"--engine={engine}", FRUGAL)
                    ran = done.returncode == 0 and done.stdout == "enough\n"
                    self.assertTrue(ran or done.returncode in (1, 2, 126, 127), done)
                    self.assertLessEqual(len(done.stderr.splitlines()), 1, done.stderr)
                    self.assertTrue(ran or done.stderr, done)
                    self.assertTrue(ran or megabytes < 24, done)
                    ends.add((engine, ran))
        self.assertEqual(len(ends), 6, "the limits should be too low for some runs and high enough for others")

    def test_no_memory_for_the_guest(self):
        for engine in ("interp", "jit"):
            for megabytes in (256, 512):
                done = self.limited(megabytes << 20, f"--engine={engine}", MISBEHAVE, "memory")
                self.assertEqual((done.returncode, done.stderr), (0, ""))
                self.assertEqual(done.stdout, "ready\nno more\ndone\n")


unittest.main(verbosity=2)

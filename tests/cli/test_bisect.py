"""riv --interpret, and riv diff --bisect: what is the same, what cannot be compared; with planted faults (build with
RIVULET_MUTANTS, which sets RIV_TEST_MUTANTS) what is found."""
import json
import os
import re
import subprocess
import unittest
from pathlib import Path

from guest_places import address_of
from riv_case import WORK, RivCase, build_guest

GUEST = Path(__file__).resolve().parent.parent / "guest"
COUNTDOWN = build_guest("countdown", "-g")

# Two loops whose sums need sign-extended words; a thread each where THREADS is defined; CLOCK makes the first line one of a kind.
SUMS = """
#include <pthread.h>
#include <stdio.h>
#include <time.h>
volatile int seed = -5;
static long first, second;
__attribute__((noinline)) static void *sum_first(void *unused) {
#ifndef HANG
    int x = seed;
    for (int i = 0; i < 3000; i++, x = x * 3 + 1)
        first += x >> 3;
#endif
    return unused;
}
__attribute__((noinline)) static void *sum_second(void *unused) {
#ifdef TWO
    int x = seed;
    for (int i = 0; i < 3000; i++, x = x * 5 + 1)
        second += x >> 2;
#elif defined HANG
    int last = seed;
    for (int x = 30000; x >> 3 > last; x--)
        second += x;
#else
    for (int i = 0; i < 3000; i++)
        second += i;
#endif
    return unused;
}
int main(void) {
    pthread_t a, b;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
#ifdef CLOCK
    printf("%ld.%09ld\\n", now.tv_sec, now.tv_nsec);
#endif
#ifdef THREADS
    pthread_create(&a, 0, sum_first, 0);
    pthread_create(&b, 0, sum_second, 0);
    pthread_join(a, 0);
    pthread_join(b, 0);
#else
    sum_first(0);
    sum_second(0);
#endif
    printf("sums %ld %ld\\n", first, second);
    return 0;
}
"""


SYSROOT = ["-L", "/usr/riscv64-linux-gnu"]  # of the cross compiler


def sums(*macros, static=True):
    program, source = WORK / "_".join(("sums", *macros, "static" if static else "shared")), WORK / "sums.c"
    if not source.exists() or source.read_text() != SUMS:
        source.write_text(SUMS)
    subprocess.run(["riscv64-linux-gnu-gcc", "-O1", "-g", *(["-static"] if static else []), "-pthread", *(f"-D{m}" for m in macros),
                    "-o", program, source], check=True)
    return program


class Case(RivCase):
    def bisect(self, *args, mutant=None, **more):
        """The report as JSON, and the exit status."""
        file = WORK / "bisect.json"
        file.unlink(missing_ok=True)
        done = self.riv("diff", "--bisect", "--json", "-o", file, *args, env={"RIV_MUTANT": mutant} if mutant else None, cwd=WORK,
                        **more)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        return json.loads(file.read_text()), done.returncode


class Interpret(RivCase):
    def test_nothing_of_the_range_is_translated(self):
        at = address_of(COUNTDOWN, "planted")
        plain = self.riv("-d", "in_asm", COUNTDOWN)
        self.assertIn(f"\n{at:#x}:", plain.stderr)
        inside = self.riv("-d", "in_asm", f"--interpret={at:#x}-{at + 4:#x}", COUNTDOWN)
        self.assertNotIn(f"\n{at:#x}:", inside.stderr)
        self.assertIn("\nIN: ", inside.stderr)
        self.assertEqual(inside.stdout, plain.stdout)
        low, high = f"0-{at:#x}", f"{at + 4:#x}-0xffffffffffffffff"
        alone = self.riv("-d", "in_asm", "--interpret", f"{low},{high}", COUNTDOWN)
        self.assertEqual(alone.stdout, plain.stdout)
        self.assertEqual(set(re.findall(r"^0x\w+:", alone.stderr, re.M)), {f"{at:#x}:"})

    def test_refused(self):
        for value in ("5", "6-5", "1-2,", "x-y", ",".join(["1-2"] * 17)):
            self.refused(f"--interpret={value}", COUNTDOWN, says="--interpret takes")


class Bisect(Case):
    def test_same(self):
        for program in (COUNTDOWN, sums(), sums("THREADS")):
            with self.subTest(program=program):
                report, status = self.bisect(program)
                self.assertEqual((status, report), (0, {"result": "same", "bisect": True, "runs": 3}))

    def test_words_say_what_is_right(self):
        program, right = sums("CLOCK"), WORK / "bisect_right"
        done = self.riv("diff", "--bisect", program)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        self.assertIn("interpreted twice", done.stderr)
        self.assertEqual(self.bisect("--check", "grep -q '^sums'", program)[1], 0)
        done = self.riv("diff", "--bisect", "--check", "grep -q '^sums 1 '", program)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("interpreted it goes wrong as well", done.stderr)
        right.write_text(self.riv(sums()).stdout)
        self.assertEqual(self.bisect("--expect", right, sums())[1], 0)
        right.write_text("something else\n")
        self.assertEqual(self.riv("diff", "--bisect", "--expect", right, sums()).returncode, 2)

    def test_input_and_status(self):
        """Each run reads the same input; a status is passed on to the command."""
        source, program = WORK / "bisect_cat.c", WORK / "bisect_cat"
        source.write_text("#include <stdio.h>\nint main(void) { int c, n = 0; while ((c = getchar()) != EOF) n++;\n"
                          'printf("%d\\n", n); return n; }\n')
        subprocess.run(["riscv64-linux-gnu-gcc", "-O1", "-static", "-o", program, source], check=True)
        done = subprocess.run([os.environ["RIV"], "diff", "--bisect", "--check", 'test "$RIV_STATUS" = 5 && grep -q 5', program],
                              input="12345", capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)

    def test_refused(self):
        for args, says in ((["--step"], "no reference"), (["--against=interp"], "no reference"), (["--tries=0"], "--tries"), (["--limit=x"], "--limit"),
                           (["--expect=a", "--check=b"], "exclude"), (["--expect=/nonexistent"], "No such file"),
                           (["--check=/nonexistent"], "cannot be run")):
            with self.subTest(args=args):
                done = self.riv("diff", "--bisect", *args, COUNTDOWN)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(says, done.stderr)
        done = self.riv("diff", "--bisect", "/nonexistent")
        self.assertEqual(done.returncode, 2)
        self.assertIn("No such file", done.stderr)


@unittest.skipUnless(os.environ.get("RIV_TEST_MUTANTS"), "no faults are planted in this build")
class Planted(Case):
    def found(self, report, function):
        """The range lies in the function and holds the instruction that is translated wrongly."""
        self.assertEqual(report["result"], "diverged")
        self.assertEqual(report["symbol"].split("+")[0], function, report)
        self.assertIn("sums.c:", report["source"])
        self.assertRegex(report["listing"], r"sraiw ")
        self.assertLessEqual(report["instructions"], 4, report)
        self.assertLessEqual(int(report["low"], 16), int(report["pc"], 16))
        self.assertIn(int(report["high"], 16) - int(report["pc"], 16), (2, 4))
        self.assertIn("sarw", report["code"])

    def test_names_the_block(self):
        for macros in ((), ("THREADS",)):
            with self.subTest(macros=macros):
                report, status = self.bisect(sums(*macros), mutant="word_zero_extended")
                self.assertEqual((status, report["others"]), (1, False), report)
                self.found(report, "sum_first")

    def test_shared_libraries(self):
        report, status = self.bisect(*SYSROOT, sums(static=False), mutant="word_zero_extended")
        self.assertEqual(status, 1, report)
        self.found(report, "sum_first")

    def test_a_clock(self):
        right = self.riv(sums()).stdout.strip()
        report, status = self.bisect("--check", f"grep -q '^{right}$'", sums("CLOCK"), mutant="word_zero_extended")
        self.assertEqual(status, 1, report)
        self.found(report, "sum_first")

    def test_it_never_ends(self):
        """Translated, the program hangs: runs are ended in time."""
        report, status = self.bisect("--limit=1", sums("HANG"), mutant="word_zero_extended")
        self.assertEqual(status, 1, report)
        self.assertEqual(report["symbol"].split("+")[0], "sum_second", report)

    def test_one_of_several(self):
        report, status = self.bisect(sums("TWO"), mutant="word_zero_extended")
        self.assertEqual((status, report["others"]), (1, True), report)
        self.found(report, "sum_first")

    def test_in_words(self):
        done = self.riv("diff", "--bisect", sums(), env={"RIV_MUTANT": "word_zero_extended"})
        self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
        right = self.riv(sums()).stdout
        around = re.search(r"With (--interpret=\S+) it is right", done.stderr).group(1)
        self.assertEqual(self.riv(around, sums(), env={"RIV_MUTANT": "word_zero_extended"}).stdout, right)
        self.assertNotEqual(self.riv(sums(), env={"RIV_MUTANT": "word_zero_extended"}).stdout, right)
        for line in ("goes wrong when these instructions are translated", "sraiw", "in sum_first+", "it is right."):
            self.assertIn(line, done.stderr)


unittest.main(verbosity=2)

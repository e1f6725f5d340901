"""Where executable memory is refused riv says so in one line and interprets; --engine=jit says that it cannot."""
import re
import subprocess
import unittest

from riv_case import HERE, RIV, RivCase, build_guest

SHOW, BUSY = build_guest("show"), build_guest("busy")
REFUSALS = ("mdwe", "seccomp", "noexec")


class Refused(RivCase):
    def under(self, how, *args, status=0):
        """riv's run under no_exec.py; skips where the kernel cannot do it."""
        done = self.riv(HERE / "no_exec.py", how, RIV, *args, riv="python3")
        if done.returncode == 77:
            self.skipTest(done.stderr)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def one_line(self, done):
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertRegex(done.stderr, "^riv: .*no executable memory: ")

    def test_interprets_after_one_line(self):
        expected = self.riv("--engine=interp", BUSY).stdout
        for how in REFUSALS:
            with self.subTest(how):
                done = self.under(how, BUSY)
                self.one_line(done)
                self.assertEqual(done.stdout, expected)

    def test_says_so_even_if_it_ends_at_once(self):
        for how in REFUSALS:
            with self.subTest(how):
                self.one_line(self.under(how, SHOW, "exit", "7", status=7))

    def test_interpreter_by_choice_says_nothing(self):
        for how in REFUSALS:
            with self.subTest(how):
                self.assertEqual(self.under(how, "--engine=interp", SHOW, "args").stderr, "")

    def test_translator_by_choice_is_refused(self):
        for how in REFUSALS:
            with self.subTest(how):
                done = self.under(how, "--engine=jit", SHOW, "args", status=1)
                self.one_line(done)
                self.assertEqual(done.stdout, "")

    def test_statistics_show_only_the_interpreter(self):
        done = self.under("mdwe", "--stats", BUSY)
        self.assertRegex(done.stderr, r"guest instructions translated +0\n")

    def test_info(self):
        for how in REFUSALS:
            with self.subTest(how):
                text = self.under(how, "info").stdout
                self.assertRegex(text, r"(?m)^engines +interp$")
                self.assertRegex(text, r"(?m)^executable memory +no executable memory: ")

    def test_forbidden_memfd_alone_does_not_hinder(self):
        done = self.under("memfd", "--engine=jit", BUSY)
        self.assertEqual(done.stderr, "")

    def test_next_program_says_it_again(self):
        done = self.under("mdwe", SHOW, "exec", SHOW, "args")
        self.assertEqual(done.stdout, f"{SHOW}\nargs\n")
        self.assertEqual(len(re.findall("no executable memory", done.stderr)), len(done.stderr.splitlines()))

    def test_the_refusals_refuse(self):
        """Else the tests above would show nothing: an executable shared mapping must fail under each."""
        probe = ("import mmap, os; fd = os.memfd_create('x'); os.ftruncate(fd, 4096); "
                 "mmap.mmap(fd, 4096, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_EXEC)")
        for how in ("seccomp", "noexec"):
            done = subprocess.run(["python3", HERE / "no_exec.py", how, "/usr/bin/env", "python3", "-c", probe],
                                  capture_output=True, text=True, check=False)
            self.assertIn("PermissionError", done.stderr, how)


unittest.main(verbosity=2)

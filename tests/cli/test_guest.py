"""What options mean to a guest program, and how riv ends."""
import json
import shutil
import signal
import tempfile
import unittest
from pathlib import Path

from riv_case import RivCase, build_guest

SHOW = build_guest("show")


class Arguments(RivCase):
    def test_arguments_reach_the_guest(self):
        self.shows(SHOW, "args", "--help", "-x", "a b", "", output=f"{SHOW}\nargs\n--help\n-x\na b\n\n")

    def test_double_dash_ends_options(self):
        self.shows("--engine=interp", "--", SHOW, "args", output=f"{SHOW}\nargs\n")

    def test_argv0(self):
        self.shows("-0", "other", SHOW, "args", output="other\nargs\n")

    def test_both_engines_run(self):
        for engine in ("auto", "interp", "jit"):
            self.shows(f"--engine={engine}", SHOW, "args", output=f"{SHOW}\nargs\n")
            self.shows(SHOW, "args", env={"RIV_ENGINE": engine}, output=f"{SHOW}\nargs\n")


class Environment(RivCase):
    def test_set_and_unset(self):
        env = {"HOST": "host", "GONE": "x"}
        self.shows("-E", "NEW=a=b,c", "-U", "GONE", "-E", "HOST=guest", SHOW, "env", "NEW", "GONE", "HOST", "EMPTY",
                   env=env, output="a=b,c\n(unset)\nguest\n(unset)\n")

    def test_later_options_win(self):
        self.shows("-E", "A=1", "-U", "A", "-U", "B", "-E", "B=2", "-E", "B=3", SHOW, "env", "A", "B",
                   output="(unset)\n3\n")

    def test_names_are_compared_whole(self):
        self.shows("-U", "AB", "-E", "A=x", SHOW, "env", "A", "AB", "ABC", env={"AB": "1", "ABC": "2"},
                   output="x\n(unset)\n2\n")

    def test_guest_programs_inherit_riv(self):
        self.shows("-E", "A=1", "-0", "x", SHOW, "exec", SHOW, "env", "A", output="1\n")
        self.shows("-E", "A=1", SHOW, "exec", SHOW, "exec", SHOW, "exit", "7", output="", status=7)


class Sysroot(RivCase):
    def test_program_is_looked_up_in_the_sysroot_first(self):
        with tempfile.TemporaryDirectory() as root:
            shutil.copy(SHOW, Path(root) / "only-in-sysroot")
            expected = "/only-in-sysroot\nargs\n"
            self.shows("-L", root, "/only-in-sysroot", "args", output=expected)
            self.shows("/only-in-sysroot", "args", env={"RIV_LD_PREFIX": root}, output=expected)
            self.shows("/only-in-sysroot", "args", env={"QEMU_LD_PREFIX": root}, output=expected)
            # relative, and still right after execve in another process
            self.shows("-L", ".", SHOW, "exec", "/only-in-sysroot", "args", output=expected, cwd=root)


class Endings(RivCase):
    def test_exit_status(self):
        for status in (0, 1, 2, 127, 255):
            self.shows(SHOW, "exit", status, output="", status=status)

    def test_death_by_signal_is_passed_on(self):
        harmless = {signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH, signal.SIGCONT, signal.SIGSTOP, signal.SIGTSTP,
                    signal.SIGTTIN, signal.SIGTTOU, signal.SIGPIPE, signal.SIGXFSZ}  # the last two: Python ignores them
        for number in range(1, 32):
            if number not in harmless:
                self.shows(SHOW, "kill", number, output="", status=-number)

    def test_program_not_found(self):
        self.refused("/nonexistent/program", says="/nonexistent/program", status=127)

    def test_not_a_guest_program(self):
        self.refused("/dev/null", says="/dev/null", status=126)
        self.refused("/", says="/", status=126)


class InstructionSet(RivCase):
    HAS = {"rv64gc": "c zicntr zifencei zihintpause", "rv64gcb": "c zicntr zifencei zihintpause zba zbb zbs",
           "max": "c zicntr zifencei zihintpause zba zbb zbs zbc zbkb zbkx zkne zknd zknh zicond zfa zfh zcb zacas zawrs zicboz"}

    def test_instructions_outside_of_the_set_are_illegal(self):
        program = build_guest("isa")
        for cpu, has in self.HAS.items():
            for extension in self.HAS["max"].split():
                for engine in ("interp", "jit"):
                    with self.subTest(cpu=cpu, extension=extension, engine=engine):
                        done = self.riv(f"--cpu={cpu}", f"--engine={engine}", program, extension, env={"RIV_HOSTILE": "4"})
                        ran = extension in has.split()
                        self.assertEqual((done.returncode, done.stdout, done.stderr),
                                         (0, "ran\n", "") if ran else (-signal.SIGILL, "", ""))

    def test_set_of_the_other_width(self):
        self.refused("--cpu=rv32gc", SHOW, says="64-bit program", status=1)


class Size(RivCase):
    def test_stack_size(self):
        self.shows("-s", "64M", SHOW, "stack", 48 << 20, output="touched\n")
        self.assertEqual(self.riv("-s", "256k", SHOW, "stack", 4 << 20).returncode, -signal.SIGSEGV)
        self.shows(SHOW, "stack", 48 << 20, env={"RIV_STACK_SIZE": "64M"}, output="touched\n")


class Reports(RivCase):
    def test_strace(self):
        for args, env in ((["-strace"], {}), (["--strace"], {}), ([], {"RIV_STRACE": "1"})):
            done = self.riv(*args, SHOW, "exit", 3, env=env)
            self.assertEqual(done.returncode, 3)
            self.assertRegex(done.stderr, r"exit_group\(3")
        self.assertEqual(self.riv(SHOW, "exit", 3, env={"RIV_STRACE": "0"}).stderr, "")

    def test_stats(self):
        self.assertNotEqual(self.riv("--stats", SHOW, "args").stderr, "")

    def test_stats_json(self):
        self.assertIsInstance(json.loads(self.riv("--stats=json", SHOW, "args").stderr), dict)

    def test_log_items(self):
        """Each item alone has its own lines; together they have all."""
        looks = {"in_asm": r"(?m)^0x[0-9a-f]+: +[0-9a-f]+ +\w", "ir": r"(?m)^ *%\d+ = \w", "out_asm": r"(?m)^OUT: \d+ bytes$",
                 "exec": r"(?m)^Trace 0x[0-9a-f]{16}$"}
        for items in [*looks, ",".join(looks)]:
            done = self.riv("--engine=jit", "-d", items, SHOW, "args")
            self.assertEqual((done.returncode, done.stdout), (0, f"{SHOW}\nargs\n"))
            for item, look in looks.items():
                (self.assertRegex if item in items.split(",") else self.assertNotRegex)(done.stderr, look, items)

    def test_log_file(self):
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "log"
            log.write_text("old\n")
            done = self.riv("--engine=jit", "-d", "in_asm", "-D", log, SHOW, "args")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            first = log.read_text()
            self.assertNotIn("old", first)
            self.assertIn("addi", first)
            self.riv("--engine=jit", "-d", "in_asm", "-D", f"+{log}", SHOW, "args")
            self.assertTrue(log.read_text().startswith(first))
            self.assertGreater(len(log.read_text()), len(first))


unittest.main(verbosity=2)

"""riv's own command line: help, messages for what is wrong, subcommands. No guest program runs here."""
import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from riv_case import HERE, RIV, SANITIZED, RivCase

ROOT = HERE.parent.parent


class Help(RivCase):
    def test_help_goes_to_stdout(self):
        for option in ("--help", "-h", "-help", "help"):
            done = self.riv(option)
            self.assertEqual((done.returncode, done.stderr), (0, ""), option)
            self.assertTrue(done.stdout.startswith("usage: riv "))

    def test_help_works_whatever_the_environment_says(self):
        self.assertEqual(self.riv("--help", env={"RIV_CPU": "nonsense"}).returncode, 0)

    def test_version(self):
        for option in ("--version", "-version"):
            self.assertRegex(self.riv(option).stdout, r"^riv \d+\.\d+\.\d+\n$")

    def test_cpu_help_lists_sets(self):
        for args in (["--cpu", "help"], ["-cpu", "help"], ["--cpu=help"]):
            done = self.riv(*args)
            self.assertEqual(done.returncode, 0)
            self.assertRegex(done.stdout, r"(?m)^max +rv64i.* \(default\)$")
            self.assertRegex(done.stdout, r"(?m)^rv64gc +rv64imafdc")

    def test_log_help_lists_items(self):
        done = self.riv("-d", "help")
        self.assertEqual([line.split()[0] for line in done.stdout.splitlines()], ["in_asm", "ir", "out_asm", "exec"])

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run([RIV, "--help"], stdout=full, stderr=subprocess.PIPE, check=False)
        self.assertEqual(done.returncode, 1)

    def test_every_option_is_in_manual_and_completions(self):
        for command, manual in (([], "docs/riv.1"), (["diff"], "docs/riv-diff.1"), (["trace"], "docs/riv-trace.1")):
            done = self.riv(*command, "--help")
            if "not part of this build" in done.stderr:
                continue
            options = re.findall(r"(?m)^  (--?[\w]+)", done.stdout)
            self.assertGreater(len(options), 6)
            for file in (manual, "scripts/completion/riv.bash", "scripts/completion/_riv"):
                text = (ROOT / file).read_text().replace("\\-", "-")
                for option in options:
                    if option != "--help" or not command:
                        self.assertRegex(text, r"(?<![\w-])" + re.escape(option) + r"(?!\w)", f"{option} in {file}")


class Completion(RivCase):
    def complete(self, *words):
        """What bash is offered for the last word."""
        script = f"""
source {ROOT}/scripts/completion/riv.bash
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_riv
printf '%s\\n' "${{COMPREPLY[@]}}" """
        env = {**os.environ, "PATH": f"{Path(RIV).parent}:{os.environ['PATH']}"}
        done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, env=env, cwd="/", check=False)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_words(self):
        self.assertEqual(self.complete("riv", "dif"), ["diff"])
        self.assertEqual(self.complete("riv", "diff", "--bis"), ["--bisect"])
        self.assertEqual(self.complete("riv", "diff", "--against", "q"), ["qemu", "qemu:"])
        self.assertEqual(self.complete("riv", "--interp"), ["--interpret"])
        self.assertIn("etc", self.complete("riv", "diff", "--tries", "2", "et"))

    def test_machines_behind_trace_and_diff(self):
        for command in ("trace", "diff"):
            self.assertEqual(self.complete("riv", command, "boot")[0], "boot")
            self.assertEqual(self.complete("riv", command, "boot", "--kern"), ["--kernel"])
            self.assertEqual(self.complete("riv", command, "boot", "--kernel", "image", "--sm"), ["--smp"])
        if (Path(RIV).parent / "riv-boot").exists():
            self.assertIn("rom:hello", self.complete("riv", "boot", "rom:hel"))
            self.assertIn("hello", self.complete("riv", "diff", "rom", ":", "hel"))
            self.assertIn("hello", self.complete("riv", "trace", "rom", ":"))


class WrongOptions(RivCase):
    def test_no_program(self):
        for args in ([], ["--"], ["--engine=interp"], ["-E", "A=B"]):
            self.refused(*args, says="no program given; try 'riv --help'")

    def test_unknown_option(self):
        for option in ("--nonsense", "-x", "---help", "-", "--cpuu=max"):
            self.refused(option, "program", says=f"unknown option '{option}'; try 'riv --help'")

    def test_missing_value(self):
        for option in ("-L", "--cpu", "-E", "-U", "-0", "-s", "-d", "-D", "--engine"):
            self.refused(option, says=f"option '{option}' needs a value")

    def test_value_where_none_is_taken(self):
        self.refused("--strace=yes", "program", says="option '--strace' takes no value")

    def test_bad_values(self):
        for args, says in [
            (["--engine=fast"], "no engine 'fast'"), (["--cpu", "z80"], "z80"),
            (["-E", "NAME"], "-E takes NAME=VALUE"), (["-E", "=x"], "-E takes NAME=VALUE"),
            (["-U", "A=B"], "-U takes a variable's name"), (["-U", ""], "-U takes a variable's name"),
            (["-L", "/nonexistent"], "sysroot /nonexistent"), (["-d", "in_asm,nothing"], "no log item 'nothing'"),
            (["-d", ""], "no log item ''"), (["-d", "in_asm,"], "no log item ''"), (["--stats=xml"], "--stats takes"),
        ]:
            self.refused(*args, "program", says=says)

    def test_bad_sizes(self):
        for size in ("", "0", "-1", "8x", "8kk", "k", "99999999999999999999", "17179869184G"):
            self.refused("-s", size, "program", says="-s takes a number of bytes")

    def test_log_file_that_cannot_be_made(self):
        self.refused("-D", "/nonexistent/log", "program", says="log file /nonexistent/log", status=1)

    def test_environment_twins_are_checked_and_named(self):
        self.refused("program", env={"RIV_CPU": "z80"}, says="RIV_CPU: ")
        self.refused("program", env={"RIV_ENGINE": "z80"}, says="RIV_ENGINE: ")
        self.refused("program", env={"RIV_LD_PREFIX": "/nonexistent"}, says="RIV_LD_PREFIX: ")
        self.refused("program", env={"QEMU_LD_PREFIX": "/nonexistent"}, says="QEMU_LD_PREFIX: ")
        self.refused("program", env={"RIV_HOSTILE": "8"}, says="RIV_HOSTILE: ")


class Subcommands(RivCase):
    def test_subcommand_that_the_build_lacks(self):
        with tempfile.TemporaryDirectory() as folder:
            alone = Path(folder) / "riv"
            shutil.copy(RIV, alone)
            done = self.riv("boot", "x", riv=alone)
            self.assertEqual((done.returncode, done.stderr), (2, "riv: 'boot' is not part of this build\n"))

    def test_program_beside_riv_becomes_a_subcommand(self):
        with tempfile.TemporaryDirectory() as folder:
            alone, program = Path(folder) / "riv", Path(folder) / "riv-echo"
            shutil.copy(RIV, alone)
            program.write_text('#!/bin/sh\necho "got $*"\nexit 9\n')
            program.chmod(0o755)
            done = self.riv("echo", "a", "--help", riv=alone)
            self.assertEqual((done.returncode, done.stdout), (9, "got a --help\n"))

    def test_program_in_libexec_becomes_a_subcommand(self):
        with tempfile.TemporaryDirectory() as folder:
            alone, program = Path(folder) / "bin/riv", Path(folder) / "libexec/riv/riv-boot"
            alone.parent.mkdir()
            program.parent.mkdir(parents=True)
            shutil.copy(RIV, alone)
            program.write_text("#!/bin/sh\necho booted\n")
            program.chmod(0o755)
            self.assertEqual(self.riv("boot", riv=alone).stdout, "booted\n")

    def test_after_double_dash_a_word_is_a_program(self):
        self.refused("--", "info", says="info", status=127)

    def test_info(self):
        done = self.riv("info")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        fields = {line[:19].strip(): line[19:] for line in done.stdout.splitlines()}
        self.assertEqual(fields["page size"], f"{os.sysconf('SC_PAGESIZE')} bytes")
        self.assertEqual(fields["engines"], "jit interp" if fields["executable memory"] == "yes" else "interp")

    def test_info_takes_no_arguments(self):
        self.refused("info", "x", says="info takes no arguments")


class Build(RivCase):
    @unittest.skipIf(SANITIZED, "sanitizers are libraries")
    def test_links_only_libc(self):
        text = subprocess.run(["readelf", "-d", RIV], capture_output=True, text=True, check=True).stdout
        self.assertEqual(re.findall(r"NEEDED.*\[(.*)\]", text), ["libc.so.6"])


unittest.main(verbosity=2)

"""riv diff: programs that agree with Unicorn, and planted differences, which it must find and name.

RIV_DIFF_PLANT=ADDRESS=BITS makes the reference see another instruction at an address, as if riv had that one wrong.
"""
import json
import os
import re
import subprocess
import unittest
from pathlib import Path

from guest_places import address_of, word_at
from riv_case import WORK, RivCase, build_guest

COUNTDOWN = build_guest("countdown", "-g")
SHOW = build_guest("show")
SYSROOT = ["-L", "/usr/riscv64-linux-gnu"]  # of the cross compiler


class Diff(RivCase):
    def diff(self, *args, plant=None):
        return self.riv("diff", *args, env={"RIV_DIFF_PLANT": plant} if plant else None, cwd=WORK)

    def report(self, *args, plant=None):
        """The report as JSON, and the exit status."""
        file = WORK / "diff.json"
        done = self.diff("--json", "-o", file, *args, plant=plant)
        return json.loads(file.read_text()), done.returncode

    def test_agrees(self):
        for options in ([], ["--step"], ["--engine=interp"], ["--against=interp"], ["--against=interp", "--step"]):
            with self.subTest(options=options):
                report, status = self.report(*options, COUNTDOWN)
                self.assertEqual((status, report["result"]), (0, "same"), report)
                self.assertGreater(report["instructions"], 10000)
                self.assertGreater(report["states"], 1000)
                self.assertGreater(report["stores"], 100)
                self.assertEqual(report["states"] == report["instructions"], "--step" in options)

    def test_passes_the_guest_s_output_on(self):
        done = self.diff("--quiet", SHOW, "args", "one")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, f"{SHOW}\nargs\none\n", ""))

    def test_names_the_instruction(self):
        at = address_of(COUNTDOWN, "planted")
        plant = f"{at:#x}={word_at(COUNTDOWN, at) ^ 1 << 30:#x}"  # sub for add
        for options in ([], ["--step"], ["--engine=interp"], ["--against=interp"], ["--against=interp", "--step"]):
            with self.subTest(options=options):
                reproducer = WORK / "countdown.s"
                report, status = self.report("--reproducer", reproducer, *options, COUNTDOWN, plant=plant)
                self.assertEqual((status, report["result"]), (1, "diverged"), report)
                self.assertEqual(int(report["pc"], 16), at, report)
                self.assertTrue(report["instruction"].startswith("add "), report)
                self.assertEqual(report["symbol"].split("+")[0], "planted" if "planted" in report["symbol"] else "sum_of")
                self.assertIn("planted.h:", report["source"])
                self.assertEqual([r["riv"] for r in report["registers"]], ["0x3e8"], report)
                # the reproducer agrees where nothing is planted, and parts at the same instruction where it is
                again, status = self.report(reproducer)
                self.assertEqual((status, again["result"]), (0, "same"), again)
                again, status = self.report(reproducer, plant=plant)
                self.assertEqual((status, again["pc"]), (1, report["pc"]), again)

    def test_finds_a_store(self):
        at = address_of(COUNTDOWN, "planted")
        for against in ("unicorn", "interp"):
            with self.subTest(against=against):
                done = self.diff("--against", against, "--reproducer", WORK / "store.s", COUNTDOWN,
                                 plant=f"{at:#x}={0x00a13023:#x}")  # sd a0,0(sp)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn(f"{at:#x}", done.stderr)

    def test_finds_a_trap(self):
        at = address_of(COUNTDOWN, "planted")
        for against in ("unicorn", "interp"):
            with self.subTest(against=against):
                report, status = self.report("--against", against, "--reproducer", WORK / "trap.s", COUNTDOWN,
                                             plant=f"{at:#x}={0x00003503:#x}")  # ld a0,0(zero)
                self.assertEqual((status, report["what"]), (1, "trap"), report)

    def test_rv32(self):
        """Signals, threads and system calls whose structures are made of words."""
        source = Path(__file__).resolve().parent.parent / "guest" / "rv32_system.c"
        program = WORK / "diff_rv32_system"
        subprocess.run(["riscv64-linux-gnu-gcc", "-O2", "-march=rv32gc", "-mabi=ilp32d", "-nostdlib", "-static", "-ffreestanding",
                        "-o", program, source], check=True)
        for options in ([], ["--against=interp"]):
            with self.subTest(options=options):
                report, status = self.report(*options, program)
                self.assertEqual((status, report["result"]), (0, "same"), report)
                self.assertGreater(report["system_calls"], 100)

    def test_threads_and_signals(self):
        """Statically and dynamically linked: the first thread is compared, the others run free, and the report says so."""
        guest = Path(__file__).resolve().parent.parent / "guest"
        for name in ("threads", "signal_delivery"):
            for flags in (["-static"], []):
                program = WORK / f"diff_{name}{'_static' if flags else ''}"
                subprocess.run(["riscv64-linux-gnu-gcc", "-O2", "-pthread", *flags, "-o", program, guest / f"{name}.c", "-lm"],
                               check=True)
                for against in ("unicorn", "interp"):
                    with self.subTest(name=name, flags=flags, against=against):
                        report, status = self.report("--against", against, *SYSROOT, program)
                        self.assertEqual((status, report["result"]), (0, "same"), report)
                        self.assertTrue(report["threads"], report)

    def run_against_log(self, log, program):
        """The report and the exit status; the environment is the one that the log was written in."""
        report, reproducer = WORK / "diff_log.json", WORK / "diff_log.s"
        reproducer.unlink(missing_ok=True)
        with open(os.devnull, "wb") as nothing:
            done = subprocess.run([os.environ["RIV"], "diff", "--json", "-o", report, "--reproducer", reproducer,
                                   f"--against=spike-log:{log}", program],
                                  stdin=subprocess.DEVNULL, stdout=nothing, stderr=subprocess.PIPE, timeout=60, env={}, check=False)
        return json.loads(report.read_text()), done.returncode

    def test_commit_log(self):
        """A log that `riv trace` wrote passes; one line changed, missing or too many is where they part."""
        log, changed = WORK / "diff.log", WORK / "diff_changed.log"
        with open(os.devnull, "wb") as nothing:
            subprocess.run([os.environ["RIV"], "trace", "--format", "spike", "-o", log, COUNTDOWN], stdin=subprocess.DEVNULL,
                           stdout=nothing, timeout=60, env={}, check=True)
        report, status = self.run_against_log(log, COUNTDOWN)
        self.assertEqual((status, report["result"], report["reference"]), (0, "same", "spike-log"), report)
        lines = log.read_text().splitlines(keepends=True)
        self.assertEqual(report["instructions"], len(lines))
        at = address_of(COUNTDOWN, "planted")
        planted = next(i for i, line in enumerate(lines) if f" 0x{at:016x} " in line)
        store = next(i for i, line in enumerate(lines) if i > 14000 and re.search(r" mem 0x\w+ 0x\w+$", line))
        cases = {
            "registers": (planted, lines[planted].replace(" x10 0x0", " x10 0x1")),
            "encoding": (planted, re.sub(r"\(0x.", "(0xf", lines[planted])),
            "pc": (planted, ""),
            "store": (store, re.sub(r"(mem 0x\w+ 0x)\w(\w*)$", r"\g<1>7\2", lines[store])),
        }
        for what, (line, text) in cases.items():
            with self.subTest(what=what):
                self.assertNotEqual(text, lines[line])
                changed.write_text("".join(lines[:line] + [text] + lines[line + 1:]))
                report, status = self.run_against_log(changed, COUNTDOWN)
                self.assertEqual((status, report["what"]), (1, what), report)
                self.assertIn(f" 0x{int(report['pc'], 16):016x} ", lines[line], report)
                self.assertEqual((WORK / "diff_log.s").exists(), what in ("registers", "store"))
                if (WORK / "diff_log.s").exists():
                    self.check_reproducer(WORK / "diff_log.s", report, 0x00000013)
        for text in (lines[:15000], lines + lines[-1:]):
            changed.write_text("".join(text))
            report, status = self.run_against_log(changed, COUNTDOWN)
            self.assertEqual((status, report["what"]), (1, "end"), report)

    def test_reproducer_of_a_load(self):
        """The log says that another value was loaded: the reproducer has the memory that riv read."""
        log, at = WORK / "diff_load.log", None
        with open(os.devnull, "wb") as nothing:
            subprocess.run([os.environ["RIV"], "trace", "--format", "spike", "-o", log, COUNTDOWN], stdin=subprocess.DEVNULL,
                           stdout=nothing, timeout=60, env={}, check=True)
        lines = log.read_text().splitlines(keepends=True)
        for i in range(len(lines) // 2, len(lines)):
            load = re.search(r" 0x(\w{16}) \(0x\w{8}\) x(?:9|1\d) +(0x\w{16}) mem 0x\w+$", lines[i])
            if load:
                lines[i] = lines[i].replace(load.group(2), "0x0123456789abcdef")
                at = int(load.group(1), 16)
                break
        log.write_text("".join(lines))
        report, status = self.run_against_log(log, COUNTDOWN)
        self.assertEqual((status, report["what"], int(report["pc"], 16)), (1, "registers", at), report)
        again = self.check_reproducer(WORK / "diff_log.s", report, 0x00000013)
        self.assertEqual(again["registers"][0]["riv"], report["registers"][0]["riv"])

    def check_reproducer(self, reproducer, report, bits):
        """It agrees with Unicorn, and parts at the instruction where the reference is made to see another one."""
        again, status = self.report(reproducer)
        self.assertEqual((status, again["result"]), (0, "same"), again)
        again, status = self.report("--reproducer", WORK / "again.s", reproducer, plant=f"{report['pc']}={bits:#x}")
        self.assertEqual((status, again.get("pc")), (1, report["pc"]), again)
        return again

    def test_what_cannot_be_compared(self):
        for args, says in ((["--against=nothing", SHOW], "no reference"), ([WORK / "missing"], "No such file"),
                           (["--bogus", SHOW], "bogus"), ([], "program")):
            with self.subTest(args=args):
                done = self.diff(*args)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertIn(says, done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)


os.environ.pop("RIV_DIFF_PLANT", None)
unittest.main(verbosity=2)

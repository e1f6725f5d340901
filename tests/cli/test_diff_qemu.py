"""riv diff --against=qemu: programs that agree with qemu-riscv64 behind its gdb stub, planted differences, and what is no qemu."""
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

from riv_case import CLEAN_ENV, RIV, WORK, RivCase, build_guest
from guest_places import address_of, word_at

SMALL = build_guest("small", "-g", "-nostdlib", "-ffreestanding")
GUEST = Path(__file__).resolve().parent.parent / "guest"
MODES = ([], ["--step"])


def build(name, *flags):
    program = WORK / f"qemu_{name}"
    subprocess.run(["riscv64-linux-gnu-gcc", "-O2", *flags, "-o", program, GUEST / f"{name}.c"], check=True)
    return program


class DiffQemu(RivCase):
    def report(self, *args, plant=None):
        """The report as JSON, and the exit status."""
        file = WORK / "diff_qemu.json"
        file.unlink(missing_ok=True)
        done = self.riv("diff", "--json", "-o", file, "--against=qemu", *args, env={"RIV_DIFF_PLANT": plant} if plant else None,
                        cwd=WORK)
        self.assertTrue(file.exists(), done.stderr)
        return json.loads(file.read_text()), done.returncode

    def test_agrees(self):
        for options in (*MODES, ["--engine=interp"]):
            with self.subTest(options=options):
                report, status = self.report(*options, SMALL)
                self.assertEqual((status, report["result"], report["reference"]), (0, "same", "qemu"), report)
                self.assertGreater(report["instructions"], 1000)
                self.assertGreater(report["states"], 200)
                self.assertGreater(report["stores"], 50)
                if "--engine=interp" not in options:  # which stops at every instruction
                    self.assertEqual(report["states"] == report["instructions"], "--step" in options)
                self.assertEqual(report["known"], {})

    def test_names_the_instruction(self):
        at = address_of(SMALL, "planted")
        word = word_at(SMALL, at)
        plants = {"sub": word ^ 1 << 30, "sd a0,0(sp)": 0x00a13023, "ebreak": 0x00100073, "ecall": 0x00000073}
        for options in MODES:
            for name, plant in plants.items():
                with self.subTest(options=options, plant=name):
                    reproducer = WORK / "qemu_small.s"
                    plant = f"{at:#x}={plant:#x}"
                    report, status = self.report("--reproducer", reproducer, *options, SMALL, plant=plant)
                    self.assertEqual((status, report["result"], report["located"]), (1, "diverged", True), report)
                    self.assertEqual(int(report["pc"], 16), at, report)
                    self.assertTrue(report["instruction"].startswith("add "), report)
                    self.assertIn("planted.h:", report["source"])
                    if name == "sub" and not options:  # the reproducer agrees by itself, and parts where it is planted
                        again, status = self.report(reproducer)
                        self.assertEqual((status, again["result"]), (0, "same"), again)
                        again, status = self.report(reproducer, plant=plant)
                        self.assertEqual((status, again["pc"]), (1, report["pc"]), again)

    def test_finds_a_trap(self):
        at = address_of(SMALL, "planted")
        for bits in (0x00003503, 0xffffffff):  # ld a0,0(zero); nothing
            report, status = self.report(SMALL, plant=f"{at:#x}={bits:#x}")
            self.assertEqual((status, report["what"], int(report["pc"], 16)), (1, "trap", at), report)

    def test_finds_a_way_out(self):
        """It jumps out of the block, and is stopped."""
        at = address_of(SMALL, "planted")
        report, status = self.report(SMALL, plant=f"{at:#x}={0x0000006f:#x}")  # j .
        self.assertEqual((status, int(report["pc"], 16)), (1, at), report)

    def test_rv32(self):
        program = build("rv32_system", "-march=rv32gc", "-mabi=ilp32d", "-nostdlib", "-static", "-ffreestanding")
        for options in MODES:
            with self.subTest(options=options):
                report, status = self.report(*options, program, "parent")
                self.assertEqual((status, report["result"]), (0, "same"), report)
                self.assertGreater(report["system_calls"], 100)

    def test_executes_what_qemu_lacks(self):
        program = WORK / "qemu_lacking"
        source = WORK / "qemu_lacking.s"
        source.write_text("""
    .option norvc
    .globl _start
_start:
    li a0, 5
    li a1, 7
    la a2, word
    .insn r 0x2f, 2, 0x14, a0, a2, a1  # amocas.w a0,a1,(a2), which exchanges
    lw a3, (a2)
    .insn r 0x53, 0, 0x78, f1, x17, x1  # fli.s ft1: an f register
    fmv.x.w a4, ft1
    li a5, 7
    bne a3, a5, 1f
    li a0, 0
1:  li a7, 94
    ecall
    .data
    .balign 8
word: .4byte 5
""")
        subprocess.run(["riscv64-linux-gnu-gcc", "-nostdlib", "-static", "-o", program, source], check=True)
        for options in MODES:
            with self.subTest(options=options):
                report, status = self.report(*options, program)
                self.assertEqual((status, report["result"]), (0, "same"), report)
                if not any("lacks" in label for label in report["known"]):
                    self.assertNotIn("version 7.", subprocess.run(["qemu-riscv64", "--version"], capture_output=True, text=True,
                                                                  check=True).stdout)

    def test_qemu_changes_nothing(self):
        """Made to see an ecall where riv has none, qemu would remove a file."""
        source, program, victim = WORK / "qemu_unlink.s", WORK / "qemu_unlink", WORK / "qemu_victim"
        source.write_text(f"""
    .option norvc
    .globl _start, planted
_start:
    li a0, -100
    la a1, path
    li a2, 0
    li a7, 35  # unlinkat
planted:
    nop
    mv s0, a0
    li a0, 0
    li a7, 94
    ecall
path: .asciz "{victim}"
""")
        subprocess.run(["riscv64-linux-gnu-gcc", "-nostdlib", "-static", "-o", program, source], check=True)
        victim.write_text("still here")
        at = address_of(program, "planted")
        report, status = self.report(program, plant=f"{at:#x}=0x73")
        self.assertEqual((status, int(report["pc"], 16)), (1, at), report)
        self.assertTrue(victim.exists())

    def test_known_differences(self):
        """A counter, cbo.zero, which qemu 7.2 lacks, and ctzw of 0, which it has wrong where it knows the operand."""
        source, program = WORK / "qemu_known.s", WORK / "qemu_known"
        source.write_text("""
    .option norvc
    .globl _start
_start:
    li a2, 0
    .insn i 0x1b, 1, a2, a2, 0x601  # ctzw
    addi a3, a2, 1
    sd a3, 0(sp)
    ld a4, 0(sp)
    la t0, buffer
    .insn i 0x0f, 2, x0, t0, 4      # cbo.zero
    ld a5, 8(t0)
    bnez a5, 1f
    rdcycle s0
    li a0, 0
1:  li a7, 94
    ecall
    .data
    .balign 64
buffer: .fill 16, 8, -1
""")
        subprocess.run(["riscv64-linux-gnu-gcc", "-nostdlib", "-static", "-o", program, source], check=True)
        for options in MODES:
            with self.subTest(options=options):
                report, status = self.report(*options, program)
                self.assertEqual((status, report["result"]), (0, "same"), report)
                self.assertIn("cycle, time, instret", report["known"])
                # without Zbb in either, both stop at the first of these
                report, status = self.report(*options, "--cpu=rv64gc", program)
                self.assertEqual((status, report["result"], report["instructions"]), (0, "same", 1), report)

    def test_a_clean_child_and_descriptors(self):
        """The guest has no child that it does not know, and its first descriptor is 3."""
        source, program = WORK / "qemu_alone.c", WORK / "qemu_alone"
        source.write_text("""
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/wait.h>
int main(void) {
    int r = wait(0), fd = open("/dev/null", O_RDONLY);
    printf("%d %d %d\\n", r, errno == ECHILD, fd);
    return 0;
}
""")
        subprocess.run(["riscv64-linux-gnu-gcc", "-O1", "-static", "-o", program, source], check=True)
        done = self.riv("diff", "--quiet", "--against=qemu", program)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "-1 1 3\n", ""))

    def test_what_is_no_qemu(self):
        for program, says in (("/nonexistent/qemu", "installed"), ("/bin/true", "gdb stub"), ("/bin/cat", "invalid option")):
            with self.subTest(program=program):
                done = self.riv("diff", f"--against=qemu:{program}", SMALL)
                self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
                self.assertIn(says, done.stderr)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_qemu_dies_in_between(self):
        busy = build_guest("busy")
        with subprocess.Popen([RIV, "diff", "--against=qemu", busy], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env=CLEAN_ENV) as diff:
            qemu = self.find_qemu(diff.pid)
            os.kill(qemu, signal.SIGKILL)
            _, err = diff.communicate(timeout=60)
        self.assertEqual(diff.returncode, 2, err)
        self.assertEqual(len(err.splitlines()), 1, err)
        self.assertIn("has ended", err)

    def test_ends_with_riv(self):
        busy = build_guest("busy")
        with subprocess.Popen([RIV, "diff", "--against=qemu", busy], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, env=CLEAN_ENV) as diff:
            qemu = self.find_qemu(diff.pid)
            diff.kill()
        for _ in range(200):
            if not Path(f"/proc/{qemu}/cmdline").exists() or not Path(f"/proc/{qemu}/cmdline").read_bytes():
                return  # gone, or nobody has asked for its status yet
            time.sleep(0.05)
        os.kill(qemu, signal.SIGKILL)
        self.fail("qemu is still there")

    def find_qemu(self, pid):
        """The process number of the qemu that riv diff has started, once the guest's memory is mapped there."""
        def children(parent):
            return [int(c) for c in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
        for _ in range(200):
            try:
                for keeper in children(pid):
                    for child in children(keeper):
                        maps = Path(f"/proc/{child}/maps").read_text()
                        if os.readlink(f"/proc/{child}/exe").endswith("riscv64") and maps.count("memfd:riv-diff") > 3:
                            return child
            except OSError:
                pass  # gone meanwhile: another processor is tried
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)
        return self.fail("no qemu was started")


if not shutil.which("qemu-riscv64"):
    print("no qemu-riscv64")
    sys.exit(1 if os.environ.get("CI") else 77)
os.environ.pop("RIV_DIFF_PLANT", None)
unittest.main(verbosity=2)

"""riv boot's devices from outside: semihosting, HTIF and signatures, counted runs, serial ports, drives of a killed machine."""
import os
import pty
import re
import signal
import struct
import subprocess
import tempfile
import termios
import unittest
from pathlib import Path

from boot_case import BootCase, build_bare
from riv_case import CLEAN_ENV, RIV, WORK

ENGINES = ("jit", "interp")


def read_until(fd, wanted):
    out = b""
    while wanted not in out:
        more = os.read(fd, 4096)
        assert more, out
        out += more
    return out


class Board(BootCase):
    def test_semihosting(self):
        want = "text\nc" + "".join("\n" if i % 100 == 99 else "x" for i in range(70000)) + "virtual\n"
        for engine in ENGINES:
            for xlen in (64, 32):
                done = self.boot(f"--engine={engine}", build_bare("semihost", xlen=xlen))
                self.assertEqual((done.returncode, done.stderr), (7, ""), (engine, xlen, done.stdout[-200:]))
                self.assertEqual(done.stdout, want, (engine, xlen))

    def test_htif_and_signature(self):
        file = WORK / "signature"
        for engine in ENGINES:
            for xlen in (64, 32):
                for code in (0, 5):
                    file.unlink(missing_ok=True)
                    done = self.boot(f"--engine={engine}", "--bios", "none", "--signature", file,
                                     build_bare("htif", f"-DCODE={code}", xlen=xlen))
                    self.assertEqual((done.returncode, done.stdout, done.stderr), (code, "by console\nby system call\n", ""))
                    self.assertEqual(file.read_text(), "deadbeef\n00000001\n89abcdef\nffffffff\n")
        done = self.boot("--signature", file, "rom:hello")
        self.assertEqual((done.returncode, done.stderr),
                         (1, "riv: the program has no begin_signature and end_signature in RAM\n"))

    def test_raw_binary(self):
        elf, raw = build_bare("echo"), WORK / "echo.bin"
        subprocess.run(["riscv64-linux-gnu-objcopy", "-O", "binary", elf, raw], check=True)
        for engine in ENGINES:
            done = self.boot(f"--engine={engine}", "--bios", "none", raw, input="abcq")
            self.assertEqual((done.returncode, done.stdout, done.stderr), (42, "ready\nbcd", ""))

    def test_counted_runs(self):
        program = build_bare("icount")

        def run(*options):
            with open(WORK / "input", "rb") as stdin:
                done = self.boot(*options, program, stdin=stdin)
            self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout[-500:])
            return done.stdout

        (WORK / "input").write_bytes(b"what is typed, sixteen bytes at a time\n")
        first = run("--icount")
        self.assertEqual(len(first.splitlines()), 300)
        self.assertIn("0x800000000000000b", first)  # input arrived
        self.assertIn("0x8000000000000007", first)
        for engine in ("auto", "interp", "interp", "jit", "jit"):
            self.assertEqual(run("--icount", f"--engine={engine}"), first, engine)
        for options, says in ((["--smp", 2], "--smp"), (["--netdev", "user"], "--netdev")):
            done = self.boot("--icount", *options, program)
            self.assertEqual(done.returncode, 2)
            self.assertIn(f"drop {says}", done.stderr)

    def test_devices_write_code(self):
        program, disk = build_bare("dma_code"), WORK / "functions"
        functions = [struct.pack("<II", (n * 7) << 20 | 0x513, 0x8067) + bytes(504) for n in range(64)]  # li a0, 7 n; ret
        disk.write_bytes(b"".join(functions))
        for options in (["--engine=interp"], ["--engine=jit"], ["--icount"], ["--icount", "--engine=interp"]):
            done = self.boot(*options, "--drive", disk, program)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "passed\n", ""), options)

    def test_counted_time(self):
        """A clock that follows the instructions: all times of the timer ROM pass, in far less time than they say."""
        done = self.boot("--icount", "rom:timer")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "timer: passed\n", ""))

    def test_serial_file(self):
        file = WORK / "serial"
        done = self.boot("--serial", f"file:{file}", "rom:hello")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        self.assertIn(b"Hello from", file.read_bytes())
        done = self.boot("--serial", f"file:{WORK}/no/such/folder", "rom:hello")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, r"^riv: cannot write .*No such file.*\n$")

    def test_serial_pty(self):
        with subprocess.Popen([RIV, "boot", "--serial", "pty", build_bare("echo")], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=CLEAN_ENV) as process:
            name = re.fullmatch(r"riv: serial port is on (/dev/pts/\d+)\n", process.stderr.readline()).group(1)
            fd = os.open(name, os.O_RDWR | os.O_NOCTTY)
            read_until(fd, b"ready\n")
            os.write(fd, b"abc")
            read_until(fd, b"bcd")
            os.write(fd, b"q")
            self.assertEqual(process.wait(60), 42)
            os.close(fd)

    def on_terminal(self, typed, wanted):
        """Runs the echo program on a terminal; its status, and what the terminal shows; the terminal is as before."""
        main, end = pty.openpty()
        before = termios.tcgetattr(end)
        with subprocess.Popen([RIV, "boot", build_bare("echo")], stdin=end, stdout=end, stderr=end, env=CLEAN_ENV) as process:
            shown = read_until(main, b"ready\r\n")
            os.write(main, typed)
            if wanted:
                shown += read_until(main, wanted)
                os.write(main, b"\1x")
            status = process.wait(60)
        self.assertEqual(termios.tcgetattr(end), before)
        os.close(main)
        os.close(end)
        return status, shown

    def test_terminal(self):
        self.assertEqual(self.on_terminal(b"\1x", b"")[0], 0)
        self.assertEqual(self.on_terminal(b"ab", b"bc")[0], 0)
        self.assertEqual(self.on_terminal(b"\1h", b"Ctrl-A x  leave")[0], 0)
        status, shown = self.on_terminal(b"\1\1\3", b"\2\4")  # Ctrl-A and Ctrl-C as the guest sees them
        self.assertEqual((status, shown[-2:]), (0, b"\2\4"))
        self.assertEqual(self.on_terminal(b"q", b"")[0], 42)

    def test_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with subprocess.Popen([RIV, "boot", build_bare("echo")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  env=CLEAN_ENV) as process:
                read_until(process.stdout.fileno(), b"ready\n")
                process.send_signal(number)
                self.assertEqual(process.wait(60), 128 + number)

    def test_killed_machine_keeps_what_it_has_flushed(self):
        block, slots, program = 4096, 64, build_bare("flush")
        with tempfile.TemporaryDirectory(dir=WORK) as folder:
            drive = Path(folder, "drive")
            for engine in ENGINES:
                for told_before_kill in (1, 70, 203):
                    drive.write_bytes(bytes(block * slots))
                    with subprocess.Popen([RIV, "boot", f"--engine={engine}", "--drive", drive, program], env=CLEAN_ENV,
                                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
                        out = read_until(process.stdout.fileno(), b"\n%d\n" % told_before_kill if told_before_kill > 1 else b"1\n")
                        process.kill()
                        out += process.stdout.read()
                    told = [int(line) for line in out.split(b"\n")[:-1]]
                    last = told[-1]
                    self.assertEqual(told, list(range(1, last + 1)))
                    image = drive.read_bytes()
                    self.assertEqual(len(image), block * slots)
                    torn = 0
                    for n in range(max(1, last - slots + 1), last + 1):
                        at = n % slots * block
                        found = {image[i:i + 4] for i in range(at, at + block, 4)}
                        # What the console had not passed on when the machine died may be written over block n already.
                        self.assertLessEqual(found, {m.to_bytes(4, "little") for m in (n, n + slots)}, (n, last))
                        torn += len(found) > 1
                    self.assertLessEqual(torn, 1, last)  # one write at a time


unittest.main(verbosity=2)

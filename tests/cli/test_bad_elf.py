#!/usr/bin/env python3
"""Files that cannot be run: one line that says why, 127 where something is not found and 126 otherwise, and never a crash."""
import os
import random
import resource
import signal
import struct
import subprocess
import time
import unittest
from pathlib import Path

from riv_case import CLEAN_ENV, RIV, SANITIZED, WORK, RivCase, build_guest


class BadElf(RivCase):
    @classmethod
    def setUpClass(cls):
        cls.good = Path(build_guest("show")).read_bytes()
        cls.dir = WORK / "bad_elf"
        cls.dir.mkdir(parents=True, exist_ok=True)

    def file(self, name, data):
        path = self.dir / name
        path.write_bytes(data)
        path.chmod(0o755)
        return path

    def patched(self, name, offset, form, value):
        data = bytearray(self.good)
        struct.pack_into(form, data, offset, value)
        return self.file(name, bytes(data))

    def phdr(self, kind):
        """File offset of the first program header of this type."""
        phoff, phnum = struct.unpack_from("<Q", self.good, 32)[0], struct.unpack_from("<H", self.good, 56)[0]
        return next(phoff + 56 * i for i in range(phnum)
                    if struct.unpack_from("<I", self.good, phoff + 56 * i)[0] == kind)

    def test_missing_file(self):
        self.refused(self.dir / "nothing", says="No such file", status=127)

    def test_directory(self):
        self.refused(self.dir, says="is a directory", status=126)

    def test_device(self):
        self.refused("/dev/null", says="not a regular file", status=126)

    def test_empty_file(self):
        self.refused(self.file("empty", b""), says="empty file", status=126)

    def test_text_file(self):
        self.refused(self.file("text", b"hello\n"), says="not an ELF program", status=126)

    def test_host_program(self):
        self.refused("/bin/true", says="not a RISC-V program", status=126)

    def test_truncation_at_every_boundary_of_the_headers(self):
        """unit/loader does it at every byte."""
        phoff, phnum = struct.unpack_from("<Q", self.good, 32)[0], struct.unpack_from("<H", self.good, 56)[0]
        fields = [16, 18, 20, 24, 32, 40, 48, 52, 54, 56, 58, 60, 62, 64]
        ends = [1, 4, *fields, *(phoff + 56 * i for i in range(1, phnum + 1))]
        for size in sorted({s for end in ends for s in (end - 1, end) if s} | {len(self.good) // 2}):
            with self.subTest(size=size):
                self.refused(self.file("truncated", self.good[:size]), says="", status=126)

    def test_wrong_identification(self):
        for name, offset, value, says in [("class", 4, 9, "unknown ELF class"), ("big", 5, 2, "big-endian"),
                                          ("order", 5, 7, "byte order"), ("version", 6, 3, "version")]:
            with self.subTest(name):
                self.refused(self.patched(name, offset, "B", value), says=says, status=126)

    def test_wrong_header(self):
        for name, offset, form, value, says in [
                ("machine", 18, "<H", 62, "not a RISC-V"), ("object", 16, "<H", 1, "object file"),
                ("core", 16, "<H", 4, "not an executable"), ("rve", 48, "<I", 8, "16 registers"),
                ("entry", 24, "<Q", 1 << 40, "entry point"), ("phoff", 32, "<Q", 2**64 - 8, "truncated program headers"),
                ("phentsize", 54, "<H", 32, "unknown size"), ("phnum", 56, "<H", 0, "no program headers"),
                ("many", 56, "<H", 0xffff, "too many")]:
            with self.subTest(name):
                self.refused(self.patched(name, offset, form, value), says=says, status=126)

    def test_bad_segments(self):
        load = self.phdr(1)
        for name, offset, value, says in [
                ("offset", 8, 1 << 62, "beyond the end"), ("address", 16, 2**63, "outside of the address space"),
                ("filesz", 32, 2**64 - 1, "beyond the end"), ("memsz", 40, 2**63, "outside of the address space"),
                ("small", 40, 1, "exceeds its memory size"), ("page", 16, 0x10008, "within a page")]:
            with self.subTest(name):
                self.refused(self.patched(name, load + offset, "<Q", value), says=says, status=126)

    def test_overlapping_segments(self):
        self.refused(self.patched("overlap", self.phdr(1) + 40, "<Q", 1 << 24), says="overlap", status=126)

    def test_random_damage(self):
        """A real program with damaged headers: it is refused, or runs and ends as guests end, but riv never breaks."""
        headers = struct.unpack_from("<Q", self.good, 32)[0] + 56 * struct.unpack_from("<H", self.good, 56)[0]
        fixed = int(os.environ.get("RIV_SEED", "1"))
        fresh = fixed if "RIV_SEED" in os.environ else time.time_ns()
        for case in range(20 if SANITIZED else 80):
            seed = (fresh if case % 2 else fixed) + case
            rng = random.Random(seed)
            data = bytearray(self.good)
            for _ in range(rng.randrange(1, 4)):
                at = rng.randrange(16, headers)
                data[at] = rng.choice((data[at] ^ 1 << rng.randrange(8), rng.randrange(256), 0, 255))
            path = self.file("damaged", bytes(data))
            for engine in ("interp", "jit"):
                with self.subTest(RIV_SEED=seed - case, case=case, engine=engine):
                    done = subprocess.run(
                        [RIV, f"--engine={engine}", path, "args"], stdin=subprocess.DEVNULL, capture_output=True, env=CLEAN_ENV,
                        timeout=60, check=False, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (1, 1)))
                    self.assertNotRegex(done.stderr, rb"internal error|Sanitizer|runtime error")
                    self.assertIn(done.returncode, (0, 1, 126, 127, -signal.SIGSEGV, -signal.SIGILL, -signal.SIGBUS,
                                                    -signal.SIGTRAP, -signal.SIGABRT, -signal.SIGKILL, -signal.SIGXCPU))

    def test_script_without_interpreter(self):
        self.refused(self.file("script", b"#!\n"), says="names no interpreter", status=126)

    def test_script_with_missing_interpreter(self):
        self.refused(self.file("script2", b"#!/no/such/file\n"), says="/no/such/file", status=127)

    def test_script_that_interprets_itself(self):
        path = self.dir / "loop"
        self.refused(self.file("loop", b"#!" + os.fsencode(path) + b"\n"), says="too deep", status=126)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""riv trace: every format against kept text and against qemu, engines against each other, filters, files, ends of programs."""
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from riv_case import CLEAN_ENV, RIV, SANITIZED, WORK, RivCase, build_guest  # noqa: E402

KEPT = Path(__file__).resolve().parent.parent / "trace"
TRACE = WORK / "trace"
ROOT = KEPT.parent.parent
QEMU = shutil.which("qemu-riscv64")


def assemble(name, *options):
    TRACE.mkdir(parents=True, exist_ok=True)
    program = TRACE / name
    subprocess.run(["riscv64-linux-gnu-gcc", "-nostdlib", "-static", "-Wl,--build-id=none", "-Wl,-Ttext=0x10000",
                    "-Wl,-Tdata=0x20000", "-Wl,--no-relax", *options, "-o", program, KEPT / (name + ".s")], check=True)
    return program


def compile_c(name, source, *options):
    TRACE.mkdir(parents=True, exist_ok=True)
    program = TRACE / name
    subprocess.run(["riscv64-linux-gnu-gcc", "-O1", "-static", "-x", "c", "-", "-o", program, *options], input=source,
                   text=True, check=True)
    return program


def without_sp(text):
    return re.sub(r"(x2/sp +)[0-9a-f]+", r"\1", text)


class TraceCase(RivCase):
    @classmethod
    def setUpClass(cls):
        if not Path(RIV).with_name("riv-trace").exists():
            raise unittest.SkipTest("riv trace is not part of this build")
        cls.program = assemble("program")

    def trace(self, *args, program=None, status=0, env=None, **kinds):
        """What riv trace writes; kinds: options by name."""
        options = [f"--{name}={value}" for name, value in kinds.items()]
        out = TRACE / f"out-{self._testMethodName}"
        done = self.riv("trace", "-o", out, *options, *args, program or self.program, env=env)
        self.assertEqual(done.returncode, status, done.stderr)
        return out.read_text()


class Formats(TraceCase):
    def kept(self, name, text):
        """As kept in tests/trace; RIV_UPDATE_GOLDEN writes it anew."""
        file = KEPT / name
        if os.environ.get("RIV_UPDATE_GOLDEN"):
            file.write_text(text)
        self.assertEqual(text, file.read_text())

    def test_spike(self):
        self.kept("program.spike", self.trace("--traps", format="spike"))

    @unittest.skipIf(SANITIZED, "AddressSanitizer's shadow lies where an RV32 program's stack goes")
    def test_spike_of_rv32(self):
        program = assemble("program32", "-march=rv32gc", "-mabi=ilp32d")
        self.kept("program32.spike", self.trace("--traps", format="spike", program=program))

    def test_json(self):
        text = self.trace(format="json")
        for line in text.splitlines():
            json.loads(line)
        self.kept("program.json", text)

    def test_chrome(self):
        text = re.sub(r'"pid":\d+', '"pid":1', self.trace(format="chrome"))
        json.loads(text)
        self.kept("program.chrome", text)

    def test_qemu(self):
        self.kept("program.qemu", without_sp(self.trace(format="qemu", count=12)))

    @unittest.skipUnless(QEMU, "no qemu-riscv64")
    def test_qemu_as_qemu_writes_it(self):
        log = TRACE / "qemu.log"
        subprocess.run([QEMU, "-singlestep", "-d", "in_asm,cpu,nochain", "-D", log, self.program], env=CLEAN_ENV, check=True)
        self.assertEqual(without_sp(self.trace(format="qemu")), without_sp(log.read_text()))

    @unittest.skipIf(SANITIZED, "AddressSanitizer's shadow lies where an RV32 program's stack goes")
    @unittest.skipUnless(shutil.which("qemu-riscv32"), "no qemu-riscv32")
    def test_qemu_as_qemu_writes_it_for_rv32(self):
        program, log = assemble("program32", "-march=rv32gc", "-mabi=ilp32d"), TRACE / "qemu32.log"
        subprocess.run(["qemu-riscv32", "-singlestep", "-d", "in_asm,cpu,nochain", "-D", log, program], env=CLEAN_ENV,
                       check=True)
        self.assertEqual(without_sp(self.trace(format="qemu", program=program)), without_sp(log.read_text()))

    @unittest.skipUnless(QEMU, "no qemu-riscv64")
    def test_disassembly_of_a_c_program(self):
        """What both execute is written alike, whatever way they take through the C library."""
        log = TRACE / "show.log"
        subprocess.run([QEMU, "-singlestep", "-d", "in_asm,nochain", "-D", log, build_guest("show"), "env"], env=CLEAN_ENV,
                       stdout=subprocess.DEVNULL, check=False)
        theirs = {line[:18]: line for line in log.read_text().splitlines() if line.startswith("0x")}
        out = TRACE / "show.out"
        self.riv("trace", "--format=qemu", "-o", out, build_guest("show"), "env")
        ours = {line[:18]: line for line in out.read_text().splitlines() if line.startswith("0x")}
        both = theirs.keys() & ours.keys()
        self.assertGreater(len(both), 2000)
        self.assertEqual([ours[pc] for pc in sorted(both)], [theirs[pc] for pc in sorted(both)])

    def test_engines_agree(self):
        """Records do not depend on what executes; the environment is of the same size, as the stack lies below it."""
        for name in ("spike", "json"):
            texts = [self.trace(f"--engine={engine}", format=name, env={"RIV_HOSTILE": hostile})
                     for engine, hostile in (("interp", "0"), ("jit", "0"), ("jit", "7"))]
            self.assertEqual(texts[0], texts[1])
            self.assertEqual(texts[0], texts[2])


class Filters(TraceCase):
    def setUp(self):
        self.all = self.trace(format="spike").splitlines()

    def lines(self, *args, **kinds):
        return self.trace(*args, format="spike", **kinds).splitlines()

    def test_from_and_to(self):
        self.assertEqual(self.lines("--from", 5, "--to", 9), self.all[4:9])
        self.assertEqual(self.lines("--from=5", "--count=2"), self.all[4:6])
        self.assertEqual(self.lines("--to=3"), self.all[:3])

    def test_pc(self):
        def inside(line):
            return 0x10010 <= int(line.split()[3], 16) < 0x10020
        wanted = [line for line in self.all if inside(line)]
        self.assertGreater(len(wanted), 2)
        self.assertEqual(self.lines("--pc=0x10010-0x10020"), wanted)
        self.assertEqual(self.lines("--pc=0x10010-0x10020", "--to=1000"), wanted)
        self.assertEqual(self.lines("--pc=0x10010-0x10020", "--engine=interp"), wanted)
        self.assertEqual(self.lines("--pc=0x10010-0x10018", "--pc=0x10018-0x10020", "--count=3"), wanted[:3])

    def test_symbol(self):
        names = subprocess.run(["riscv64-linux-gnu-nm", "-S", self.program], capture_output=True, text=True, check=True)
        start, size = next(map(lambda n: int(n, 16), line.split()[:2]) for line in names.stdout.splitlines()
                           if line.endswith(" sum"))
        wanted = [line for line in self.all if start <= int(line.split()[3], 16) < start + size]
        self.assertGreater(len(wanted), 10)
        self.assertEqual(self.lines("--symbol=sum"), wanted)
        self.assertEqual(self.lines("--symbol=no_such_function"), [])

    def test_registers_are_known_where_the_filter_begins(self):
        whole = without_sp(self.trace(format="qemu")).splitlines()
        part = without_sp(self.trace("--symbol=tail_called", format="qemu")).splitlines()
        state = [i for i, line in enumerate(part) if line.startswith(" pc ")]
        at = whole.index(part[state[0]])
        self.assertEqual(part[state[0]:state[0] + 9], whole[at:at + 9])

    def test_privilege(self):
        self.assertEqual(self.lines("--privilege=u"), self.all)
        self.assertEqual(self.lines("--privilege=s,m"), [])


class Files(TraceCase):
    def test_compressed(self):
        plain = self.trace(format="spike")
        for suffix in ("gz", "zst"):
            out = TRACE / f"out.{suffix}"
            self.assertEqual(self.riv("trace", "--format=spike", "-o", out, self.program).returncode, 0)
            if suffix == "gz":
                text = gzip.decompress(out.read_bytes()).decode()
            else:
                text = subprocess.run(["zstd", "-dc", out], capture_output=True, text=True, check=True).stdout
            self.assertEqual(text, plain)

    def test_stdout_and_stderr(self):
        plain = self.trace(format="spike")
        self.assertEqual(self.riv("trace", "--format=spike", "-o", "-", self.program).stdout, plain)
        self.assertEqual(self.riv("trace", "--format=spike", self.program).stderr, plain)

    def test_messages(self):
        self.refused("trace", self.program, says="no trace format given")
        self.refused("trace", "--format=vhs", self.program, says="no trace format 'vhs'")
        self.refused("trace", "--format=spike", "--pc=5", self.program, says="LOW-HIGH")
        self.refused("trace", "--format=spike", "--count=0", self.program, says="a number from 1 on")
        self.refused("trace", "--format=spike", "--privilege=x", self.program, says="u, s and m")
        self.refused("trace", "--format=spike", "--traps=1", self.program, says="takes no value")
        self.refused("trace", "--format=spike", "--from", says="needs a value")
        self.refused("trace", "--format=spike", "--unknown", self.program, says="unknown option")
        self.refused("trace", "--format=spike", "-o", "/nonexistent/t", self.program, says="/nonexistent/t", status=1)
        self.refused("trace", "--format=spike", says="no program given")

    def test_full_disk(self):
        done = self.riv("trace", "--format=spike", "-o", "/dev/full", self.program)
        self.assertEqual(done.returncode, 0)
        self.assertIn("No space left", done.stderr)

    def test_help(self):
        done = self.riv("trace", "--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for word in ("spike", "qemu", "json", "chrome"):
            self.assertIn(word, done.stdout)
        options = re.findall(r"(?m)^  (--?[\w]+)", done.stdout)
        self.assertGreater(len(options), 8)
        for file in ("docs/riv-trace.1", "scripts/completion/riv.bash", "scripts/completion/_riv"):
            text = (ROOT / file).read_text().replace("\\-", "-")
            for option in options:
                self.assertRegex(text, r"(?<![\w-])" + re.escape(option) + r"(?!\w)", f"{option} in {file}")


ENDS = r"""
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
static int counter;
static sigjmp_buf back;
static void *count(void *arg) {
    for (int i = 0; i < 2000; i++)
        __atomic_fetch_add(&counter, 1, __ATOMIC_SEQ_CST);
    return NULL;
}
static void on_fault(int sig) { siglongjmp(back, 1); }
__attribute__((noinline)) void in_child(void) { counter++; }
__attribute__((noinline)) void last_words(void) { counter--; }
int main(int argc, char **argv) {
    pthread_t threads[3];
    if (strcmp(argv[1], "threads") == 0) {
        for (int i = 0; i < 3; i++)
            pthread_create(&threads[i], NULL, count, NULL);
        for (int i = 0; i < 3; i++)
            pthread_join(threads[i], NULL);
        return counter != 6000;
    }
    if (strcmp(argv[1], "fork") == 0) {
        pid_t child = fork();
        if (!child) {
            in_child();
            _exit(0);
        }
        waitpid(child, NULL, 0);
    }
    if (strcmp(argv[1], "jump") == 0) {
        signal(SIGSEGV, on_fault);
        if (!sigsetjmp(back, 1))
            *(volatile int *)8 = 1;
    }
    if (strcmp(argv[1], "spawn") == 0) {
        pid_t child = vfork();
        if (!child) {
            execl(argv[2], argv[2], (char *)0);
            _exit(127);
        }
        waitpid(child, NULL, 0);
    }
    if (strcmp(argv[1], "execve") == 0)
        execl(argv[2], argv[2], (char *)0);
    last_words();
    if (strcmp(argv[1], "die") == 0)
        *(volatile int *)8 = 1;
    return 0;
}
"""


class Ends(TraceCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.ends = compile_c("ends", ENDS)

    def run_ends(self, *args, name="spike", status=0, options=()):
        out = TRACE / f"out-{self._testMethodName}"
        done = self.riv("trace", f"--format={name}", "-o", out, *options, self.ends, *args)
        self.assertEqual(done.returncode, status, done.stderr)
        return out.read_text()

    def stacks(self, text):
        """Every B has its E; the names seen."""
        stacks, names = {}, set()
        for event in json.loads(text)["traceEvents"]:
            stack = stacks.setdefault(event["tid"], [])
            if event["ph"] == "B":
                stack.append(event["name"])
                names.add(event["name"])
            else:
                stack.pop()
        self.assertEqual([s for s in stacks.values() if s], [])
        return stacks, names

    def test_threads(self):
        cores = {}
        for line in self.run_ends("threads").splitlines():
            self.assertRegex(line, r"^core   \d: 0 0x[0-9a-f]{16} \(0x([0-9a-f]{4}|[0-9a-f]{8})\)")
            cores[line[:8]] = cores.get(line[:8], 0) + 1
        self.assertEqual(sorted(cores), ["core   0", "core   1", "core   2", "core   3"])
        self.assertTrue(all(n > 6000 for core, n in cores.items() if core != "core   0"))
        stacks, names = self.stacks(self.run_ends("threads", name="chrome"))
        self.assertEqual(sorted(stacks), [1, 2, 3, 4])
        self.assertIn("count", names)

    def test_child_is_not_traced(self):
        _, names = self.stacks(self.run_ends("fork", name="chrome"))
        self.assertIn("last_words", names)
        self.assertNotIn("in_child", names)

    def test_program_of_a_child_is_not_traced(self):
        text = self.run_ends("spawn", self.program)
        self.assertNotIn(self.trace(format="spike").splitlines()[40], text)
        ran = self.riv("trace", "--format=spike", "-o", "/dev/null", "--strace", self.ends, "spawn", self.program)
        self.assertEqual(ran.returncode, 0)
        self.assertIn("exit(0)", ran.stderr)

    def test_stderr_is_a_file(self):
        """Opening it again would cut off what is there."""
        path = TRACE / "stderr"
        with open(path, "w") as file:
            file.write("first line\n")
            file.flush()
            subprocess.run([RIV, "trace", "--format=spike", self.ends, "execve", self.program], stderr=file, env=CLEAN_ENV,
                           check=True)
        text = path.read_text()
        self.assertTrue(text.startswith("first line\ncore   0"))
        self.assertTrue(text.endswith(self.trace(format="spike")))

    def test_child_has_a_file_of_its_own(self):
        for old in TRACE.glob("by-process-*"):
            old.unlink()
        self.riv("trace", "--format=chrome", "-o", TRACE / "by-process-%p", self.ends, "fork")
        files = sorted(TRACE.glob("by-process-*"))
        self.assertEqual(len(files), 2)
        names = [self.stacks(file.read_text())[1] for file in files]
        self.assertEqual(sorted("in_child" in n for n in names), [False, True])

    def test_jump_out_of_a_handler(self):
        _, names = self.stacks(self.run_ends("jump", name="chrome"))
        self.assertLessEqual({"on_fault", "main", "last_words"}, names)

    def test_death_by_a_signal(self):
        lines = self.run_ends("die", options=["--traps"], status=-11).splitlines()
        self.assertIn("trap_store_page_fault", lines[-2])
        self.assertTrue(lines[-1].endswith("tval 0x0000000000000008"))

    def test_another_program(self):
        text = self.run_ends("execve", self.program)
        self.assertTrue(text.endswith(self.trace(format="spike")))
        self.assertGreater(len(text.splitlines()), 1000)
        self.stacks(self.run_ends("execve", self.program, name="chrome"))


if __name__ == "__main__":
    unittest.main()

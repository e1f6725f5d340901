#!/usr/bin/env python3
"""riv trace on ROMs: both engines tell the same; privileges, traps, interrupts and CSRs in every format; filters."""
import json
import re
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from riv_case import CLEAN_ENV, RIV, SANITIZED, WORK, RivCase  # noqa: E402

# Nothing in them depends on time, one hart.
SAME = ["hello", "traps", "traps32", "paging39", "paging32", "smc32", "fp"]
SPIN = re.compile(r'.*"insn":"0xa001".*\n')  # the wait for power-off, as long as it takes


class TraceRom(RivCase):
    @classmethod
    def setUpClass(cls):
        if not all(Path(RIV).with_name(name).exists() for name in ("riv-trace", "riv-boot")):
            raise unittest.SkipTest("riv trace or riv boot is not part of this build")
        WORK.mkdir(parents=True, exist_ok=True)

    def trace(self, rom, *args, **options):
        out = WORK / f"rom-{self._testMethodName}"
        done = subprocess.run([RIV, "trace", "-o", out, *(f"--{k}={v}" for k, v in options.items()), *args, rom],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100, check=False, env=CLEAN_ENV)
        self.assertEqual(done.returncode, 0, done.stderr)
        return out.read_text()

    def test_engines_agree(self):
        for rom in SAME if not SANITIZED else ["traps"]:
            with self.subTest(rom=rom):
                jit, interp = (SPIN.sub("", self.trace(f"rom:{rom}", f"--engine={e}", format="json")) for e in ("jit", "interp"))
                self.assertGreater(len(jit.splitlines()), 1000)
                self.assertTrue(jit == interp, "the traces differ")

    def test_what_json_has(self):
        seen, last = set(), None
        for line in self.trace("rom:traps", format="json").splitlines():
            o = json.loads(line)
            seen |= {"priv " + o["priv"]} | ({f"trap {o['trap']}"} if "trap" in o else set())
            seen |= {f"interrupt {o['interrupt']}"} if "interrupt" in o else set()
            seen |= {f"csr {name}" for name in o.get("csr", {})}
            if last and last.get("asm") == "mret":
                self.assertIn("mstatus", last["csr"])
            last = o if not {"trap", "interrupt"} & set(o) else None
        self.assertLessEqual({"priv m", "priv s", "priv u", "trap 2", "trap 3", "trap 5", "trap 7", "trap 8", "trap 9", "trap 11",
                              "interrupt 1", "interrupt 3", "csr mtvec", "csr medeleg", "csr mie", "csr sstatus"}, seen)

    def test_what_spike_has(self):
        lines = self.trace("rom:traps", "--traps", format="spike").splitlines()
        digits, traps = set(), set()
        for i, line in enumerate(lines):
            m = re.fullmatch(r"core   0: ([013]) 0x[0-9a-f]{16} \(0x(?:[0-9a-f]{4}|[0-9a-f]{8})\)"
                             r"((?: +[xfc][0-9a-z_]+ +0x[0-9a-f]+)*)((?: mem 0x[0-9a-f]+(?: 0x[0-9a-f]+)?)*)", line)
            if m:
                digits.add(m[1])
                self.assertNotRegex(line, "c256_sstatus")  # Spike shows mstatus
                continue
            t = re.fullmatch(r"core   0: exception (trap_[a-z_]+|interrupt #\d+), epc 0x[0-9a-f]{16}", line)
            if t:
                traps.add(t[1])
                has_tval = lines[i + 1].startswith("core   0:           tval 0x")
                self.assertEqual(has_tval, "ecall" not in t[1] and "interrupt" not in t[1], line)
            else:
                self.assertRegex(line, r"core   0:           tval 0x[0-9a-f]{16}")
        self.assertEqual(digits, {"0", "1", "3"})
        self.assertLessEqual({"trap_user_ecall", "trap_supervisor_ecall", "trap_machine_ecall", "interrupt #1", "interrupt #3"},
                             traps)
        self.assertTrue(any(re.search(r"\(0x30200073\) c768_mstatus 0x", line) for line in lines))

    def test_first_floating_point_makes_fs_dirty(self):
        """Once, with the instruction that does it (privileged manual, "Extension Context Status in mstatus")."""
        for engine in ("jit", "interp"):
            lines = [json.loads(line) for line in self.trace("rom:fp", f"--engine={engine}", format="json").splitlines()]
            dirtied = [o for o in lines if "f" in o and "mstatus" in o.get("csr", {})]
            self.assertEqual([o["csr"]["mstatus"][-4:-3] for o in dirtied], ["6"] * len(dirtied))

    def test_filters(self):
        user = self.trace("rom:traps", format="spike", privilege="u").splitlines()
        self.assertTrue(user and all(line.startswith("core   0: 0 ") for line in user))
        supervisor = [json.loads(line)["priv"] for line in self.trace("rom:traps", format="json", privilege="s,u").splitlines()]
        self.assertEqual(set(supervisor), {"s", "u"})
        whole = self.trace("rom:traps", format="spike").splitlines()
        one = self.trace("rom:traps", format="spike", symbol="rom_main")
        self.assertTrue(one.splitlines() == [line for line in whole if line in set(one.splitlines())])
        self.assertEqual(len(self.trace("rom:traps", format="spike", count=7).splitlines()), 7)
        self.assertEqual(self.trace("rom:traps", format="spike", **{"from": 101, "to": 110}).splitlines(), whole[100:110])

    def test_timeline(self):
        open_events, names = [], set()
        for event in json.loads(self.trace("rom:traps", format="chrome"))["traceEvents"]:
            if event["ph"] == "B":
                open_events.append(event["name"])
                names.add(event["name"])
            else:
                open_events.pop()
        self.assertEqual(open_events, [])
        self.assertLessEqual({"rom_main", "rom_trap", "s_handler", "user_calls"}, names)

    def test_qemu_format(self):
        text = self.trace("rom:traps32", format="qemu")
        self.assertRegex(text, r"IN: rom_main\nPriv: 3; Virt: 0\n0x80[0-9a-f]{6}:  ")
        self.assertRegex(text, r"Priv: 0; Virt: 0")

    def test_several_harts_and_boot_options(self):
        text = self.trace("rom:smp", "boot", "--smp=2", format="json", symbol="rom_main")
        self.assertTrue({json.loads(line)["hart"] for line in text.splitlines()} <= {0, 1})
        self.assertIn('"hart":0', text)

    def test_mistakes(self):
        for args, message in ((["--format=json", "rom:nothing"], "no ROM called nothing"),
                              (["--format=json", "boot"], "nothing to run"),
                              (["--format=json", "--bogus", "rom:hello"], "unknown option '--bogus'")):
            done = self.riv("trace", "-o", "/dev/null", *args)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(message, done.stderr)


if __name__ == "__main__":
    unittest.main()

"""--stats: every instruction is counted once, whoever ran it, and every way out of generated code has its name."""
import json
import re
import unittest

from riv_case import RivCase, build_guest

BUSY, SHOW = build_guest("busy"), build_guest("show")
REASONS = {"direct", "indirect", "poll", "trap", "fence_i", "exclusive", "interpret", "unboxed", "fault", "record", "count", "wfi", "mode"}


class Stats(RivCase):
    def counts(self, *args, engine, hostile=0, env=None):
        # the guest sees the environment and its start-up code walks through it: always the same variables
        done = self.riv(f"--engine={engine}", "--stats=json", *args, env={"RIV_HOSTILE": str(hostile), **(env or {})})
        return json.loads(done.stderr)

    def test_interpreted_and_translated_are_all(self):
        for args in ([BUSY], [SHOW, "args", "x"], [SHOW, "stack", "100000"]):
            total = self.counts(*args, engine="interp")
            self.assertEqual(total["translated"], 0)
            self.assertGreater(total["interpreted"], 10000)
            for hostile in range(8):
                with self.subTest(args=args, hostile=hostile):
                    done = self.counts(*args, engine="jit", hostile=hostile)
                    self.assertEqual(done["interpreted"] + done["translated"], total["interpreted"])

    def test_hot_code_is_translated(self):
        done = self.counts(BUSY, engine="auto")
        self.assertLess(done["interpreted"], (done["interpreted"] + done["translated"]) / 100)
        self.assertEqual((done["failed_blocks"], done["single_steps"]), (0, 0))

    def test_every_reason_is_there(self):
        self.assertEqual(set(self.counts(BUSY, engine="jit")["leaves"]), REASONS)

    def test_text_adds_up(self):
        for hostile in ("0", "7"):
            text = self.riv("--engine=jit", "--stats", BUSY, env={"RIV_HOSTILE": hostile}).stderr
            left = int(re.search(r"(?m)^left generated code +(\d+)$", text).group(1))
            reasons = re.findall(r"(?m)^  (\S.*?) +(\d+)$", text)
            self.assertGreater(left, 0)
            self.assertEqual(sum(int(n) for _, n in reasons), left, text)
            self.assertEqual(len({name for name, _ in reasons}), len(reasons), text)

    def test_helpers_are_counted(self):
        """Rounding to nearest, ties away (RMM) is not a mode of the host's: helpers do it."""
        rmm = build_guest("rmm")
        self.assertGreater(self.counts(rmm, engine="jit")["helper_calls"], 1000)

    def test_singles_that_are_not_boxed_stay_in_generated_code(self):
        unboxed = build_guest("unboxed")
        done = self.counts(unboxed, engine="jit")
        self.assertLess(done["single_steps"], 100)
        self.assertGreater(done["translated"], 100 * done["interpreted"])
        self.assertEqual(self.riv("--engine=jit", unboxed).stdout, self.riv("--engine=interp", unboxed).stdout)


unittest.main(verbosity=2)

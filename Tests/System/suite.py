#!/usr/bin/env python3
"""Runs the black-box suite on the machine it stands on: suite.py [Class[.test]...]. One line a test, then the sum."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


class Lines(unittest.TestResult):
    """A line for each test; what failed is told at once."""

    def startTest(self, test):
        super().startTest(test)
        self.before = len(self.failures) + len(self.errors)

    def stopTest(self, test):
        bad = (self.failures + self.errors)[self.before:]
        skipped = [reason for skipped, reason in self.skipped if skipped is test]
        word = "failed" if bad else "skipped" if skipped else "passed"
        print(f"{word}: {test.id()}" + (f" ({skipped[0]})" if skipped else ""), flush=True)
        for failing, trace in bad:
            print(f"--- {failing}\n{trace}", flush=True)
        self.bad = getattr(self, "bad", 0) + bool(bad)
        super().stopTest(test)


def main():
    loader = unittest.TestLoader()
    modules = ("test_verbs", "test_walls", "test_faults")
    if sys.argv[1:]:
        names = [f"{module}.{name}" for name in sys.argv[1:] for module in modules
                 if hasattr(__import__(module), name.split(".")[0])]
        suite = loader.loadTestsFromNames(names)
    else:
        suite = loader.loadTestsFromNames(modules)
    result = Lines()
    suite.run(result)
    bad = getattr(result, "bad", 0)
    print(f"{result.testsRun - bad - len(result.skipped)} passed, {bad} failed, {len(result.skipped)} skipped")
    return 1 if bad or result.testsRun == 0 else 0


sys.exit(main())

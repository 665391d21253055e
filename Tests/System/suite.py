#!/usr/bin/env python3
"""Runs the black-box suite on the machine it stands on: suite.py [Class[.test]...]. One line a test, then the sum."""

import os
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


class Lines(unittest.TestResult):
    """A line for each test; what failed is told at once."""

    bad = 0

    def startTest(self, test):
        super().startTest(test)
        self.traces, self.reason = [], None

    def addFailure(self, test, err):
        self.traces.append(self._exc_info_to_string(err, test))

    addError = addFailure

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self.traces.append(f"{subtest}\n" + self._exc_info_to_string(err, test))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.reason = reason

    def stopTest(self, test):
        word = "failed" if self.traces else "skipped" if self.reason else "passed"
        print(f"{word}: {test.id()}" + (f" ({self.reason})" if self.reason else ""), flush=True)
        for trace in self.traces:
            print(trace, flush=True)
        self.bad += bool(self.traces)
        super().stopTest(test)


def main():
    loader = unittest.TestLoader()
    modules = ("test_verbs", "test_walls", "test_more", "test_faults", "test_network", "test_rows")
    # Only by name: these need the virtual machine.
    others = ("test_limits", "test_reboot")
    if sys.argv[1:]:
        names = [f"{module}.{name}" for name in sys.argv[1:] for module in modules + others
                 if hasattr(__import__(module), name.split(".")[0])]
        suite = loader.loadTestsFromNames(names)
    else:
        suite = loader.loadTestsFromNames(modules)
    result = Lines()
    suite.run(result)
    print(f"{result.testsRun - result.bad - len(result.skipped)} passed, {result.bad} failed, {len(result.skipped)} skipped")
    return 1 if result.bad or result.testsRun == 0 else 0


sys.exit(main())

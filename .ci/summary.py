"""Print the number of passed, failed and skipped tests in all parts of .ci/run.

Each part leaves its exit status in NAME.status, and one that runs pytest a NAME.xml (JUnit). A part
that fails without a failed test counts as one failure. The exit status is 1 if anything failed.
"""

import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree


def main() -> None:
    """Sum up the folder that is named on the command line."""
    total: Counter[str] = Counter()
    for status in sorted(Path(sys.argv[1]).glob("*.status")):
        counts = count_tests(status.with_suffix(".xml"))
        if status.read_text().strip() != "0":
            print(f"{status.stem} failed")
            counts["failed"] = max(counts["failed"], 1)
        total += counts
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    sys.exit(total["failed"] > 0)


def count_tests(file: Path) -> Counter[str]:
    """Numbers of passed, failed and skipped tests in a JUnit file; none without the file."""
    counts: Counter[str] = Counter()
    if not file.exists():
        return counts
    for suite in ElementTree.parse(file).iter("testsuite"):
        failed = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
        skipped = int(suite.attrib["skipped"])
        counts += Counter(
            passed=int(suite.attrib["tests"]) - failed - skipped, failed=failed, skipped=skipped
        )
    return counts


if __name__ == "__main__":
    main()

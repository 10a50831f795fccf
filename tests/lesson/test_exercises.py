"""The checks of the exercises: correct solutions pass, wrong ones get a useful message."""

import ast
import doctest
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SOLUTIONS = (ROOT / "tests/exercise_solutions.py").read_text()
WRONG = [
    ("- 1) // stride + 1", ") // stride + 1", "output_size(7, 1, stride=1"),
    ("dilation * (size - 1) // 2", "size // 2", "same_padding(3, dilation=2): yours is 1"),
    (
        "transpose(2, 0, 1, 3, 4)",
        "transpose(0, 2, 1, 3, 4)",
        "im2col, size=2, stride=1, dilation=1: ",
    ),
    ("met += by_element[", "met[:] = by_element[", "col2im, size=2, stride=1, dilation=1: "),
    (
        "+ self.bias[:, np.newaxis]",
        "",
        r"MyConvolution\.fprop: \d+ of \d+ numbers differ; the first at \[0, \d, 0, 0\] is",
    ),
    (
        ".reshape(number, -1, rows, columns).swapaxes(0, 1)",
        ".reshape(number, -1, rows, columns)",
        "yours has shape (4, 2, 6, 7), expected (2, 4, 6, 7)",
    ),
    ("grads.sum(axis=1)]", "grads.mean(axis=1)]", "MyConvolution.grads_wrt_params, bias: "),
    ("stride * (rows - 1) + 1, left", "rows, left", "im2col, size=3, stride=2"),
    ("grads_wrt_outputs / self.size**2", "grads_wrt_outputs", "MyAveragePooling(size=2, stride=2)"),
    ("return [grads[:, :, np.newaxis, np.newaxis]]", "return grads", "expected a list of 1"),
    ("grads = np.zeros_like(self.kernels)", "return None", "MyDepthwiseConvolution.grads_wrt"),
]
"""A line of the solutions, what becomes of it, and what must be said (a pattern or the text)."""


def check(folder: Path, layers: str) -> subprocess.CompletedProcess[str]:
    """Run the checks on `layers`, the text of my_layers.py."""
    checks = (ROOT / "exercises/test_my_layers.py").read_text()
    (folder / "test_my_layers.py").write_text(checks)
    (folder / "my_layers.py").write_text(layers)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs", "."],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "scripts")},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_right_solutions_pass(tmp_path: Path) -> None:
    done = check(tmp_path, SOLUTIONS)
    assert done.returncode == 0, done.stdout
    assert re.search(r"= 25 passed in", done.stdout)


def test_what_is_not_written_is_skipped(tmp_path: Path) -> None:
    done = check(tmp_path, (ROOT / "exercises/my_layers.py").read_text())
    assert done.returncode == 0, done.stdout
    assert re.search(r"= 25 skipped in", done.stdout)
    assert "exercise 8 is not written yet" in done.stdout


def test_a_correct_im2col_counts_by_itself(tmp_path: Path) -> None:
    skeleton = (ROOT / "exercises/my_layers.py").read_text()
    names = {"output_size", "_met", "im2col"}
    parts = [part for part in ast.parse(SOLUTIONS).body if getattr(part, "name", "") in names]
    solved = "\n\n".join(filter(None, (ast.get_source_segment(SOLUTIONS, p) for p in parts)))
    done = check(tmp_path, f"{skeleton}\n\n{solved}\n")
    # Output sizes, and im2col in exercises 3 and 5; all others are not written.
    assert re.search(r"= 8 passed, 17 skipped in", done.stdout), done.stdout


def test_the_worked_examples_are_correct(tmp_path: Path) -> None:
    skeleton = (ROOT / "exercises/my_layers.py").read_text().replace('"""', "")
    solutions: dict[str, Any] = {}
    exec(compile(SOLUTIONS, "exercise_solutions.py", "exec"), solutions)
    examples = doctest.DocTestParser().get_doctest(skeleton, solutions, "my_layers", None, 0)
    assert len(examples.examples) == 2
    assert doctest.DocTestRunner().run(examples).failed == 0


@pytest.mark.parametrize(("right", "wrong", "said"), WRONG)
def test_a_wrong_solution_is_told_what_is_wrong(
    right: str, wrong: str, said: str, tmp_path: Path
) -> None:
    assert right in SOLUTIONS
    done = check(tmp_path, SOLUTIONS.replace(right, wrong, 1))
    assert done.returncode == 1, done.stdout
    assert said in done.stdout or re.search(said, done.stdout), done.stdout
    assert "Traceback" not in done.stdout

"""The methods of docs/your_own_layer.md: a file and a line each, and everything has them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from workflow_tree import ROOT, copy_of_the_tree, environment, read_csv, snakemake

PAGE = (ROOT / "docs/your_own_layer.md").read_text()
FILES = dict(re.findall(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", PAGE, re.S))
"""Text of the page's files by path."""
METHODS = "scripts/convnets/architectures/methods.py"
SMALL = """
epochs: 2
data:
  source: glyphs
  glyphs: {train: 282, test: 94}
  split: {train: 188, validation: 94, test: 94}
architecture: {filters: 16}
variants:
  depthwise_2: {method: depthwise}
tables:
  blurring:
    rows:
      - {label: [blur], variants: [blur_pool_3]}
      - {label: [depthwise], variants: [depthwise_2]}
figures:
  figure_blurring:
    curves:
      - {label: blur, variants: [blur_pool_3]}
      - {label: depthwise, variants: [depthwise_2]}
"""
"""Fewer images than on the page, and the second method."""
AGREEMENT = """
import torch
from torch.utils.flop_counter import FlopCounterMode
from convnets.architectures.variant import Variant
from convnets.training.kernels.modules import fuse
from convnets.training.network import build_network, class_scores

for variant in (
    Variant("blur_pool_3", "blur_pool", filters=16, pool_size=3, pool_stride=2),
    Variant("depthwise_2", "depthwise", filters=16, bias=True),
):
    network, fused = (build_network(variant, seed=0) for _ in range(2))
    images = torch.randint(256, (8, 28, 28), dtype=torch.uint8)
    with FlopCounterMode(display=False) as counter:
        scores = class_scores(network, images)
    assert counter.get_total_flops() == 8 * 2 * variant.multiply_adds
    assert sum(weights.numel() for weights in network.parameters()) == variant.parameters
    fuse(fused, torch.float32)
    torch.testing.assert_close(class_scores(fused, images), scores)
    for module in (network, fused):
        class_scores(module, images).square().sum().backward()
    for ours, theirs in zip(fused.parameters(), network.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-4)
    fuse(bfloat16 := build_network(variant, seed=0), torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        class_scores(bfloat16.to(memory_format=torch.channels_last), images).sum().backward()
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with both methods of the page."""
    tree = copy_of_the_tree(tmp_path_factory.mktemp("own") / "tree")
    methods = (tree / METHODS).read_text()
    for path, text in FILES.items():
        if path != METHODS:
            (tree / path).write_text(text)
    for line in (FILES[METHODS], '    "depthwise",\n'):
        methods = methods.replace('    "mix_pool",\n', f'    "mix_pool",\n{line}')
    (tree / METHODS).write_text(methods)
    (tree / "small.yaml").write_text(SMALL)
    return tree


def run(tree: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command],
        cwd=tree,
        env=environment() | {"PYTHONPATH": "scripts"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_files_of_the_page_are_clean(tree: Path) -> None:
    files = [path for path in FILES if path.endswith(".py")]
    assert len(files) == 3
    run(tree, "-m", "ruff", "check", *files)
    run(tree, "-m", "ruff", "format", "--check", *files)


def test_networks_are_what_their_variants_say_with_and_without_kernels(tree: Path) -> None:
    run(tree, "-c", AGREEMENT)


def test_the_documentation_has_the_methods_and_their_keys(tree: Path) -> None:
    run(tree, "-m", "tools.document_config")
    readme = (tree / "config/README.md").read_text()
    assert "| `blur_pool` | Blur pooling: the mean of each window with binomial" in readme
    for text in (readme, (tree / "config/schema.json").read_text()):
        assert all(name in text for name in ("blur_pool", "depthwise", "depthwise_stride"))
        assert "Stride of the depthwise convolution." in text


@pytest.mark.workflow
def test_the_methods_are_trained_tested_tabulated_drawn_and_analysed(tree: Path) -> None:
    done = snakemake(tree, "--configfile", "config/blur.yaml", "small.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    results = tree / "results/blur"
    table = (results / "tables/blurring.md").read_text()
    assert "| blur |" in table and "| depthwise |" in table
    for analysis in ("accuracies", "receptive_fields", "pareto", "curves"):
        rows = read_csv(results / f"analyses/{analysis}.csv")
        assert {row["variant"] for row in rows} == {"blur_pool_3", "depthwise_2"}
        drawn = (results / f"figures/analysis_{analysis}.svg").read_text()
        assert "#882255" in drawn or analysis == "receptive_fields"
    curves = (results / "figures/figure_blurring.svg").read_text()
    assert "#882255" in curves and "#44aa99" in curves
    labels = {row["label"] for row in read_csv(results / "analyses/pareto.csv")}
    expected = {"blur pooling, F = 3, 16 filters, pool stride 2", "depthwise stride 2, 16 filters"}
    assert {label.replace("\N{NO-BREAK SPACE}", " ") for label in labels} == expected
    page = (results / "report.html").read_text()
    assert "blur pooling" in page and "depthwise stride" in page

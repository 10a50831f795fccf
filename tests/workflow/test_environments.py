"""The conda environments hold what the scripts of their rules import, in the locked versions."""

import ast
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

SCRIPTS = Path("scripts")
RULES = "\n".join(file.read_text() for file in Path("workflow/rules").glob("*.smk"))
ENVIRONMENTS = {"TRAINING_ENV": "training", "ANALYSIS_ENV": "analysis"}
PACKAGE_OF_MODULE = {"PIL": "pillow", "yaml": "pyyaml", "IPython": "ipykernel"}
LOCK = Path("requirements.lock").read_text().lower().splitlines()


def pins(environment: str) -> list[str]:
    """What pip installs in an environment, such as `numpy==2.4.6`."""
    content = yaml.safe_load(Path(f"envs/{environment}.yaml").read_text())
    (with_pip,) = (item["pip"] for item in content["dependencies"] if isinstance(item, dict))
    return list(with_pip)


def packages(modules: set[str]) -> set[str]:
    """The packages that provide `modules`, without the standard library and this one."""
    foreign = modules - set(sys.stdlib_module_names) - {"convnets", "__future__"}
    return {PACKAGE_OF_MODULE.get(module, module) for module in foreign}


def imported(script: str, *notebooks: str) -> set[str]:
    """Top-level modules that a script, what it imports of ours, and notebooks import."""
    waiting, seen = [SCRIPTS / script, *map(Path, notebooks)], set[Path]()
    modules: set[str] = set()
    while waiting:
        file = waiting.pop()
        if file in seen:
            continue
        seen.add(file)
        for name in imports(file):
            modules.add(name.split(".")[0])
            parts = name.split(".")
            for length in range(1, len(parts) + 1):
                base = SCRIPTS.joinpath(*parts[:length])
                candidates = (base / "__init__.py", base.with_suffix(".py"))
                waiting += [path for path in candidates if path.is_file()]
    return modules


def imports(file: Path) -> set[str]:
    """Dotted names that a script, module or notebook imports anywhere.

    Of the modules of methods only the imports at their top count: their functions import PyTorch
    to build a network, which only scripts do that import `convnets.training.network`.
    """
    source = file.read_text()
    if file.suffix == ".ipynb":
        cells = [cell for cell in json.loads(source)["cells"] if cell["cell_type"] == "code"]
        source = "\n".join("".join(cell["source"]) for cell in cells)
    names = set()
    tree = ast.parse(source)
    for node in tree.body if file.parent.name == "architectures" else ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def rules() -> list[tuple[str, str]]:
    """Environment and script of each rule that has a script."""
    blocks = re.split(r"^rule ", RULES, flags=re.MULTILINE)[1:]
    found = []
    for block in blocks:
        script = re.search(r"python scripts/(\w+\.py)", block)
        if script:  # rules without an environment of their own have that for analyses
            environment = re.search(r"conda:\s+(\w+)", block)
            name = environment[1] if environment else "ANALYSIS_ENV"
            found.append((ENVIRONMENTS[name], script[1]))
    return found


def test_every_script_of_a_rule_is_looked_at() -> None:
    assert {script for _, script in rules()} == set(re.findall(r"python scripts/(\w+\.py)", RULES))


@pytest.mark.parametrize(("environment", "script"), rules())
def test_an_environment_has_what_its_scripts_import(environment: str, script: str) -> None:
    notebooks = ["report/report.ipynb"] if script == "render_page.py" else []
    available = {pin.split("==")[0] for pin in pins(environment)}
    assert packages(imported(script, *notebooks)) - available == set()


@pytest.mark.parametrize("environment", ENVIRONMENTS.values())
def test_environments_have_the_locked_versions(environment: str) -> None:
    assert not [pin for pin in pins(environment) if pin.lower() not in LOCK]


def test_the_lock_holds_what_the_project_asks_for() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    assert not [pin for pin in wanted if pin.lower() not in LOCK]


def test_a_pin_takes_the_build_that_a_further_index_offers(tmp_path: Path) -> None:
    (torch,) = [pin for pin in pins("training") if pin.startswith("torch==")]
    version = torch.split("==")[1]
    write_wheel(tmp_path, "torch", version)
    write_wheel(tmp_path, "torch", f"{version}+cu999")
    pip = [sys.executable, "-m", "pip", "install", "--isolated", "--quiet", "--ignore-installed"]
    tell = ["--dry-run", "--report", "-", "--no-deps", "--no-index", "--find-links", str(tmp_path)]
    done = subprocess.run([*pip, *tell, torch], capture_output=True, check=True)
    (taken,) = json.loads(done.stdout)["install"]
    assert taken["metadata"]["version"].endswith("+cu999")


def write_wheel(folder: Path, name: str, version: str) -> None:
    """A wheel that holds nothing but its description."""
    described = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        wheel.writestr(f"{described}/METADATA", metadata)
        wheel.writestr(f"{described}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{described}/RECORD", "")


def test_the_workflow_needs_what_comes_with_snakemake_only() -> None:
    common = Path("workflow/rules/common.smk").read_text()
    modules = re.findall(r"^from (convnets\S*) import", common, re.MULTILINE)
    assert modules
    missing = ("numpy", "pandas", "torch", "scipy", "matplotlib", "filelock")
    hide = f"sys.modules.update(dict.fromkeys({missing}))"
    lines = ["import sys", "sys.path.insert(0, 'scripts')", hide]
    lines += [f"import {module}" for module in modules]
    subprocess.run([sys.executable, "-c", "; ".join(lines)], check=True)

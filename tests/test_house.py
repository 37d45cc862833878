"""The house itself: pins, paths, commands, saved notebooks."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
GENERATED = {".git", ".venv", "reports", "collected", "__pycache__", ".pytest_cache", ".hypothesis", "build",
             ".ipynb_checkpoints"}
# Written in pieces, so that this file does not find itself.
MACHINE = re.compile("|".join([r"(?<![\w.])/" + r"(?:root|home/\w+|Users/\w+|work)/", r"\b[A-Z]:\\" + "Users",
                               r"/tmp/" + "ipykernel", "py" + r"pi\.org", "python" + "hosted", r"file://" + "/opt"]))


def committed():
    """Text files that are, or would be, committed."""
    for path in sorted(ROOT.rglob("*")):
        inside = path.relative_to(ROOT).parts
        if path.is_file() and not GENERATED & set(inside) and not any(p.endswith(".egg-info") for p in inside):
            try:
                yield path, path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


@pytest.mark.parametrize("name", ["requirements.txt", "tests/requirements.txt", "benchmarks/requirements.txt",
                                  "collecting/requirements.txt"])
def test_every_requirement_is_pinned(name):
    path = ROOT / name
    if not path.exists():
        pytest.skip(f"no {name}")
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    loose = [line for line in lines if not re.fullmatch(r"[\w.\-\[\],]+==[\w.]+", line)]
    assert loose == (["-e ."] if name == "requirements.txt" else [])


def test_no_file_names_a_machine_or_a_package_host():
    found = {str(path.relative_to(ROOT)): MACHINE.findall(text)[:3] for path, text in committed() if MACHINE.search(text)}
    assert not found


@pytest.mark.skipif(not shutil.which("make"), reason="no make here")
@pytest.mark.parametrize("word, line", [
    ("ARTICLE=x", "ARTICLE= is not a setting here: use ARTICLES CODEBOOK GOLD OUT TITLE ONLY LINKS FROM INTO LIMIT LOCAL "
     "CONTACT PYTHON."),
    ("PYTHON=no-such-python", "Python is missing: install Python 3.11 or newer")])
def test_a_wrong_argument_gets_one_line(tmp_path, word, line):
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    run = subprocess.run(["make", "report", word], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)
    assert run.returncode == 2 and line in run.stderr and "Traceback" not in run.stderr


def test_a_wrong_path_gets_one_line(build):
    run = build(ARTICLES="no/such/folder")
    assert run.returncode == 2
    assert run.stderr == "ARTICLES=no/such/folder: there is no such file or folder\n" and run.stdout == ""


def test_commands_are_there():
    makefile = (ROOT / "Makefile").read_text()
    for target in ("report", "test", "lab", "bench", "notebooks", "collect", "convert", "clean", "help"):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_saved_notebook_is_a_clean_run(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert "widgets" not in notebook.metadata and "version" not in notebook.metadata.language_info
    for cell in code:
        assert set(cell.metadata) <= {"tags", "jupyter"}
        for output in cell.outputs:
            assert output.output_type != "error" and output.get("name") != "stderr", cell.source[:200]
            assert not any("widget-view" in kind for kind in output.get("data", ()))
            for kind in output.get("data", ()):
                if kind.startswith("image/"):
                    assert output.metadata.get(kind, {}).get("alt", "").strip(), f"no alt text: {cell.source[:200]}"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_says_what_a_report_needs(path):
    cells = nbformat.read(path, as_version=4).cells
    assert cells[0].cell_type == "markdown" and re.match(r"# \S", cells[0].source)
    known = {"finding", "main-chart", "evidence", "exercise", "solution", "state-of-play", "raises-exception"}
    assert {tag for cell in cells for tag in cell.metadata.get("tags", ())} <= known

"""Every notebook as a lesson, and each of its exercises: the folded solution is right, an empty answer is noticed, a wrong one
raises nothing."""

import ast
import builtins
import re
from functools import lru_cache
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent
SOLUTION = re.compile(r"<details><summary>Solution</summary>\s+```python\n(.*?)```.*</details>", re.DOTALL)


def exercises(path):
    """(exercise cell, the Markdown after it) for each code cell tagged exercise that calls check."""
    cells = [*nbformat.read(path, as_version=4).cells, nbformat.v4.new_markdown_cell()]
    return [(cell.source, after.source) for cell, after in zip(cells, cells[1:])
            if cell.cell_type == "code" and "exercise" in cell.metadata.get("tags", ()) and "check(" in cell.source]


ALL = pytest.mark.parametrize("path, exercise, after", [
    pytest.param(path, *pair, id=f"{path.stem}-{number}") for path in sorted((ROOT / "notebooks").glob("*.ipynb"))
    for number, pair in enumerate(exercises(path), 1)])


def bound(tree):
    """Every name that a piece of code gives a meaning itself: assigned, defined or an argument."""
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)} | {
        n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)} | {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}


def missing(tree):
    """Names that it takes from elsewhere."""
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - bound(tree)


@lru_cache
def surroundings(path, source):
    """A namespace with what an exercise needs of its notebook: the imports, and the cells that define what it uses."""
    others = [ast.parse(cell.source) for cell in nbformat.read(path, as_version=4).cells
              if cell.cell_type == "code" and "exercise" not in cell.metadata.get("tags", ())]
    space, wanted, needed = {}, [ast.parse(source)], []
    for node in (node for tree in others for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))):
        exec(compile(ast.Module([node], []), path.name, "exec"), space)
    while wanted:
        used = missing(wanted.pop()) - set(space) - set(dir(builtins))
        found = [tree for tree in others if tree not in needed and used & bound(tree)]
        needed, wanted = needed + found, wanted + found
    for tree in sorted(needed, key=others.index):
        exec(compile(tree, path.name, "exec"), space)
    return space


def run(path, exercise, answer=""):
    """Run an exercise with what the answer defines in place of what it defines itself."""
    answered, asked = ast.parse(answer), ast.parse(exercise)
    kept = [node for node in asked.body if not (isinstance(node, ast.FunctionDef) and node.name in bound(answered))]
    exec(compile(ast.Module(answered.body + kept, []), path.name, "exec"), dict(surroundings(path, f"{exercise}\n{answer}")))


@ALL
def test_the_folded_solution_is_right(path, exercise, after, capsys):
    solution = SOLUTION.search(after)
    assert solution, "no folded solution with code after this exercise"
    run(path, exercise, solution[1])
    assert capsys.readouterr().out.splitlines()[-1].startswith("Right")


@ALL
def test_an_empty_answer_is_noticed(path, exercise, after, capsys):
    run(path, exercise)
    assert capsys.readouterr().out.splitlines()[-1] == "Nothing filled in yet."


@ALL
def test_a_wrong_answer_raises_nothing(path, exercise, after, capsys):
    (name,) = (node.name for node in ast.parse(exercise).body if isinstance(node, ast.FunctionDef))
    for body in ("raise KeyError('x')", "return object()", "return [None, 'x']", "return float('nan')", "return 1 / 0"):
        run(path, exercise, f"def {name}(*given, **more):\n    {body}")
        assert "cases differ" in capsys.readouterr().out


@pytest.mark.parametrize("path", sorted((ROOT / "notebooks").glob("*.ipynb")), ids=lambda path: path.stem)
def test_a_notebook_is_a_lesson(path):
    cells = nbformat.read(path, as_version=4).cells
    asked = [cell for cell in cells if "exercise" in cell.metadata.get("tags", ())]
    for part in ("**Question.**", "**You will learn**", "**Guess first.**", "**Data.**", "**Limits.**"):
        assert part in cells[0].source
    assert any("## Where this fails" in cell.source for cell in cells)
    assert cells[-1] not in asked and cells[-1].source.startswith("## Further reading\n")
    assert not any("Further reading" in cell.source for cell in asked)
    titles = [(title, i) for i, cell in enumerate(asked) for title in re.findall(r"^### (Exercise .*)", cell.source, re.MULTILINE)]
    assert 2 <= len(titles) <= 4
    for (title, first), (_, last) in zip(titles, [*titles[1:], ("", len(asked))]):
        assert re.search(r"\(\d+ (minutes|hours)(, open)?\)$", title), title
        folded = "Hints" if title.endswith("open)") else "Solution"
        assert sum(f"<summary>{folded}</summary>" in cell.source for cell in asked[first:last]) == 1, title


def test_the_answer_key_has_every_open_exercise():
    key = set(re.findall(r"^## (\d\d), exercise (\d)", (ROOT / "docs" / "answers.md").read_text("utf-8"), re.MULTILINE))
    assert key == {(path.stem[:2], number) for path in (ROOT / "notebooks").glob("*.ipynb")
                   for cell in nbformat.read(path, as_version=4).cells
                   for number in re.findall(r"^### Exercise (\d).*, open\)$", cell.source, re.MULTILINE)}

"""Every notebook, executed in order: on the default articles as saved, on one page, on a part of a real export."""

import gzip
import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from conftest import REAL, real_records

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PAGE = """A meeting hangs on the lists

No meeting before the lists are exchanged, the ministry says.

12 views

Norland will not meet Estria before the lists are exchanged, a spokesman said on Monday.

"We demand the lists first," he said. Estria rejected the demand."""


def run(path, articles=None, gold=None):
    """The notebook after a run from a fresh kernel, with ARTICLES and GOLD set or not."""
    notebook = nbformat.read(path, as_version=4)
    settings = {"ARTICLES": str(articles) if articles else "", "CODEBOOK": "", "GOLD": str(gold) if gold else "",
                "MPLBACKEND": "agg", "TQDM_DISABLE": "1"}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}},
                   extra_arguments=["--log-level=50"]).execute(env=os.environ | settings)
    return notebook


def outputs(notebook):
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            yield cell, output


def texts(notebook):
    """What a run prints and displays as text; object addresses left out."""
    found = []
    for _, output in outputs(notebook):
        if any("widget-view" in kind for kind in output.get("data", {})):
            continue                                            # a widget leaves nothing in a saved notebook
        for kind in ("text/markdown", "text/html", "text/plain"):
            if kind in output.get("data", {}):
                found.append(re.sub(r"0x[0-9a-f]{6,}", "0x", output["data"][kind]))
        found.append(output.get("text", ""))
    return found


def assert_clean(notebook):
    for cell, output in outputs(notebook):
        assert output.output_type != "error" and output.get("name") != "stderr", f"{cell.source}\n{output}"
        for kind in output.get("data", {}):
            if kind.startswith("image/"):
                assert output.metadata[kind]["alt"].strip(), cell.source


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_default_articles_give_what_is_saved(path, report):
    again = nbformat.read(report / "notebooks" / path.name, as_version=4)
    assert_clean(again)
    assert texts(again) == texts(nbformat.read(path, as_version=4))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_one_page_without_date_or_outlet(path, tmp_path):
    page = tmp_path / "page.txt"
    page.write_text(PAGE, "utf-8")
    assert_clean(run(path, page))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_real_articles_that_nobody_here_wrote(path, tmp_path):
    real_records()                                              # skips where they are not present
    part = tmp_path / "part.jsonl"
    with gzip.open(REAL / "news_export.jsonl.gz", "rt", encoding="utf-8") as lines:
        part.write_text("".join(line for i, line in enumerate(lines) if i % 9 == 0), "utf-8")
    assert_clean(run(path, part))


def test_the_first_notebook_on_the_article_this_began_with():
    seed = REAL / "seed_article.txt"
    if not seed.exists():
        pytest.skip("the seed article is not here")
    assert_clean(run(NOTEBOOKS[0], seed))

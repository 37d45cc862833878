"""What was planted in the teaching corpus is found again.

The measuring code stands in notebooks/07_outlets.ipynb, where readers learn from it; its saved table is read here, and
test_notebooks.py holds the saved outputs against a fresh run.
"""

import re
from io import StringIO
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from helpers import load_articles, near_duplicates

ROOT = Path(__file__).resolve().parent.parent
PLAN = pd.read_csv(ROOT / "data" / "gold" / "planted.csv", dtype="str", keep_default_na=False).set_index("id")
TOO_FEW = r"too few: (\d+) articles? against (\d+), power (\d\.\d+)"


def outputs(kind):
    notebook = nbformat.read(ROOT / "notebooks" / "07_outlets.ipynb", as_version=4)
    return [output.data[kind] for cell in notebook.cells for output in cell.get("outputs", ()) if kind in output.get("data", ())]


@pytest.fixture(scope="module")
def found():
    tables = [pd.read_html(StringIO(html))[0] for html in outputs("text/html") if "<th>verdict</th>" in html]
    assert len(tables) == 1
    return tables[0].set_index("id")


def test_every_row_of_the_plan_is_measured(found):
    assert found.index.tolist() == PLAN.index.tolist()
    assert (found["power"].fillna(-1) == pd.to_numeric(PLAN["power"]).fillna(-1)).all()


@pytest.mark.parametrize("row", PLAN.index[PLAN.index.str.startswith("N")])
def test_planted_nulls_stay_null(found, row):
    assert found.loc[row, "low"] <= 0 <= found.loc[row, "high"] and found.loc[row, "verdict"] == "null, as planted"


@pytest.mark.parametrize("row", PLAN.index[PLAN.index.str.startswith("P")])
def test_planted_differences_are_found_or_the_corpus_is_too_small(found, row):
    """The right sign and an interval without zero; or so few articles that not even the expected size could show."""
    low, high = (int(PLAN.loc[row, "sign"]) * found.loc[row, edge] for edge in ("low", "high"))
    if few := re.fullmatch(TOO_FEW, found.loc[row, "verdict"]):
        assert min(int(few[1]), int(few[2])) < 2 and float(few[3]) < 0.5 and pd.isna(low)
    else:
        assert low > 0 and high > 0 and found.loc[row, "verdict"] == "found"


@pytest.mark.parametrize("row", PLAN.index[PLAN["expected_size"].eq("present") | PLAN.index.str.startswith("T")])
def test_planted_pages_are_found(found, row):
    assert found.loc[row, "verdict"] == "found"


def test_the_planted_copies_are_the_near_duplicates_and_no_others(found):
    pairs = near_duplicates(load_articles(ROOT / "data" / "articles"))
    copies = PLAN[PLAN.index.str.fullmatch(r"D\d")]
    assert {frozenset(pair) for pair in zip(pairs["article_a"], pairs["article_b"])} == {
        frozenset({f"{a}.txt", f"{b}.txt"}) for a, b in zip(copies["group_a"], copies["group_b"])}
    assert ((found.loc[copies.index, "found"] - copies["expected_size"].astype(float)).abs() < 0.1).all()


def test_what_stands_and_was_not_planted_has_been_looked_at():
    tables = [html for html in outputs("text/html") if "<th>why</th>" in html]
    assert len(tables) == 1 and "Nobody has looked at it yet" not in tables[0]

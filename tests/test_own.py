"""Articles of one's own: the worked example, its codebook, coding sheets and the way back, notebook 11 with its knobs turned."""

import os
import re
import shutil

import nbformat
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbclient import NotebookClient

import helpers
from conftest import REAL, ROOT, real_records
from helpers import (against_gold, agreement, as_articles, coding_sheet, find_mentions, find_quotes, find_statements, load_articles,
                     load_codebook, load_gold, measure_as_coded, problems, tokenize, validity, write_gold)

EXAMPLE = ROOT / "data" / "example"
NOTEBOOK = ROOT / "notebooks" / "11_your_articles.ipynb"
MARK = "Composed for teaching; this outlet does not exist"


@pytest.fixture(scope="module")
def city():
    codebook = load_codebook(EXAMPLE / "codebook")
    return load_articles(EXAMPLE / "articles", codebook=codebook), codebook


# ---------------------------------------------------------------- the worked example

def test_the_example_says_what_it_is(city):
    articles, _ = city
    assert len(articles) == 6 and articles["composed"].all() and problems(articles).empty
    assert articles["outlet"].value_counts().tolist() == [2, 2, 2] and articles["published"].notna().all()
    assert articles["url"].str.fullmatch(r"https://\w+\.invalid/\S+").all()
    for page in (EXAMPLE / "articles").glob("*.txt"):
        lines = page.read_text("utf-8").strip().split("\n")
        assert lines[0] == lines[-1] == MARK


@pytest.mark.parametrize("name", ["actors", "sides", "stances", "issues", "naming", "events"])
def test_the_template_explains_its_columns(name):
    """The first lines of each file are the only manual that somebody with a spreadsheet sees."""
    comments = " ".join(line for line in (EXAMPLE / "codebook" / f"{name}.csv").read_text("utf-8").splitlines() if line.startswith("#"))
    assert not [column for column in helpers.CODEBOOK_COLUMNS[name] if not re.search(rf"\b{column}s?\b", comments)]


def test_positions_of_the_example(city):
    """Read by hand: the council turns from refusing the tax to accepting it, the mayor from refusing mediation to accepting it."""
    articles, codebook = city
    tokens = tokenize(articles, codebook)
    mentions = find_mentions(articles, tokens, codebook)
    held = find_statements(articles, tokens, mentions, find_quotes(articles, tokens, mentions, codebook), codebook)
    early = held["article_id"].str.contains("2025-10-0")        # the first reports, before anybody moved
    mean = held.assign(early=early).groupby(["side", "issue", "early"])["position"].mean()
    assert mean["Council", "property tax", True] < 0 < mean["Council", "property tax", False]
    assert mean["City Hall", "mediation", True] == -1
    assert (held.loc[held["article_id"].str.contains("10-24|10-31") & (held["side"] == "City Hall") & (held["issue"] == "mediation"),
                     "position"] == 1).all()


def test_every_notebook_reads_the_example(build, tmp_path):
    """Another subject: nothing fails, and no page speaks of the parties of the teaching corpus."""
    run = build(ARTICLES=EXAMPLE / "articles", CODEBOOK=EXAMPLE / "codebook", OUT=tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr
    sides = load_codebook(ROOT / "data" / "codebook").sides
    parties = sides.loc[sides["role"] == "party", "side"]
    for page in (page for page in tmp_path.glob("*.html") if page.name[:2] not in ("00", "08")):    # these show the project's own gold
        text = re.sub(r"<(style|script|pre)\b.*?</\1>|<[^>]+>", " ", page.read_text("utf-8"), flags=re.DOTALL)
        assert not [side for side in parties if re.search(rf"\b{side}\b", text)], page.name


# ---------------------------------------------------------------- coding by hand

def corpus(sizes):
    outlets = [f"outlet {i}" for i, size in enumerate(sizes) for _ in range(size)]
    return as_articles(pd.DataFrame({"article_id": [str(i) for i in range(len(outlets))], "outlet": outlets,
                                     "body": ["Norhaven asks for talks. Estburg is silent."] * len(outlets)}))


@settings(deadline=None, derandomize=True, max_examples=20)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(1, 40), st.integers(0, 5))
def test_a_draw_is_in_proportion(sizes, n, seed):
    articles = corpus(sizes)
    sheet = coding_sheet(articles, n, seed)
    n = min(n, len(articles))
    drawn = sheet.drop_duplicates("article_id")["outlet"].value_counts()
    assert drawn.sum() == n
    for i, size in enumerate(sizes):
        assert abs(drawn.get(f"outlet {i}", 0) - n * size / sum(sizes)) < 2     # its share, up to rounding at both ends


def test_a_sheet_is_the_text_sentence_by_sentence(city):
    articles, codebook = city
    sheet = coding_sheet(articles, 4, codebook=codebook)
    assert sheet.equals(coding_sheet(articles, 4, codebook=codebook)) and len({*coding_sheet(articles, 2, seed=1)["article_id"]}) == 2
    text = articles.set_index("article_id")["text"]
    assert all(text[row.article_id][row.start:row.end] == row.sentence for row in sheet.itertuples())
    assert sheet.columns[-4:].tolist() == ["mentions", "quotes", "statements", "tone"] and (sheet.iloc[:, -4:] == "").all(axis=None)


BODY = ('Mayor Ilse Lind rejected the property tax. "We demand the night buses," Lind said. The rain went on. '
        'The council accepts the mediation.')


@pytest.fixture
def filled(city):
    """One made-up article and its sheet, coded as a careful reader would."""
    articles = as_articles(pd.DataFrame({"article_id": ["a"], "outlet": ["The Lantern"], "published": ["2025-10-06"], "body": [BODY]}))
    sheet = coding_sheet(articles, 1, codebook=city[1])
    assert len(sheet) == 4
    sheet["mentions"] = ["", "", "", "council = City Council"]
    sheet["quotes"] = ["", "We demand the night buses = speech = Lind", "", ""]
    sheet["statements"] = ["reject = Ilse Lind = property tax = -1", "demand = = night buses = 1 | doubt = Lind = = 0", "",
                           "agree = City Council = mediation = 1"]
    sheet["tone"] = ["-1", "0", "0", "1"]
    return articles, sheet


def test_filled_sheets_become_gold(filled, city, tmp_path):
    """Through a spreadsheet's CSV and back: the rows that load_gold knows, and a measure of how right the measures are."""
    articles, sheet = filled
    sheet.to_csv(tmp_path / "a.csv", index=False, encoding="utf-8-sig")
    again = pd.read_csv(tmp_path / "a.csv", dtype="str", encoding="utf-8-sig", keep_default_na=False)
    other = again.assign(tone=["-1", "0", "0", "0"])
    write_gold(tmp_path / "gold", articles, {"coder_a": again, "coder_b": other})
    texts, coded = load_gold(tmp_path / "gold")
    assert texts["text"].tolist() == articles["text"].tolist() and texts["half"].tolist() == ["all"]
    gold = coded["adjudicated"]
    assert [BODY[row.start:row.end] for row in gold["mentions"].itertuples()] == ["council"]
    assert [BODY[row.start:row.end] for row in gold["quotes"].itertuples()] == ["We demand the night buses"]
    assert gold["statements"]["stance"].tolist() == ["reject", "demand", "doubt", "agree"]
    assert gold["statements"]["issue"].isna().tolist() == [False, False, True, False]
    found = measure_as_coded(texts, city[1])
    rows = validity(*against_gold(found, gold, "quotations", city[1])).set_index("measure")
    assert rows.loc["precision", "value"] == rows.loc["recall", "value"] == 1
    mentions = validity(*against_gold(found, gold, "mentions", city[1]), on=["article_id", "start", "end", "actor"]).set_index("measure")
    assert mentions.loc["recall", "value"] == 1 and mentions.loc["precision", "n"] == 2    # "Mayor" is an actor's row, not coded
    tone = agreement(coded["coder_a"]["tone"], coded["coder_b"]["tone"]).set_index("measure")
    assert tone.loc["per cent, tone", "value"] == 0.75


@pytest.mark.parametrize("cell, value, allowed", [
    ("mentions", "council", "words = actor"), ("mentions", "Council = City Council", "words as they stand"),
    ("quotes", "the mediation = speech", "words = kind = speaker"), ("quotes", "council = said = it", "kind one of speech"), ("tone", "3", "tone one of -2"), ("statements", "agree = City Council", "stance = holder = issue = position")])
def test_a_cell_that_cannot_be_read_is_named(filled, tmp_path, cell, value, allowed):
    articles, sheet = filled
    sheet.loc[3, cell] = value
    with pytest.raises(ValueError, match=f"coder_a, row 5, {cell}: found '{value}'; allowed: .*{allowed}"):
        write_gold(tmp_path, articles, {"coder_a": sheet})


# ---------------------------------------------------------------- the notebook

def run(settings, knobs):
    """Notebook 11 with some of its assignments replaced; everything that it shows, as one text."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for name, value in knobs.items():
        hits = [cell for cell in notebook.cells if re.search(rf"^{name} = ", cell.source, re.MULTILINE)]
        assert len(hits) == 1
        hits[0].source = re.sub(rf"^{name} = [^#\n]*", lambda _: f"{name} = {value!r} ", hits[0].source, flags=re.MULTILINE)
    env = {"CODEBOOK": "", "GOLD": "", "MPLBACKEND": "agg", **settings}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(NOTEBOOK.parent)}},
                   extra_arguments=["--log-level=50"]).execute(env=os.environ | env)
    shown = [output.get("data", {}).get("text/markdown") or output.get("data", {}).get("text/html") or output.get("text", "")
             for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n".join(shown)


def test_a_mixed_folder_is_told_apart(tmp_path):
    """Pages in two languages, a failed address, a file that is no page: each is said; and what is asked for is written."""
    folder, mine = tmp_path / "collected", tmp_path / "mine"
    shutil.copytree(EXAMPLE / "articles", folder)
    shutil.copy(EXAMPLE / "articles.csv", tmp_path)
    (folder / "rat.txt").write_text("Der Rat will die Busse behalten\n\n" + "Der Rat der Stadt will die Busse in der Nacht behalten und lehnt "
                                    "eine höhere Steuer ab, wie ein Sprecher sagte. Niemand kennt die Kasse. " * 2, "utf-8")
    (folder / "notes.pdf").write_bytes(b"%PDF")
    (folder / "articles.csv").write_text(
        "file,outlet,published,url,fetched,status\nrat.txt,Der Bote,2025-10-08,https://bote.invalid/1,2025-10-09,200\n"
        ",,,https://bote.invalid/2,2025-10-09,404 Not Found\n", "utf-8")
    settings = {"ARTICLES": str(folder), "CODEBOOK": str(EXAMPLE / "codebook")}
    shown = run(settings, {"MINE": str(mine), "ACCEPT": [0], "WAYS": ["blocks", "dask"]})
    assert "not a format that is read" in shown and "404 Not Found" in shown and "1 of 2 addresses or rows gave no article" in shown
    assert "1 have fewer than 22% stopwords" in shown and "Articles read: 7" in shown
    assert "**blocks**: the same table" in shown
    assert re.search(r"\*\*dask\*\*(: the same table| cannot be shown here)", shown)
    assert len(load_articles(mine / "english.jsonl")) == 6
    rows = len(pd.read_csv(ROOT / "data" / "codebook" / "furniture.csv", comment="#"))
    shutil.copytree(EXAMPLE / "codebook", mine / "codebook", dirs_exist_ok=True)
    assert len(load_codebook(mine / "codebook").furniture) == rows + 1

    sheet = pd.read_csv(mine / "coder_a.csv", dtype="str", encoding="utf-8-sig", keep_default_na=False)
    assert sheet["article_id"].nunique() == 7
    for coder in ("coder_a", "coder_b"):
        sheet.assign(tone="0").to_csv(mine / f"{coder}.csv", sep=";", index=False, encoding="utf-8-sig")   # as a spreadsheet may save it
    run(settings, {"MINE": str(mine)})
    assert pd.read_csv(mine / "coder_a.csv", sep=";", encoding="utf-8-sig")["tone"].eq(0).all()            # not drawn anew
    texts, coded = load_gold(mine / "gold")
    assert len(texts) == 7 and len(coded["coder_b"]["tone"]) == len(sheet)


def test_languages_in_a_real_export(tmp_path):
    """The export calls every record English; some are not, and their letters say so: a check that shares nothing with stopwords."""
    records = real_records()
    articles = load_articles(REAL / "news_export.jsonl.gz")
    tokens = tokenize(articles)
    words = tokens[helpers.is_word(tokens)]
    share = words["lower"].isin(load_codebook().stopwords["word"]).groupby(words["article_id"], observed=True).mean()
    text = articles.set_index("article_id")["text"].loc[share.index.astype(str)]
    umlauts = (text.str.count("[äöüßÄÖÜ]") / text.str.len()).to_numpy() > 0.005
    assert umlauts.any() and len(articles) == len(records)
    assert ((share.to_numpy() < 0.22) == umlauts).mean() > 0.99

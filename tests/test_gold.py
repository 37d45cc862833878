"""Hand-coded answers: well-formed, loaded, compared; the figures on real records are those of the code."""

from pathlib import Path

import krippendorff
import nbformat
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import measure_real
from conftest import REAL
from helpers import (LEVELS, SPAN, against_gold, agreement, align, as_articles, coder_agreement, correlation, how_well,
                     load_articles, load_codebook, load_gold, macro_f1, marked, measure_as_coded, validity_by_level)
from test_notebooks import assert_clean, run, texts

DATA = Path(__file__).resolve().parent.parent / "data"
GOLD = DATA / "gold"
CODERS = ("coder_a", "coder_b", "adjudicated")
EXPORT = REAL / "news_export.jsonl.gz"


@pytest.fixture(scope="module")
def codebook():
    return load_codebook()


@pytest.fixture(scope="module", params=["composed", "real"])
def gold(request):
    """(articles, tables) of the coded pages, and of the coded real records where their texts are at hand."""
    if request.param == "composed":
        return load_gold(GOLD)
    if not EXPORT.exists():
        pytest.skip("the real news export is not here")
    return load_gold(GOLD / "real", articles=load_articles(EXPORT))


def write(folder, texts, **tables):
    """A folder of coded answers: texts, and tables named coder__table."""
    pd.DataFrame(texts).to_csv(folder / "texts.csv", index=False)
    for name, rows in tables.items():
        coder, table = name.split("__")
        (folder / coder).mkdir(exist_ok=True)
        pd.DataFrame(rows).to_csv(folder / coder / f"{table}.csv", index=False)
    return folder


# -- what was coded -----------------------------------------------------------------------------------------------------

def test_frozen_texts_are_what_the_loader_reads():
    """A page that changed after it was coded would move every offset."""
    frozen, read = load_gold(GOLD)[0], load_articles(DATA / "articles")
    assert len(frozen) == 20 and frozen["article_id"].is_unique and frozen["composed"].all()
    read = read.set_index("article_id").reindex(frozen["article_id"])
    for column in ("title", "lead", "body", "text", "outlet"):
        assert read[column].fillna("").tolist() == frozen[column].fillna("").tolist(), column


def test_halves_are_drawn_within_outlets(gold):
    articles, _ = gold
    assert articles["half"].value_counts().to_dict() == {"developing": 10, "sealed": 10}
    if articles["composed"].all():
        halves = pd.crosstab(articles["outlet"], articles["half"])
        assert (halves > 0).all(axis=None) and ((halves["developing"] - halves["sealed"]).abs() <= 1).all()


@pytest.mark.parametrize("coder", CODERS)
def test_spans_and_codes_are_those_of_the_manual(gold, codebook, coder):
    articles, coded = gold
    tables, actors = coded[coder], set(codebook.actors["actor"]) - {"-"}
    legal = {"mentions": {"actor": actors}, "evaluations": {"actor": actors, "evaluation": {-1, 0, 1}, "evaluator": {"narrator", "speaker"}},
             "quotes": {"kind": {"speech", "fragment", "label", "indirect"},
                        "speaker_type": {"official", "military", "expert", "organisation", "ordinary", "unnamed"}},
             "statements": {"stance": set(codebook.stances["stance"]), "holder": actors, "issue": set(codebook.issues["issue"]),
                            "position": {-1, 0, 1}, "modality": {"fact", "possible", "future", "past"}},
             "tone": {"tone": {-2, -1, 0, 1, 2}}}
    text = articles.set_index("article_id")["text"]
    sentences = set(tables["tone"][[*SPAN]].itertuples(index=False, name=None))
    for name, columns in legal.items():
        table = tables[name]
        surface = [text[a][s:e] for a, s, e in table[[*SPAN]].itertuples(index=False, name=None)]
        assert all(words == words.strip() and words for words in surface), (name, surface)
        for column, allowed in columns.items():
            assert set(table[column].dropna()) <= allowed, (name, column)
        if name in ("statements", "evaluations"):
            assert set(table[[*SPAN]].itertuples(index=False, name=None)) <= sentences, name
    assert not tables["statements"].duplicated(["article_id", "start", "stance", "holder", "issue"]).any()
    assert not tables["tone"].duplicated([*SPAN]).any() and set(tables["tone"]["article_id"]) == set(articles["article_id"])


def test_conditions_stand_in_their_text(gold):
    """The condition lies in the article, and is marked where and only where the statement is conditional."""
    articles, coded = gold
    length = articles.set_index("article_id")["text"].str.len()
    for coder in CODERS:
        rows = coded[coder]["statements"]
        has = rows["condition_start"].notna()
        assert (rows.loc[has, "conditional"]).all()
        inside = (rows["condition_start"] < rows["condition_end"]) & (rows["condition_end"] <= rows["article_id"].map(length))
        assert inside[has].all()


def test_figures_on_real_records_are_those_of_the_code():
    if not EXPORT.exists():
        pytest.skip("the real news export is not here")
    saved = pd.read_csv(measure_real.FIGURES, keep_default_na=False, na_values={c: [""] for c in ("value", "low", "high")})
    pd.testing.assert_frame_equal(measure_real.measured(EXPORT), saved, check_dtype=False, atol=0.0011)


# -- loading ------------------------------------------------------------------------------------------------------------

TEXTS = {"article_id": ["a"], "title": ["Norland waits"], "lead": [""], "body": ["Estria agreed."]}


def test_one_coder_without_halves_is_enough(tmp_path):
    folder = write(tmp_path, TEXTS, coder_a__mentions={"article_id": ["a"], "start": [0], "end": [7], "actor": ["Norland"]})
    articles, coded = load_gold(folder)
    assert articles["half"].tolist() == ["all"] and list(coded) == ["coder_a", "adjudicated"]
    assert coded["adjudicated"]["mentions"]["actor"].tolist() == ["Norland"] and "tone" not in coded["adjudicated"]


@pytest.mark.parametrize("rows, error", [
    ({"article_id": ["a"], "start": [0], "end": [99], "actor": ["x"]}, "coder_a/mentions.csv, line 2: a has no text from 0 to 99"),
    ({"article_id": ["b"], "start": [0], "end": [1], "actor": ["x"]}, "coder_a/mentions.csv, line 2: b has no text from 0 to 1"),
    ({"article_id": ["a"], "start": [0], "end": [1]}, "coder_a/mentions.csv has no column actor")])
def test_a_wrong_row_gets_one_clear_error(tmp_path, rows, error):
    with pytest.raises(ValueError, match=error):
        load_gold(write(tmp_path, TEXTS, coder_a__mentions=rows))


def test_no_texts_no_coder_and_lost_words_are_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="no texts.csv"):
        load_gold(tmp_path)
    with pytest.raises(FileNotFoundError, match="no coder"):
        load_gold(write(tmp_path, TEXTS))
    write(tmp_path, {"article_id": ["a"], "sha256": ["0" * 64]})
    with pytest.raises(ValueError, match="1 of 1 coded texts are not among the articles"):
        load_gold(tmp_path, articles=as_articles(pd.DataFrame(TEXTS)))
    with pytest.raises(ValueError, match="hashes, not words"):
        load_gold(tmp_path)


# -- comparing ----------------------------------------------------------------------------------------------------------

def spans(*bounds, article="a"):
    return pd.DataFrame([{"article_id": article, "start": s, "end": e} for s, e in bounds], columns=SPAN)


@pytest.mark.parametrize("start, end, least, moved, reason", [
    (0, 10, 0.8, (0, 10), "the same"), (0, 9, 0.8, (0, 10), "nine of ten characters"), (0, 7, 0.8, (0, 7), "seven of ten are too few"),
    (8, 14, 0, (0, 10), "two characters shared with each, more of the shorter"), (40, 45, 0, (40, 45), "nothing there"),
    (13, 14, 0, (12, 30), "a word and its sentence")])
def test_align_by_hand(start, end, least, moved, reason):
    got = align(spans((start, end)), spans((0, 10), (12, 30)), least).iloc[0]
    assert (got["start"], got["end"]) == moved, reason


def test_align_of_nothing_and_to_nothing():
    assert len(align(spans(), spans((0, 3)))) == 0
    assert align(spans((0, 3)), spans())["end"].tolist() == [3] and align(spans((0, 3)), spans((0, 3), article="b"))["end"].tolist() == [3]


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 9)), min_size=1, max_size=6), st.sampled_from([0, 0.8]))
@settings(deadline=None, derandomize=True, max_examples=60)
def test_aligning_twice_moves_nothing_more(bounds, least):
    found, onto = spans(*[(s, s + n) for s, n in bounds]), spans((0, 10), (12, 30), (31, 33))
    once = align(found, onto, least)
    pd.testing.assert_frame_equal(align(once, onto, least), once)


def test_marked_by_hand():
    """Words at 0-3, 4-8 and 9-12; a span from 5 to 10 touches two of them, one that ends at 4 does not."""
    words = spans((0, 3), (4, 8), (9, 12))
    assert marked(words, spans((5, 10))).tolist() == [False, True, True]
    assert marked(words, spans((0, 4))).tolist() == [True, False, False]
    assert not marked(words, spans((0, 99), article="b")).any() and len(marked(spans(), spans())) == 0


@pytest.fixture(scope="module")
def small(codebook):
    """Three articles with all that the measures find in them: gold that is right by construction."""
    names = [a for a in codebook.actors.query("kind == 'state' and form == 'name'")["actor"].drop_duplicates()][:2]
    bodies = [f"{names[i % 2]} rejected the ceasefire. “We will return,” {names[0]} said. {names[1]} said that a ceasefire was near. A terrible day." for i in range(6)]
    articles = as_articles(pd.DataFrame({"article_id": list("abcdef"), "body": bodies})).assign(half="all")
    found = measure_as_coded(articles, codebook)
    gold = found | {"tone": found["tone"].assign(tone=1), "evaluations": found["evaluations"].assign(evaluation=0)}
    return articles, found, gold


@pytest.mark.parametrize("level", LEVELS)
def test_what_is_found_agrees_with_itself(small, codebook, level):
    _, found, gold = small
    got, coded = against_gold(found, gold, level, codebook)
    assert len(coded) and got.to_dict("records") == coded.to_dict("records")


def test_each_level_sees_its_own_error(small, codebook):
    """Another holder is an error from "holders" on, another speaker for "voices" alone."""
    articles, found, gold = small
    other = {"holder": "nobody", "speaker": "nobody"}
    changed = gold | {name: gold[name].assign(**{k: v for k, v in other.items() if k in gold[name]}) for name in ("quotes", "statements")}
    f1 = validity_by_level(articles, {"adjudicated": changed}, codebook).query("measure == 'F1'").set_index("level")["value"]
    assert f1[["mentions", "quotations", "reports", "stances"]].dropna().eq(1).all() and f1["mentions"] == 1
    assert f1[["voices", "holders", "statements"]].eq(0).all()


def test_macro_f1_by_hand():
    """Bad: 10 coded, 10 found, 5 of them right; neither: 10 coded, 10 found, 5 right; good: 2 coded are too few."""
    gold = pd.Series([-1] * 10 + [0] * 10 + [1] * 2)
    found = pd.Series([-1] * 5 + [0] * 5 + [0] * 5 + [-1] * 5 + [1] * 2)
    row = macro_f1("F1", found, gold, pd.Series(["a", "b"] * 11))
    assert row["value"] == 0.5 and np.isnan(row["low"])
    assert row["note"] == "good coded fewer than 10 times; 2 articles are too few for an interval"
    none = macro_f1("F1", found[:12], gold[:12], pd.Series(["a"] * 12))
    assert np.isnan(none["value"]) and none["note"] == "neither coded fewer than 10 times; good coded fewer than 10 times"


def test_correlation_is_pandas_correlation():
    x, y = pd.Series([0.1, 0.4, -0.3, 0.9, 0.0, 0.2]), pd.Series([0, 1, -2, 1, 1, -1])
    row = correlation("r", x, y, pd.Series(list("abcdef")))
    assert row["value"] == pytest.approx(x.corr(y)) and row["low"] <= row["value"] <= row["high"]
    assert correlation("r", x * 0, y, pd.Series(list("abcdef")))["note"] == "only one code was used"


@given(st.lists(st.tuples(st.integers(-2, 2), st.integers(-2, 2)), min_size=2, max_size=30))
@settings(deadline=None, derandomize=True, max_examples=60)
@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_alpha_is_that_of_the_package(level, codes):
    """Against Castro's krippendorff, on any codes of two coders."""
    a, b = ([pair[i] for pair in codes] for i in (0, 1))
    units = pd.DataFrame({"article_id": "a", "start": range(len(codes)), "end": 1})
    value = agreement(units.assign(code=a), units.assign(code=b), level=level).set_index("measure")["value"]["alpha, code"]
    if len({*a, *b}) < 2:
        assert np.isnan(value)
    else:
        assert value == pytest.approx(krippendorff.alpha([a, b], level_of_measurement=level))


def test_two_like_coders_agree_and_a_missing_table_is_left_out(codebook):
    articles, coded = load_gold(GOLD)
    part = {name: coded["coder_a"][name] for name in ("mentions", "tone")}
    table = coder_agreement(articles, part, part, codebook).set_index("measure")
    assert table.loc[["alpha, mentioned", "alpha, actor", "alpha, tone"], "value"].eq(1).all()
    assert not any("quoted" in name or "stance" in name for name in table.index)
    assert not len(coder_agreement(articles, {}, {}, codebook))


def test_agreement_falls_when_one_coder_misses_half(codebook):
    articles, coded = load_gold(GOLD)
    a = {"mentions": coded["coder_a"]["mentions"]}
    value = [coder_agreement(articles, a, {"mentions": a["mentions"].iloc[::step]}, codebook).set_index("measure")["value"]["alpha, mentioned"]
             for step in (1, 2, 4)]
    assert 1 == value[0] > value[1] > value[2] > 0


def test_the_sentence_beside_a_chart(tmp_path, codebook):
    assert "no hand-coded articles are here" in how_well("mentions", codebook, folder=tmp_path).data
    folder = write(tmp_path, TEXTS, coder_a__mentions={"article_id": ["a"], "start": [0], "end": [7], "actor": ["Norland"]})
    assert "not coded by hand" in how_well("statements", codebook, folder=folder).data
    assert "on 1 hand-coded article," in how_well("mentions", codebook, folder=folder).data
    assert "on 10 hand-coded articles" in how_well("mentions", codebook, folder=GOLD).data


# -- notebook 08 --------------------------------------------------------------------------------------------------------

NOTEBOOK = Path(__file__).resolve().parent.parent / "notebooks" / "08_does_it_measure.ipynb"
CELLS = [cell for cell in nbformat.read(NOTEBOOK, as_version=4).cells if "exercise" in cell.metadata.get("tags", [])]


@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell.cell_type == "code"], ids=lambda cell: cell.id)
def test_a_folded_solution_solves_its_exercise(cell, capsys):
    """The cell as it is says that nothing is filled in; with the solution after it, its own check says that all is right."""
    told = CELLS[CELLS.index(cell) + 1].source
    solution = told.split("```python\n")[1].split("```")[0]
    exec(f"from helpers import check\n{cell.source}\n{solution}\n{cell.source[cell.source.index('check('):]}", {})
    assert capsys.readouterr().out.splitlines() == ["Nothing filled in yet.", "Right, in all cases."]


@pytest.mark.parametrize("given", ["one coder", "mentions alone"])
def test_the_notebook_on_a_small_sample_of_ones_own(given, tmp_path):
    """Three pages, one coder, no halves: it runs to its end and says what it cannot compute."""
    pages = pd.read_csv(GOLD / "texts.csv").drop(columns="half").iloc[:3]
    tables = {path.stem: pd.read_csv(path).loc[lambda rows: rows["article_id"].isin(pages["article_id"])]
              for path in sorted((GOLD / "coder_a").glob("*.csv"))}
    kept = tables if given == "one coder" else {"mentions": tables["mentions"]}
    write(tmp_path, pages, **{f"coder_a__{name}": table for name, table in kept.items()})
    again = run(NOTEBOOK, articles=DATA / "articles" / pages["article_id"][0], gold=tmp_path)
    assert_clean(again)
    told = " ".join(texts(again))
    assert "one pass only" in told and "No share is corrected here" in told

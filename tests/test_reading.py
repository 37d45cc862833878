"""Reading closely, trust and showing: concordance, keyness, near-duplicates, intervals, agreement, evidence, check."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import helpers
from helpers import (agreement, as_articles, check, concordance, evidence, find_terms, keyness, load_codebook, measure_articles,
                     near_duplicates, say, share, show, tokenize, validity)

HOSTILE = "<script>alert(1)</script> **bold** $x^2$ [link](javascript:alert(1)) =1+1"


def articles_of(*bodies, **columns):
    return as_articles(pd.DataFrame({"article_id": [f"a{i}" for i in range(len(bodies))], "body": bodies} | columns))


def test_concordance_gives_each_use_with_its_context():
    articles = articles_of("The talks failed. New talks follow.")
    lines = concordance(articles, tokenize(articles), "talk*", width=4)
    assert lines[["left", "node", "right"]].to_numpy().tolist() == [["The ", "talks", " fai"], ["New ", "talks", " fol"]]


def test_keyness_by_hand():
    """Two words, a flat prior of 1 each: log((3+1)/(2+1)) - log((1+1)/(4+1)) and its standard error."""
    table = keyness(pd.Series({"x": 3, "y": 1}), pd.Series({"x": 1, "y": 3}))
    assert table["word"].tolist() == ["x", "y"] and table["z"].iloc[0] == -table["z"].iloc[1] > 0
    even = keyness(pd.Series({"x": 5, "y": 5}), pd.Series({"x": 5, "y": 5}))
    assert np.allclose(even["z"], 0), "no difference, no keyness"


@pytest.mark.parametrize("one, two, expected, reason", [
    ("a b c d", "a b c d", 1.0, "the same text"),
    ("a b c d", "x a b c d y z w", 1.0, "the shorter is contained whole"),
    ("a b c d", "a b c x", 0.5, "one of two runs"),
    ("a b c d", "e f g h", None, "nothing shared"),
    ("a b", "a b", None, "no run of three words"),
])
def test_near_duplicates(one, two, expected, reason):
    pairs = near_duplicates(articles_of(one, two), threshold=0.1)
    assert pairs["overlap"].tolist() == ([] if expected is None else [expected]), reason


def test_near_duplicates_by_paragraph():
    long = "the first direct talks between the two sides since that spring ended after two hours without a truce"
    pairs = near_duplicates(articles_of(f"One.\n\n{long}", f"{long}\n\nTwo."), unit="paragraph")
    assert pairs[["article_a", "paragraph_a", "article_b", "paragraph_b"]].to_numpy().tolist() == [["a0", 1, "a1", 0]]
    with pytest.raises(ValueError, match="allowed: article, paragraph"):
        near_duplicates(articles_of(long), unit="word")


def test_share_on_a_known_value():
    """1 of 10: 0.018 to 0.404 (Wilson 1927)."""
    row = share([1, 0], [10, 0]).round(3)
    assert row.iloc[0].tolist() == [0.1, 0.018, 0.404] and row.iloc[1].isna().all()
    with pytest.raises(ValueError, match="more hits"):
        share([2], 1)


def test_validity_by_hand():
    """Two of three found are right, two of four are found."""
    gold = pd.DataFrame({"article_id": ["a", "a", "b", "b"], "start": [0, 5, 0, 9], "end": [3, 8, 3, 12]})
    found = pd.DataFrame({"article_id": ["a", "a", "b"], "start": [0, 5, 4], "end": [3, 8, 6]})
    table = validity(found, gold).set_index("measure")
    assert table["value"].round(3).to_dict() == {"precision": 0.667, "recall": 0.5, "F1": 0.571}
    assert table["n"].to_dict() == {"precision": 3, "recall": 4, "F1": 7}
    nothing = validity(found.iloc[:0], gold.iloc[:0])
    assert nothing["value"].isna().all() and (nothing["note"] != "").all()


def test_agreement_on_a_textbook_case():
    """Krippendorff's alpha of two coders, ten units, nominal: 0.095 (his 2011 example A, computing alpha, p. 2)."""
    a = pd.DataFrame({"article_id": list("abcdefghij"), "start": 0, "end": 1, "code": [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]})
    b = a.assign(code=[1, 1, 1, 0, 0, 1, 0, 0, 0, 0])
    table = agreement(a, b, resamples=50).set_index("measure")
    assert table.loc["alpha, code", "value"] == pytest.approx(0.095, abs=0.001)
    assert table.loc["per cent, code", "value"] == 0.6
    constant = agreement(a.assign(code=1), b.assign(code=1)).set_index("measure")
    assert np.isnan(constant.loc["alpha, code", "value"]) and constant.loc["alpha, code", "note"] == "only one code was used"


def test_evidence_marks_what_was_counted_and_escapes_the_rest():
    articles = articles_of(f"Norland {HOSTILE} agreed. Nothing here.", title=[HOSTILE], outlet=["<b>x</b>"])
    tokens = tokenize(articles)
    spans = find_terms(tokens, pd.DataFrame({"pattern": ["agreed", "norland"], "k": ["x", "y"]}), "k")
    html = evidence(articles, spans).data
    assert "<mark>agreed</mark>" in html and "<mark>Norland</mark>" in html
    assert "<script" not in html and "<b>" not in html and "$" not in html and "**" not in html and "](" not in html
    assert "Nothing here" not in html
    assert "No sentence was counted" in evidence(articles, spans.iloc[:0]).data


def test_say_makes_words_inert_and_leaves_numbers():
    assert say("{a} {n:.0%}", a="<b>*x*", n=0.5).data == "&#60;b&#62;&#42;x&#42; 50%"


def test_show_keeps_alt_text_and_the_same_bytes(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, **keywords: shown.append((data, keywords)))
    for _ in range(2):
        fig, ax = plt.subplots()
        ax.set_title("costs $5 and $6")
        show(fig, alt="A line.", articles=articles_of("x").assign(composed=True))
    assert shown[0] == shown[1] and shown[0][1]["metadata"]["image/png"]["alt"] == "A line."
    assert len(shown[0][0]["image/png"]) < 60_000 and not plt.get_fignums()


@pytest.mark.parametrize("answer, cases, printed", [
    (lambda x: x + 1, {1: 2, 2: 3}, "Right, in all cases."),
    (lambda x: x, {1: 2}, "1 of 1 cases differ"),
    (lambda x: 1 / 0, {1: 2}, "ZeroDivisionError"),
    (lambda x: ..., {1: 2}, "Nothing filled in yet."),
    (lambda a, b: a / b, {(1, 3): 0.3333}, "Right, in all cases."),
    (3, 3, "Right."), (4, 3, "Not yet."), (..., 3, "Nothing filled in yet."),
])
def test_check_reports_and_never_raises(answer, cases, printed, capsys):
    check(answer, cases)
    assert printed in capsys.readouterr().out


def test_measure_articles_depends_on_the_codebook_alone():
    codebook = load_codebook()
    two = measure_articles(articles_of("Moscow demanded a ceasefire.", "Nothing."), codebook)
    none = measure_articles(articles_of("Rain."), codebook)
    assert two.columns.tolist() == none.columns.tolist() and (two.dtypes == none.dtypes).all()
    assert two["words"].tolist() == [4, 1] and two["stance: demand"].tolist() == [1, 0]


@settings(deadline=None, derandomize=True, max_examples=40)
@given(st.lists(st.text(alphabet="ab .\n", max_size=40), min_size=1, max_size=5))
def test_near_duplicates_are_symmetric_and_bounded(bodies):
    articles = articles_of(*bodies)
    before = articles.copy(deep=True)
    pairs = near_duplicates(articles, threshold=0.1)
    assert pairs["overlap"].between(0.1, 1).all() and (pairs["article_a"] != pairs["article_b"]).all()
    assert len(near_duplicates(articles.iloc[::-1], threshold=0.1)) == len(pairs)
    pd.testing.assert_frame_equal(articles, before)


def test_every_public_name_has_a_docstring_and_short_body():
    import ast
    import inspect
    tree = ast.parse(inspect.getsource(helpers))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert not [f.name for f in functions if f.end_lineno - f.lineno + 1 > 45]
    assert not [f.name for f in tree.body if isinstance(f, (ast.FunctionDef, ast.ClassDef)) and not f.name.startswith("_")
                and not ast.get_docstring(f)]

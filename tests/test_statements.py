"""Statements: golden cases with their reasons, invented actors, and the article that the project began with."""

from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import REAL
from helpers import (as_articles, codebook_table, find_mentions, find_quotes, find_statements, load_articles, load_codebook, tokenize)

CODEBOOK = load_codebook()
SMALL = replace(
    CODEBOOK,
    sides=codebook_table("sides", [{"side": "N", "role": "party", "order": 1, "label": "N", "colour": "#000", "marker": "o"},
                                   {"side": "E", "role": "party", "order": 2, "label": "E", "colour": "#111", "marker": "s"}]),
    actors=codebook_table("actors", [
        {"actor": "Norland", "side": "N", "kind": "state", "form": "name", "pattern": "Norland", "pronoun": "it"},
        {"actor": "Norland", "side": "N", "kind": "state", "form": "demonym", "pattern": "Norlandic"},
        {"actor": "Estria", "side": "E", "kind": "state", "form": "name", "pattern": "Estria", "pronoun": "it"},
        {"actor": "Ada Berg", "side": "N", "kind": "person", "form": "name", "pattern": "Ada Berg", "pronoun": "she"}]),
    issues=codebook_table("issues", [{"issue": "truce", "pattern": "truce"}, {"issue": "talks", "pattern": "talks"},
                                     {"issue": "swap", "pattern": "swap"}]))


def statements_of(body, codebook=SMALL):
    articles = as_articles(pd.DataFrame({"article_id": ["a"], "body": [body]}))
    tokens = tokenize(articles)
    mentions = find_mentions(articles, tokens, codebook)
    return find_statements(articles, tokens, mentions, find_quotes(articles, tokens, mentions, codebook), codebook)


@pytest.mark.parametrize("text, expected, reason", [
    ("Norland demands a truce.", [("Norland", "demand", "truce", 1)], "subject, verb, object"),
    ("Norland, which lost, has repeatedly demanded a truce.", [("Norland", "demand", "truce", 1)], "across a clause and auxiliaries"),
    ("The truce was rejected by Estria.", [("Estria", "reject", "truce", -1)], "passive with by"),
    ("Norland's refusal of the truce stands.", [("Norland", "reject", "truce", -1)], "a noun and its possessor"),
    ("Norland and Estria rejected the truce.", [("Norland", "reject", "truce", -1), ("Estria", "reject", "truce", -1)], "joint holders"),
    ("The two sides agreed to a swap.", [("Norland", "agree", "swap", 1), ("Estria", "agree", "swap", 1)], "both parties"),
    ("Norland proposed talks and a swap.", [("Norland", "propose", "talks", 1), ("Norland", "propose", "swap", 1)], "joint issues"),
    ("“We demand a truce,” Ada Berg said.", [("Norland", "demand", "truce", 1)], "we in a speaker's words is the side"),
    ("Norland demanded a truce. Estria rejects these demands.",
     [("Norland", "demand", "truce", 1), ("Estria", "reject", "truce", -1)], "these demands are the ones before"),
    ("Norland proposed a truce. Estria refused.",
     [("Norland", "propose", "truce", 1), ("Estria", "reject", "truce", -1)], "an answer is about what it answers"),
    ("Norland and Estria met. They agreed to a swap.",
     [("Norland", "agree", "swap", 1), ("Estria", "agree", "swap", 1)], "they are the two that are joined"),
    ("Norland urged Estria to agree to a truce.", [("Norland", "call_for", "truce", 1)], "what is urged is not yet agreed"),
    ("“Estria must accept a truce,” Ada Berg said.", [("Ada Berg", "demand", "truce", 1)], "nor is what must be"),
    ("If Estria agrees to talks, Norland will propose a truce.", [("Norland", "propose", "truce", 1)], "a condition supposes"),
    ("The plan demands a truce.", [], "a thing takes no stance"),
    ("A possible truce was discussed in Norland.", [], "an adjective before its noun is none either"),
    ("The talks are unacceptable for Estria, Ada Berg said.", [("Estria", "reject", "talks", -1)], "for whom it is so"),
    ("The truce, which Norland offered for a swap, Estria rejected.",
     [("Norland", "propose", "truce", 1), ("Estria", "reject", "truce", -1)], "what stands first is what is offered"),
    ("“The talks must stop,” Ada Berg said.", [("Ada Berg", "demand", "talks", -1)], "an end to what stands before"),
    ("Norland wants Estria to stop the swap and to hold talks.",
     [("Norland", "demand", "swap", -1), ("Norland", "demand", "talks", 1)], "the sign of each issue by itself"),
    ("Norland agreed to a swap and accepted the swap.", [("Norland", "agree", "swap", 1)], "once a sentence"),
    ("Norland refuses the truce and wants a swap.", [("Norland", "reject", "truce", -1), ("Norland", "demand", "swap", 1)],
     "the second verb shares the first one's subject"),
    ("Norland demanded a swap during talks.", [("Norland", "demand", "swap", 1)], "only what is coordinated is a joint issue"),
    ("A truce was agreed.", [("", "agree", "truce", 1)], "nobody is said to have agreed"),
    ("Ada Berg said she was dissatisfied with the truce.", [("Ada Berg", "accuse", "truce", 0)], "how somebody feels is no passive"),
    ("Norland demands the moon.", [("Norland", "demand", "", 0)], "an issue that is not listed: a demand, but no side taken"),
])
def test_holder_stance_issue_position(text, expected, reason):
    found = statements_of(text)
    assert list(zip(found["holder"].fillna(""), found["stance"], found["issue"].fillna(""), found["position"])) == expected, reason


@pytest.mark.parametrize("text, column, expected, reason", [
    ("No truce was agreed upon by Estria.", "negated", True, "the agreement is denied"),
    ("Norland did not agree to a truce.", "negated", True, "not before the verb"),
    ("Norland demands that Estria not join talks.", "content_negated", True, "what is wanted is negative"),
    ("Norland demands that Estria not join talks.", "negated", False, "but the demand stands"),
    ("Norland agreed to talks only after a swap.", "conditional", True, "only after"),
    ("Norland could agree to talks.", "modality", "possible", "could"),
    ("Norland will propose talks.", "modality", "future", "will"),
    ("Norland accused Estria over the truce.", "target", "Estria", "the object is the target"),
    ("Talks without a truce are acceptable, Ada Berg said.", "negated", False, "what is without is not denied"),
    ("“Estria should join talks,” Ada Berg said.", "target", "Estria", "who should is the target"),
    ("Estria rejected Norlandic demands for a truce.", "target", "Norland", "whose demands they are"),
    ("The talks once held in Estria were proposed by Norland.", "conditional", False, "once upon a time"),
])
def test_what_qualifies_it(text, column, expected, reason):
    found = statements_of(text)
    assert len(found) and found[column].iloc[0] == expected, (reason, found.to_string())


def test_the_sign_of_a_stance_comes_from_its_row_or_else_from_its_name():
    stances = codebook_table("stances", [{"stance": "demand", "direction": -1, "pattern": "claims"},
                                         {"stance": "refuse", "direction": -1, "pattern": "shuns", "sign": "-1"},
                                         {"stance": "muse", "direction": 0, "pattern": "ponders"}])
    found = statements_of("Norland claims a truce. Norland shuns a truce. Norland ponders a truce with Estria.",
                          replace(SMALL, stances=stances))
    assert list(zip(found["stance"], found["position"])) == [("demand", 1), ("refuse", -1), ("muse", 0)]


def test_the_article_this_began_with():
    """Read by hand: holder, stance, issue, position, negated of the rows that must be there."""
    path = REAL / "seed_article.txt"
    if not path.exists():
        pytest.skip("the seed article is not here")
    articles = load_articles(path, codebook=CODEBOOK).assign(published=pd.Timestamp("2025-05-17"))
    tokens = tokenize(articles)
    mentions = find_mentions(articles, tokens, CODEBOOK)
    found = find_statements(articles, tokens, mentions, find_quotes(articles, tokens, mentions, CODEBOOK), CODEBOOK)
    rows = set(zip(found["holder"], found["stance"], found["issue"], found["position"], found["negated"]))
    summit, swap, four = "leaders' summit", "prisoner exchange", {
        "NATO membership": 1, "demilitarisation": -1, "territory": -1, "European security order": -1}
    must = {("Russia", "agree", summit, 1, False), ("Dmitry Peskov", "agree", summit, 1, False),
            ("Dmitry Peskov", "agree", "further talks", 0, True), ("Ukraine", "propose", summit, 1, False),
            ("Russia", "take_note", summit, 0, False), ("Russia", "agree", swap, 1, False), ("Ukraine", "agree", swap, 1, False),
            ("Dmitry Peskov", "call_for", swap, 1, False), ("Dmitry Peskov", "call_for", "ceasefire terms", 1, False), ("Vladimir Putin", "demand", "NATO membership", -1, False),
            ("Vladimir Putin", "demand", "demilitarisation", 1, False), ("Vladimir Putin", "demand", "territory", 1, False),
            ("Vladimir Putin", "demand", "European security order", 1, False), ("Ukraine", "demand", "ceasefire", 1, False),
            ("European allies", "demand", "ceasefire", 1, False), ("Russia", "agree", "ceasefire", 0, True)}
    must |= {(holder, "reject", issue, sign, False) for holder in ("Ukraine", "European allies") for issue, sign in four.items()}
    assert not must - rows


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(st.sampled_from("Norland Estria demands rejected not the truce talks “ ” , . that said we only after by agreed".split()), max_size=25))
def test_offsets_slice_and_nothing_is_changed(words):
    articles = as_articles(pd.DataFrame({"article_id": ["a"], "body": [" ".join(words) or "x"]}))
    tokens = tokenize(articles)
    mentions = find_mentions(articles, tokens, SMALL)
    quotes = find_quotes(articles, tokens, mentions, SMALL)
    before = [frame.copy(deep=True) for frame in (articles, tokens, mentions, quotes)]
    found = find_statements(articles, tokens, mentions, quotes, SMALL)
    text = articles["text"].iloc[0]
    assert all(text[s:e].lower() == term for s, e, term in zip(found["start"], found["end"], found["term"]))
    conditions = found.dropna(subset="condition_start")
    assert (conditions["condition_start"] < conditions["condition_end"]).all() and found["position"].isin([-1, 0, 1]).all()
    for frame, copy in zip((articles, tokens, mentions, quotes), before):
        pd.testing.assert_frame_equal(frame, copy)
    empty = find_statements(articles, tokens.iloc[:0], mentions.iloc[:0], quotes.iloc[:0], SMALL)
    assert not len(empty) and (empty.dtypes == found.dtypes).all()

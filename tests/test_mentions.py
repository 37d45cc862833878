"""The codebook, terms and mentions: golden cases with their reasons."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import (as_articles, codebook_table, find_mentions, find_terms, load_codebook, tokenize)

CODEBOOK = load_codebook()
ACTORS = codebook_table("actors", [
    {"actor": "Norland", "kind": "state", "form": "name", "pattern": "Norland"},
    {"actor": "Norland", "kind": "state", "form": "demonym", "pattern": "Norlander"},
    {"actor": "Norland", "kind": "state", "form": "demonym", "pattern": "Norlandic"},
    {"actor": "Norland", "kind": "state", "form": "capital", "pattern": "Norhaven", "unless_after": "in|near"},
    {"actor": "-", "pattern": "Norland Post"},
    {"actor": "IT Office", "kind": "organisation", "form": "name", "pattern": "IT", "case": "exact"},
    {"actor": "Ada Berg", "kind": "person", "form": "name", "pattern": "Ada Berg"},
    {"actor": "Ada Berg", "kind": "person", "form": "name", "pattern": "Berg"},
    {"actor": "Ada Berg", "kind": "person", "form": "role", "pattern": "Norlandic president", "since": "2020-01-01", "until": "2024-01-01"},
    {"actor": "Bo Lind", "kind": "person", "form": "role", "pattern": "Norlandic president", "since": "2024-01-01"},
])
SMALL = replace(CODEBOOK, actors=ACTORS)


def mentions_of(body, published=None):
    articles = as_articles(pd.DataFrame({"article_id": ["a"], "body": [body], "published": [published]}))
    return find_mentions(articles, tokenize(articles), SMALL)


@pytest.mark.parametrize("text, expected, reason", [
    ("Norland spoke.", [("Norland", "Norland")], "a name"),
    ("norland spoke.", [("norland", "Norland")], "capitals do not count unless the codebook says so"),
    ("It is the IT office.", [("IT", "IT Office")], "here it does"),
    ("The Norland Post wrote.", [], "what must not count takes its words away"),
    ("Ada Berg left.", [("Ada Berg", "Ada Berg")], "the longest match"),
    ("They met in Norhaven.", [], "a capital after `in` is a place"),
    ("Norhaven agreed.", [("Norhaven", "Norland")], "else it is the government"),
    ("Norlandic president Ada Berg left.", [("Ada Berg", "Ada Berg")], "a title before its name is part of it"),
    ("Norland-Berg talks", [("Norland", "Norland"), ("Berg", "Ada Berg")], "a hyphen hides no name"),
])
def test_mentions(text, expected, reason):
    found = mentions_of(text, "2021-05-01")
    assert list(zip(found["surface"], found["actor"])) == expected, reason


@pytest.mark.parametrize("published, actor, reason", [
    ("2021-05-01", "Ada Berg", "who held the office that day"),
    ("2024-01-01", "Bo Lind", "until is exclusive, since inclusive"),
    (None, "Norland", "without a date, two holders: its state"),
    ("2010-01-01", "Norland", "before the first holder listed: its state"),
])
def test_offices_by_date(published, actor, reason):
    assert mentions_of("The Norlandic president spoke.", published)["actor"].tolist() == [actor], reason


@pytest.mark.parametrize("text, expected, reason", [
    ("the Norlandic delegation left", True, "an adjective before its noun"),
    ("a Norlander of note", False, "a stopword is no noun"),
    ("Norland spokesman Bo left", True, "a name before a noun of voices.csv"),
    ("Norland left", False, "a name before a verb"),
    ("Norland-led talks", True, "a name in a compound"),
    ("Norland-Berg talks", False, "two names joined are two actors"),
])
def test_attributive(text, expected, reason):
    found = mentions_of(text)["attributive"].tolist()
    assert found[0] is expected, reason


def test_terms_longest_first_leftmost_and_in_one_sentence():
    articles = as_articles(pd.DataFrame({"article_id": ["a"], "body": ["They took note of it. He demands more demands. Took. Note of"]}))
    table = pd.DataFrame({"pattern": ["take*", "took note of", "note", "demand*"], "kind": ["a", "b", "c", "d"]})
    found = find_terms(tokenize(articles), table, "kind")
    assert found["kind"].tolist() == ["b", "d", "d", "c"]
    assert found["term"].tolist() == ["took note of", "demands", "demands", "note"]


def test_a_word_of_a_pattern_may_list_alternatives():
    articles = as_articles(pd.DataFrame({"article_id": ["a"], "body": ["They will meet. They may meet. They can meet. They'll met."]}))
    table = pd.DataFrame({"pattern": ["will|may meet", "can|m?t"], "kind": ["a", "b"]})
    assert find_terms(tokenize(articles), table, "kind")["term"].tolist() == ["will meet", "may meet", "can", "met"]


def write(folder, **files):
    """A codebook folder: our own files, some of them replaced."""
    from helpers import DATA
    for name in ("actors", "sides", "stances", "issues"):
        (folder / f"{name}.csv").write_text((DATA / "codebook" / f"{name}.csv").read_text("utf-8"), "utf-8")
    for name, text in files.items():
        (folder / f"{name}.csv").write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return folder


def test_codebook_is_read_tolerantly(tmp_path):
    stances = "\ufeffstance;direction;pattern;note\n# a comment\nNA;-1;\"a;b\";x\n\ndemand;+1;\"don’t, no\";"
    codebook = load_codebook(write(tmp_path, stances=stances))
    assert codebook.stances["stance"].tolist() == ["NA", "demand"], "BOM, semicolons, comments, and NA is a word"
    assert codebook.stances["direction"].tolist() == [-1, 1]
    assert len(codebook.cues) and not len(codebook.events), "language files come from our own, others may be missing"


@pytest.mark.parametrize("name, text, message", [
    ("stances", "stance,direction,pattern\ndemand,2,x", "stances.csv, line 2, column direction: found '2'; allowed: -1, 0 or 1"),
    ("stances", "stance,direction\ndemand,1", "stances.csv, line 1: no column pattern"),
    ("stances", "stance,direction,pattern\ndemand,1,x\nreject,1,X", "line 3, column pattern: found 'X', which line 2 has already"),
    ("issues", "issue,proposition,pattern\n# c\nx,,", "issues.csv, line 3, column pattern: found ''"),
    ("actors", "actor,side,kind,form,pattern,since\nA,Nowhere,state,name,A,", "line 2, column side: found 'Nowhere'"),
    ("actors", "actor,side,kind,form,pattern,since\nA,Russia,state,name,A,May 2025", "column since: found 'May 2025'"),
    ("events", "event,date,label,round\nx,yesterday,l,1", "events.csv, line 2, column date: found 'yesterday'"),
])
def test_a_mistake_in_a_codebook_is_one_clear_error(tmp_path, name, text, message):
    with pytest.raises(ValueError) as error:
        load_codebook(write(tmp_path, **{name: text}))
    assert message in str(error.value) and "\n" not in str(error.value)


def test_a_missing_file_names_its_columns(tmp_path):
    with pytest.raises(FileNotFoundError, match="actors.csv.*actor, side"):
        load_codebook(tmp_path)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(st.lists(st.sampled_from(["Norland", "Norlandic", "president", "Berg", "Ada", "in", "Norhaven", ".", "Post", "\n", "IT"]), max_size=25))
def test_mentions_slice_and_never_overlap(words):
    articles = as_articles(pd.DataFrame({"article_id": ["a"], "body": [" ".join(words)]}))
    tokens = tokenize(articles)
    before = tokens.copy(deep=True)
    found = find_mentions(articles, tokens, SMALL)
    text = articles["text"].fillna("").iloc[0]
    assert all(text[s:e] == surface for s, e, surface in zip(found["start"], found["end"], found["surface"]))
    assert (found["start"].to_numpy()[1:] >= found["end"].to_numpy()[:-1]).all()
    pd.testing.assert_frame_equal(tokens, before)
    empty = find_mentions(articles.iloc[:0], tokens.iloc[:0], SMALL)
    assert not len(empty) and (empty.dtypes == found.dtypes).all()
    assert found["attributive"].dtype == np.bool_

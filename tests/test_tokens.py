"""Tokens, sentences and quotation marks: golden cases with their reasons, and properties that hold for any text."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import as_articles, is_word, load_codebook, score_sentences, tokenize

CODEBOOK = load_codebook()


def tokens_of(body, **columns):
    return tokenize(as_articles(pd.DataFrame({"article_id": ["a"], "body": [body]} | {k: [v] for k, v in columns.items()})))


def words(body):
    return tokens_of(body)["token"].tolist()


def sentences(body):
    return [" ".join(group["token"]) for _, group in tokens_of(body).groupby("sentence")]


@pytest.mark.parametrize("text, expected, reason", [
    ("Putin-Zelensky", ["Putin", "-", "Zelensky"], "a hyphen splits, so that both names are seen"),
    ("1000-for-1000", ["1000-for-1000"], "but not between numbers"),
    ("2-3 days", ["2-3", "days"], "a range is one number"),
    ("1.000 men", ["1.000", "men"], "thousands with a point are one number"),
    ("1,000", ["1,000"], "thousands with a comma"),
    ("1\u00a0000 men", ["1\u00a0000", "men"], "thousands with a no-break space"),
    ("1\u2009000", ["1\u2009000"], "thousands with a thin space"),
    ("1 000", ["1", "000"], "a plain space does not join"),
    ("May\u00a016", ["May", "16"], "a no-break space after a word does not join either"),
    ("don't", ["do", "n't"], "the negator must be a token of its own"),
    ("don’t", ["do", "n’t"], "with a curly apostrophe too"),
    ("Putin's", ["Putin", "'s"], "the name without its clitic"),
    ("O'Brien", ["O'Brien"], "an apostrophe inside a name does not split"),
    ("prisoners' families", ["prisoners", "'", "families"], "a plural possessive is a word and a mark"),
    ("the U.S. side", ["the", "U.S.", "side"], "dotted initials are one token"),
    ("17th", ["17th"], "an ordinal is one word"),
    ("$60, 20%", ["$", "60", ",", "20", "%"], "signs stand alone"),
    ("wait...", ["wait", "..."], "an ellipsis is one mark"),
    ("", [], "no text, no token"),
])
def test_tokens(text, expected, reason):
    assert words(text) == expected, reason


@pytest.mark.parametrize("text, expected, reason", [
    ("It has 1.000 men. He left.", 2, "the point in 1.000 ends no sentence"),
    ("Mr. Smith met Gen. Jones.", 1, "titles end no sentence"),
    ("He met J. Smith.", 1, "nor does an initial"),
    ("The U.S. Congress voted.", 1, "nor an abbreviation before a name"),
    ("He left the U.S. The vote came later.", 2, "but it does before a capitalised stopword"),
    ("They agreed.The next round follows.", 2, "a missing space between sentences"),
    ("See example.com for more.", 1, "an address is not two sentences"),
    ("First line\nSecond line", 2, "a line break always ends a sentence"),
    ("“We agree.” He left.", 2, "the closing mark stays with its sentence"),
    ("He asked: \"Why?\" and left.", 1, "a small letter goes on"),
])
def test_sentences(text, expected, reason):
    assert len(sentences(text)) == expected, (reason, sentences(text))


@pytest.mark.parametrize("text, quoted, reason", [
    ('He said "yes and no" again', ["yes", "and", "no"], "straight marks"),
    ("He said “yes” again", ["yes"], "curly marks"),
    ("He said ‘yes’ again", ["yes"], "single marks"),
    ("He said ''yes'' again", ["yes"], "doubled single marks"),
    ("He said ``yes'' again", ["yes"], "TeX marks"),
    ("He said «yes» again", ["yes"], "guillemets"),
    ("the prisoners' families and the soldiers' wives", [], "apostrophes are no quotation"),
    ("“He called it ‘a show’ today,” she said", ["He", "called", "it", "‘", "a", "show", "’", "today", ","],
     "a quote inside a quote belongs to the outer one"),
    ("“lost mark\nnext paragraph", ["lost", "mark"], "a lost mark harms its own paragraph only"),
])
def test_quoted(text, quoted, reason):
    tokens = tokens_of(text)
    assert tokens.loc[tokens["quoted"], "token"].tolist() == quoted, reason


def test_parts_and_numbers_run_through_the_text():
    tokens = tokens_of("One. Two.\n\nThree.", title="A title", lead="A lead.")
    first = tokens.drop_duplicates("sentence")
    assert first["part"].tolist() == ["title", "lead", "body", "body", "body"]
    assert first["paragraph"].tolist() == [0, 1, 2, 2, 3]
    assert first["sentence"].tolist() == [0, 1, 2, 3, 4]


def test_words_are_no_marks_and_no_clitics():
    tokens = tokens_of("We don't, he'll go: 17th.")
    assert tokens.loc[is_word(tokens), "token"].tolist() == ["We", "do", "he", "go", "17th"]


TEXTS = st.lists(st.text(alphabet=st.one_of(st.sampled_from(list("aB1 .,'’\"“”‘-\n\u00a0!?")), st.characters(exclude_categories=["Cs"])), max_size=60),
                 min_size=1, max_size=4)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(TEXTS)
def test_every_visible_character_belongs_to_one_token(bodies):
    articles = as_articles(pd.DataFrame({"article_id": [str(i) for i in range(len(bodies))], "body": bodies}))
    before = articles.copy(deep=True)
    tokens = tokenize(articles)
    for article_id, text in zip(articles["article_id"], articles["text"].fillna("")):
        rows = tokens[tokens["article_id"] == article_id]
        covered = [i for s, e in zip(rows["start"], rows["end"]) for i in range(s, e)]
        assert all(text[s:e] == token for s, e, token in zip(rows["start"], rows["end"], rows["token"]))
        assert len(covered) == len(set(covered))
        assert {i for i, c in enumerate(text) if not c.isspace()} <= set(covered)
    pd.testing.assert_frame_equal(articles, before)
    pd.testing.assert_frame_equal(tokens, tokenize(articles))


@settings(deadline=None, derandomize=True, max_examples=100)
@given(TEXTS)
def test_sentences_slice_and_cover_all_tokens(bodies):
    articles = as_articles(pd.DataFrame({"article_id": [str(i) for i in range(len(bodies))], "body": bodies}))
    tokens = tokenize(articles)
    scored = score_sentences(articles, tokens, CODEBOOK)
    text = dict(zip(articles["article_id"], articles["text"]))
    assert all(text[r.article_id][r.start:r.end] == r.sentence_text for r in scored.itertuples())
    assert len(scored) == len(tokens[["article_id", "sentence"]].drop_duplicates())
    assert scored["compound"].between(-1, 1).all() and scored["quoted_share"].between(0, 1).all()

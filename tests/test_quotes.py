"""Quotations: which words are quoted, who says them, and why the reader thinks so."""

from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import helpers

ACTORS = [("Norland", "state", "Norland", "it"), ("Norland", "state", "Norhaven", "it"), ("Norland", "state", "the Palace", "it"),
          ("Norland", "state", "Palace", "it"), ("Estria", "state", "Estria", "it"), ("Estria", "state", "Estburg", "it"),
          ("Ivo Lind", "person", "Lind", "he"), ("Ivo Lind", "person", "Ivo Lind", "he"), ("Ada Berg", "person", "Berg", "she"),
          ("Ada Berg", "person", "Ada Berg", "she"), ("Jonas Falk", "person", "Falk", "he"), ("Olav Moen", "person", "Moen", "he")]
SIDE = {"Norland": "Norland", "Ivo Lind": "Norland", "Olav Moen": "Norland", "Estria": "Estria", "Ada Berg": "Estria",
        "Jonas Falk": "Estria"}
CODEBOOK = replace(
    helpers.load_codebook(),
    actors=helpers.codebook_table("actors", [
        {"actor": actor, "side": SIDE[actor], "kind": kind, "form": "name", "pattern": pattern, "pronoun": pronoun}
        for actor, kind, pattern, pronoun in ACTORS] + [
        {"actor": "Estria", "side": "Estria", "kind": "state", "form": "demonym", "pattern": "Estrian"}]))


def read(*bodies):
    """The articles of some bodies, and their quotes."""
    articles = helpers.as_articles(pd.DataFrame({
        "article_id": [str(i) for i in range(len(bodies))], "body": list(bodies)}))
    tokens = helpers.tokenize(articles, CODEBOOK)
    mentions = helpers.find_mentions(articles, tokens, CODEBOOK)
    return articles, helpers.find_quotes(articles, tokens, mentions, CODEBOOK)


def quoted(body):
    """The rows between quotation marks."""
    quotes = read(body)[1]
    return quotes[quotes["kind"] != "indirect"].reset_index(drop=True)


# body, (speaker_text, speaker, rule) of each quotation between marks, why
SPEAKERS = [
    ("“We are ready,” Lind said.", [("Lind", "Ivo Lind", "named after")], "the plainest form"),
    ("“We are ready,” said Ivo Lind.", [("Ivo Lind", "Ivo Lind", "named after")], "verb before subject"),
    ("Lind said: “We are ready.”", [("Lind", "Ivo Lind", "named before")], "the cue comes first"),
    ("Lind, who flew in on Friday, told reporters, “We are ready.”", [("Lind", "Ivo Lind", "named before")],
     "a relative clause stands between subject and verb"),
    ("Palace spokesman Ivo Lind said, “We are ready.”",
     [("Palace spokesman Ivo Lind", "Ivo Lind", "named before")], "the name is the head of the phrase"),
    ("“No deal yet,” said a spokesman for Moen.", [("a spokesman for Moen", None, "named after")],
     "a spokesman for somebody is not that somebody"),
    ("“No deal yet,” the Palace said.", [("the Palace", "Norland", "named after")], "a seat of government speaks for its state"),
    ("“We came,” Berg said, “and we will come again.”",
     [("Berg", "Ada Berg", "named after"), ("Berg", "Ada Berg", "continued")],
     "broken by the cue: two rows, one speaker"),
    ("“We came,” Berg said. “We will come again.”",
     [("Berg", "Ada Berg", "named after"), ("Berg", "Ada Berg", "continued")], "goes on in the next sentence"),
    ("“We came,” Berg said.\n\n“They listened.\n\n“Then they left.”",
     [("Berg", "Ada Berg", "named after"), ("Berg", "Ada Berg", "last speaker"),
      ("Berg", "Ada Berg", "continued")],
     "a paragraph of its own is a guess; a quotation opened again is not"),
    ("Berg arrived late. “The road was blocked,” she said.", [("she", "Ada Berg", "pronoun")],
     "the words stay the pronoun, the actor is whom it stands for"),
    ("“We will not wait,” we said.", [("we", None, "named after")], "we is never guessed to be one person"),
    ("According to Moen, “nothing has changed”.", [("Moen", "Olav Moen", "according to")], "the source after a preposition"),
    ("Moen: “Nothing has changed.”", [("Moen", "Olav Moen", "colon")], "a name and a colon, as in headlines"),
    ("Moen's claim that “nothing has changed” was met with silence.", [("Moen", "Olav Moen", "noun")],
     "the holder of a reporting noun"),
    ("Moen said Estburg called the plan “a trick” again.", [("Moen", "Olav Moen", "named before")],
     "of nested reports the outermost source owns the words"),
    ("The talks were “useful” and will go on, Berg said.", [("Berg", "Ada Berg", "named after")],
     "the cue closes the sentence"),
    ("Berg met Falk and said the plan was “a start”.", [("Berg", "Ada Berg", "named before")],
     "two verbs share a subject"),
    ("Berg was asked about the plan. “It is a start,” Falk said.", [("Falk", "Jonas Falk", "named after")],
     "whoever is asked does not speak yet"),
    ("“It is a start,” one said.\n\n“Is that what Moen said?” asked Falk.",
     [("one", None, "named after"), ("Falk", "Jonas Falk", "named after")], "a name inside the words quoted is no speaker"),
    ("According to Moen, Berg said the road was “blocked”.", [("Moen", "Olav Moen", "according to")],
     "whom the whole sentence is ascribed to"),
    ("Lind said the plan from which Estburg expects a start would bring “a hard winter”.",
     [("Lind", "Ivo Lind", "named before")], "a verb within the reported clause has no say"),
    ("“We are ready,” Lind said.\n\nEstburg called it “a start”.\n\n“We will wait.”",
     [("Lind", "Ivo Lind", "named after"), ("Estburg", "Estria", "named before"), ("Lind", "Ivo Lind", "last speaker")],
     "a quotation that stands alone goes to the last voice quoted at length"),
    ("“It is a start,” Falk quipped, and left.", [("Falk", "Jonas Falk", "named after")], "the sentence may go on"),
]


@pytest.mark.parametrize("body, expected, why", SPEAKERS, ids=[why for *_, why in SPEAKERS])
def test_speaker(body, expected, why):
    quotes = quoted(body)
    found = [tuple(None if pd.isna(v) else v for v in row)
             for row in quotes[["speaker_text", "speaker", "rule"]].itertuples(index=False, name=None)]
    assert found == expected, why


# body, (kind, words between the marks) of each quotation, why
KINDS = [
    ("“We will stay,” he said.", [("speech", "We will stay,")], "a clause of its own"),
    ("He said the talks were “very useful” so far.", [("fragment", "very useful")], "woven into the reporter's sentence"),
    ("He hosts “The Evening Hour” on the radio.", [("label", "The Evening Hour")], "a title, and nobody says it"),
    ("The “coalition” met again in the city.", [("label", "coalition")], "scare quotes: no cue, no speaker"),
    ("Lind told Estburg's “Evening Hour,” a show, that “nobody came”.", [("label", "Evening Hour,"), ("fragment", "nobody came")],
     "a title after a possessive is woven in, comma or not"),
    ("He told “The Evening Hour” that “nobody came”.", [("label", "The Evening Hour"), ("fragment", "nobody came")],
     "a title next to a cue is still a title"),
    ("“She told me ‘never again’ and left,” he said.", [("speech", "She told me ‘never again’ and left,")],
     "a quotation inside a quotation has no row"),
    ("‘We will stay,’ he said.", [("speech", "We will stay,")], "single marks may be the outer ones"),
    ("He said the prisoners' families “will not wait”.", [("fragment", "will not wait")], "an apostrophe is no mark"),
    ("«We will stay», he said.", [("speech", "We will stay")], "angle marks"),
    ("''We will stay,'' he said.", [("speech", "We will stay,")], "two apostrophes are one mark"),
    ("\"We will stay,” he said. “And wait.\"", [("speech", "We will stay,"), ("speech", "And wait.")], "mixed pairs"),
    ("“We will stay, he said.\n\n“We will wait,” he added.",
     [("speech", "We will stay, he said."), ("speech", "We will wait,")], "a lost mark harms its own paragraph only"),
]


@pytest.mark.parametrize("body, expected, why", KINDS, ids=[why for *_, why in KINDS])
def test_kind(body, expected, why):
    assert list(quoted(body)[["kind", "quote"]].itertuples(index=False, name=None)) == expected, why


# body, (content, speaker_text) of each reported clause, why
REPORTED = [
    ("Lind said that talks will go on.", [("talks will go on", "Lind")], "the clause without its that"),
    ("Lind told reporters that talks will go on.", [("talks will go on", "Lind")], "a listener in between"),
    ("Talks will go on, Lind said.", [("Talks will go on", "Lind")], "the cue comes last"),
    ("According to Estburg, talks will go on.", [("talks will go on", "Estburg")], "the source comes first"),
    ("Lind said talks would go on and Berg said they would not.",
     [("talks would go on", "Lind"), ("they would not", "Berg")], "two reports in one sentence"),
    ("Lind said that Estburg believes talks will go on.", [("Estburg believes talks will go on", "Lind")],
     "of nested reports only the outermost"),
    ("“Talks will go on,” Lind said.", [], "quoted word for word"),
    ("His remarks about talks went on for an hour.", [], "a noun is no report"),
]


@pytest.mark.parametrize("body, expected, why", REPORTED, ids=[why for *_, why in REPORTED])
def test_reported(body, expected, why):
    quotes = read(body)[1]
    reported = quotes[quotes["kind"] == "indirect"]
    assert list(reported[["quote", "speaker_text"]].itertuples(index=False, name=None)) == expected, why


@pytest.mark.parametrize("phrase, side, kind", [
    ("An Estrian official", "Estria", "official"), ("Residents", None, "ordinary"),
    ("A diplomat, who asked not to be named,", None, "unnamed"), ("Jane Smith, a military analyst,", None, "expert"),
    ("Lind", "Norland", "official")])
def test_side_and_type_of_speaker(phrase, side, kind):
    row = quoted(f"{phrase} said: “We will wait here for them.”").iloc[0]
    assert (None if pd.isna(row["speaker_side"]) else row["speaker_side"], row["speaker_type"]) == (side, kind)


def test_a_definite_voice_is_one_heard_before():
    quotes = quoted("An Estrian official said: “No.”\n\n“Never,” the official said. “Perhaps,” an official said.")
    assert quotes["speaker_side"].fillna("").tolist() == ["Estria", "Estria", ""], "the official, but not an official"


SUBJECTS = [
    ("Norhaven, which sent a team, has repeatedly demanded this.", "demanded", "Norhaven", "a relative clause"),
    ("Falk, the host, said no.", "said", "Falk", "an apposition"),
    ("Estburg and its allies reject this.", "reject", "Estburg and its allies", "joint subjects"),
    ("In addition to demanding this, Lind left.", "demanding", "Lind", "a participle before the main clause"),
    ("Lind left, saying no.", "saying", "Lind", "a participle after it"),
    ("People briefed on the matter said no.", "said", "People", "a shortened relative clause"),
    ("On Monday, in a speech, Falk also said no.", "said", "Falk", "adverbs and dates"),
    ("He says that Estburg rejects this.", "rejects", "Estburg", "a clause within a clause"),
    ("Estburg was urged to agree.", "urged", "Estburg", "a passive has a subject too"),
    ("The talks, “a farce,” Falk said, go on.", "said", "Falk", "words quoted are no part of the clause"),
]


@pytest.mark.parametrize("body, verb, expected, why", SUBJECTS, ids=[why for *_, why in SUBJECTS])
def test_subject(body, verb, expected, why):
    articles = helpers.as_articles(pd.DataFrame({"article_id": ["0"], "body": [body]}))
    tokens = helpers.tokenize(articles, CODEBOOK)
    phrase = helpers.Clauses(tokens, CODEBOOK).subject(tokens["token"].tolist().index(verb))
    assert body[tokens["start"][phrase.first]:tokens["end"][phrase.last]] == expected, why


def test_agent_of_a_passive():
    articles = helpers.as_articles(pd.DataFrame({"article_id": ["0"], "body": ["The plan was rejected by Estburg."]}))
    tokens = helpers.tokenize(articles, CODEBOOK)
    phrase = helpers.Clauses(tokens, CODEBOOK).agent(3)
    assert tokens["token"][phrase.first] == "Estburg"


PIECES = st.sampled_from(["“", "”", '"', "‘", "’", "'", "''", "``", "«", "»", ",", ".", "?", ":", " ", "\n\n", "—", "(", ")", "Lind",
                          "said", "told", "reporters", "that", "he", "we", "the", "of", "talks", "Estburg", "according to", "and",
                          "who", "was", "asked", "Falk", "2", "statement", "'s"])


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(st.lists(PIECES, max_size=40).map(" ".join), min_size=1, max_size=3),
       st.lists(st.lists(PIECES, max_size=40).map("".join), max_size=1))
def test_offsets_hold_on_any_text(spaced, glued):
    articles, quotes = read(*spaced, *glued)
    text = dict(zip(articles["article_id"], articles["text"]))
    for row in quotes.itertuples():
        assert text[row.article_id][row.start:row.end] == row.quote and row.quote
        if not pd.isna(row.speaker_text):
            assert text[row.article_id][row.speaker_start:row.speaker_end] == row.speaker_text
    assert quotes["rule"].notna().equals(quotes["speaker_text"].notna())
    assert quotes.loc[quotes["kind"] == "label", "speaker_text"].isna().all()
    direct = quotes[quotes["kind"] != "indirect"]
    for _, rows in direct.groupby("article_id"):
        assert (rows["end"].to_numpy()[:-1] <= rows["start"].to_numpy()[1:]).all(), "stretches do not overlap"


def test_same_columns_and_types_when_nothing_is_quoted():
    full, none = read("“Yes,” Lind said.")[1], read("Nothing happened here.")[1]
    assert len(none) == 0 and len(read("")[1]) == 0
    assert list(full.columns) == list(helpers.QUOTE_COLUMNS) and full.dtypes.equals(none.dtypes)


def test_inputs_unchanged_and_same_answer_twice():
    articles, _ = read("“Yes,” Lind said. He said that talks go on.", "Falk called it “a start”.")
    tokens = helpers.tokenize(articles, CODEBOOK)
    mentions = helpers.find_mentions(articles, tokens, CODEBOOK)
    before = articles.copy(deep=True), tokens.copy(deep=True), mentions.copy(deep=True)
    first, second = (helpers.find_quotes(articles, tokens, mentions, CODEBOOK) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    for frame, copy in zip((articles, tokens, mentions), before):
        pd.testing.assert_frame_equal(frame, copy)


def test_articles_do_not_touch():
    bodies = ["“We are ready,” Lind said.", "“Nobody came.”", "“He is late,” he said."]
    together = read(*bodies)[1]
    alone = pd.concat([read(body)[1] for body in bodies], ignore_index=True)
    pd.testing.assert_frame_equal(together.drop(columns="article_id"), alone.drop(columns="article_id"))

"""Quotations: which words are quoted, who says them, and why the reader thinks so."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import helpers

CODEBOOK = helpers.load_codebook()
DAY = "2025-05-17"


def read(*bodies):
    """The articles of some bodies, and their quotes."""
    articles = helpers.as_articles(pd.DataFrame({
        "article_id": [str(i) for i in range(len(bodies))], "body": list(bodies), "published": pd.to_datetime([DAY] * len(bodies))}))
    tokens = helpers.tokenize(articles, CODEBOOK)
    mentions = helpers.find_mentions(articles, tokens, CODEBOOK)
    return articles, helpers.find_quotes(articles, tokens, mentions, CODEBOOK)


def quoted(body):
    """The rows between quotation marks."""
    quotes = read(body)[1]
    return quotes[quotes["kind"] != "indirect"].reset_index(drop=True)


# body, (speaker_text, speaker, rule) of each quotation between marks, why
SPEAKERS = [
    ("“We are ready,” Peskov said.", [("Peskov", "Dmitry Peskov", "named after")], "the plainest form"),
    ("“We are ready,” said Dmitry Peskov.", [("Dmitry Peskov", "Dmitry Peskov", "named after")], "verb before subject"),
    ("Peskov said: “We are ready.”", [("Peskov", "Dmitry Peskov", "named before")], "the cue comes first"),
    ("Peskov, who flew in on Friday, told reporters, “We are ready.”", [("Peskov", "Dmitry Peskov", "named before")],
     "a relative clause stands between subject and verb"),
    ("Kremlin spokesman Dmitry Peskov said, “We are ready.”",
     [("Kremlin spokesman Dmitry Peskov", "Dmitry Peskov", "named before")], "the name is the head of the phrase"),
    ("“No deal yet,” said a spokesman for Zelensky.", [("a spokesman for Zelensky", None, "named after")],
     "a spokesman for somebody is not that somebody"),
    ("“No deal yet,” the Kremlin said.", [("the Kremlin", "Russia", "named after")], "a seat of government speaks for its state"),
    ("“We came,” Umerov said, “and we will come again.”",
     [("Umerov", "Rustem Umerov", "named after"), ("Umerov", "Rustem Umerov", "continued")],
     "broken by the cue: two rows, one speaker"),
    ("“We came,” Umerov said. “We will come again.”",
     [("Umerov", "Rustem Umerov", "named after"), ("Umerov", "Rustem Umerov", "continued")], "goes on in the next sentence"),
    ("“We came,” Umerov said.\n\n“They listened.\n\n“Then they left.”",
     [("Umerov", "Rustem Umerov", "named after"), ("Umerov", "Rustem Umerov", "last speaker"),
      ("Umerov", "Rustem Umerov", "continued")],
     "a paragraph of its own is a guess; a quotation opened again is not"),
    ("Umerov arrived late. “The road was blocked,” he said.", [("he", "Rustem Umerov", "pronoun")],
     "the words stay the pronoun, the actor is whom it stands for"),
    ("“We will not wait,” we said.", [("we", None, "named after")], "we is never guessed to be one person"),
    ("According to Lavrov, “nothing has changed”.", [("Lavrov", "Sergei Lavrov", "according to")], "the source after a preposition"),
    ("Lavrov: “Nothing has changed.”", [("Lavrov", "Sergei Lavrov", "colon")], "a name and a colon, as in headlines"),
    ("Lavrov's claim that “nothing has changed” was met with silence.", [("Lavrov", "Sergei Lavrov", "noun")],
     "the holder of a reporting noun"),
    ("Lavrov said the West called the plan “a trick” again.", [("Lavrov", "Sergei Lavrov", "named before")],
     "of nested reports the outermost source owns the words"),
    ("The talks were “useful” and will go on, Umerov said.", [("Umerov", "Rustem Umerov", "named after")],
     "the cue closes the sentence"),
    ("Umerov met Fidan and said the plan was “a start”.", [("Umerov", "Rustem Umerov", "named before")],
     "two verbs share a subject"),
    ("Umerov was asked about the plan. “It is a start,” Fidan said.", [("Fidan", "Hakan Fidan", "named after")],
     "whoever is asked does not speak yet"),
    ("“It is a start,” one said.\n\n“Is that what Lavrov said?” asked Fidan.",
     [("one", None, "named after"), ("Fidan", "Hakan Fidan", "named after")], "a name inside the words quoted is no speaker"),
    ("“It is a start,” Fidan quipped, and left.", [("Fidan", "Hakan Fidan", "named after")], "the sentence may go on"),
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
    ("Peskov said that talks will go on.", [("talks will go on", "Peskov")], "the clause without its that"),
    ("Peskov told reporters that talks will go on.", [("talks will go on", "Peskov")], "a listener in between"),
    ("Talks will go on, Peskov said.", [("Talks will go on", "Peskov")], "the cue comes last"),
    ("According to Kyiv, talks will go on.", [("talks will go on", "Kyiv")], "the source comes first"),
    ("Peskov said talks would go on and Umerov said they would not.",
     [("talks would go on", "Peskov"), ("they would not", "Umerov")], "two reports in one sentence"),
    ("Peskov said that Kyiv believes talks will go on.", [("Kyiv believes talks will go on", "Peskov")],
     "of nested reports only the outermost"),
    ("“Talks will go on,” Peskov said.", [], "quoted word for word"),
    ("His remarks about talks went on for an hour.", [], "a noun is no report"),
]


@pytest.mark.parametrize("body, expected, why", REPORTED, ids=[why for *_, why in REPORTED])
def test_reported(body, expected, why):
    quotes = read(body)[1]
    reported = quotes[quotes["kind"] == "indirect"]
    assert list(reported[["quote", "speaker_text"]].itertuples(index=False, name=None)) == expected, why


@pytest.mark.parametrize("phrase, side, kind", [
    ("A Ukrainian official", "Ukraine", "official"), ("Residents", None, "ordinary"),
    ("A diplomat, who asked not to be named,", None, "unnamed"), ("Jane Smith, a military analyst,", None, "expert"),
    ("Peskov", "Russia", "official")])
def test_side_and_type_of_speaker(phrase, side, kind):
    row = quoted(f"{phrase} said: “We will wait here for them.”").iloc[0]
    assert (None if pd.isna(row["speaker_side"]) else row["speaker_side"], row["speaker_type"]) == (side, kind)


SUBJECTS = [
    ("Moscow, which sent a team, has repeatedly demanded this.", "demanded", "Moscow", "a relative clause"),
    ("Fidan, the host, said no.", "said", "Fidan", "an apposition"),
    ("Kyiv and its allies reject this.", "reject", "Kyiv and its allies", "joint subjects"),
    ("In addition to demanding this, Putin left.", "demanding", "Putin", "a participle before the main clause"),
    ("Putin left, saying no.", "saying", "Putin", "a participle after it"),
    ("People briefed on the matter said no.", "said", "People", "a shortened relative clause"),
    ("On Monday, in a speech, Fidan also said no.", "said", "Fidan", "adverbs and dates"),
    ("He says that Kyiv rejects this.", "rejects", "Kyiv", "a clause within a clause"),
    ("Kyiv was urged to agree.", "urged", "Kyiv", "a passive has a subject too"),
    ("The talks, “a farce,” Fidan said, go on.", "said", "Fidan", "words quoted are no part of the clause"),
]


@pytest.mark.parametrize("body, verb, expected, why", SUBJECTS, ids=[why for *_, why in SUBJECTS])
def test_subject(body, verb, expected, why):
    articles = helpers.as_articles(pd.DataFrame({"article_id": ["0"], "body": [body]}))
    tokens = helpers.tokenize(articles, CODEBOOK)
    phrase = helpers.Clauses(tokens, CODEBOOK).subject(tokens["token"].tolist().index(verb))
    assert body[tokens["start"][phrase.first]:tokens["end"][phrase.last]] == expected, why


def test_agent_of_a_passive():
    articles = helpers.as_articles(pd.DataFrame({"article_id": ["0"], "body": ["The plan was rejected by Kyiv."]}))
    tokens = helpers.tokenize(articles, CODEBOOK)
    phrase = helpers.Clauses(tokens, CODEBOOK).agent(3)
    assert tokens["token"][phrase.first] == "Kyiv"


PIECES = st.sampled_from(["“", "”", '"', "‘", "’", "'", "''", "``", "«", "»", ",", ".", "?", ":", " ", "\n\n", "—", "(", ")", "Peskov",
                          "said", "told", "reporters", "that", "he", "we", "the", "of", "talks", "Kyiv", "according to", "and",
                          "who", "was", "asked", "Fidan", "2", "statement", "'s"])


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
    full, none = read("“Yes,” Peskov said.")[1], read("Nothing happened here.")[1]
    assert len(none) == 0 and len(read("")[1]) == 0
    assert list(full.columns) == list(helpers.QUOTE_COLUMNS) and full.dtypes.equals(none.dtypes)


def test_inputs_unchanged_and_same_answer_twice():
    articles, _ = read("“Yes,” Peskov said. He said that talks go on.", "Fidan called it “a start”.")
    tokens = helpers.tokenize(articles, CODEBOOK)
    mentions = helpers.find_mentions(articles, tokens, CODEBOOK)
    before = articles.copy(deep=True), tokens.copy(deep=True), mentions.copy(deep=True)
    first, second = (helpers.find_quotes(articles, tokens, mentions, CODEBOOK) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    for frame, copy in zip((articles, tokens, mentions), before):
        pd.testing.assert_frame_equal(frame, copy)


def test_articles_do_not_touch():
    bodies = ["“We are ready,” Peskov said.", "“Nobody came.”", "“He is late,” he said."]
    together = read(*bodies)[1]
    alone = pd.concat([read(body)[1] for body in bodies], ignore_index=True)
    pd.testing.assert_frame_equal(together.drop(columns="article_id"), alone.drop(columns="article_id"))

"""Our VADER against nltk's own, sentence by sentence."""

import random

import pandas as pd
import pytest

from conftest import real_records
from helpers import _STRAIGHT, _vader, as_articles, load_codebook, score_sentences, tokenize

SCORES = ["compound", "pos", "neu", "neg"]


def differences(articles, codebook=None):
    """Sentences on which nltk says something else, with both scores."""
    scored = score_sentences(articles, tokenize(articles), codebook)
    analyser = _vader(None if codebook is None else codebook.tone)
    expected = pd.DataFrame([analyser.polarity_scores(t.translate(_STRAIGHT)) for t in scored["sentence_text"]],
                            columns=SCORES, dtype=float)
    wrong = (scored[SCORES].to_numpy() != expected.to_numpy()).any(axis=1)
    return len(scored), scored.loc[wrong, ["sentence_text", *SCORES]]


def test_known_values():
    """Values worked out with nltk 3.10.4 by hand: a booster, a negation, a "but"."""
    articles = as_articles(pd.DataFrame({"body": ["A good plan.\nA very good plan.\nNot a good plan.\nA good plan, but a terrible day."]}))
    compound = score_sentences(articles, tokenize(articles))["compound"]
    assert compound.iloc[1] > compound.iloc[0] > 0 > compound.iloc[2] > compound.iloc[3]


def test_tone_csv_takes_subject_words_out():
    codebook = load_codebook()
    subject = codebook.tone.loc[codebook.tone["valence"] == 0, "word"].iloc[0]
    articles = as_articles(pd.DataFrame({"body": [f"They spoke of the {subject} today."]}))
    assert score_sentences(articles, tokenize(articles))["compound"].iloc[0] != 0
    assert score_sentences(articles, tokenize(articles), codebook)["compound"].iloc[0] == 0


def generated(count, seed=7):
    """Sentences of lexicon words, capitals, repeats, boosters, negations, idioms, emoticons and runs of marks."""
    rng, analyser = random.Random(seed), _vader()
    rules = analyser.constants
    lexicon = list(analyser.lexicon)
    few = [rng.choice(lexicon) for _ in range(40)]
    others = [*rules.BOOSTER_DICT, *sorted(rules.NEGATE), *rules.SPECIAL_CASE_IDIOMS, "never", "so", "this", "least", "at",
              "very", "but", "BUT", "kind", "of", "without", "doubt", "the", "talks", "X", "-", "NEVER", ":)", ":-("]

    def word():
        text = rng.choice(rng.choice([lexicon, few, others]))
        text = rng.choice([text] * 8 + [text.upper(), text.capitalize()])
        mark = rng.choice([*rules.PUNC_LIST, "(", ")", "...", "“", "’", "?", "!", "!!!!!", ".,"])
        return rng.choice([text] * 7 + [text + mark, mark + text, mark + text + mark])

    return [" ".join(word() for _ in range(rng.randint(1, 16))) for _ in range(count)]


@pytest.mark.parametrize("adjusted", [False, True])
def test_equal_to_nltk_on_generated_sentences(adjusted):
    articles = as_articles(pd.DataFrame({"body": generated(4000)}))
    n, wrong = differences(articles, load_codebook() if adjusted else None)
    assert n >= 4000 and not len(wrong), wrong.head().to_string()


def test_equal_to_nltk_on_real_sentences():
    articles = as_articles(pd.DataFrame({"body": [record["text"] or "" for record in real_records()]}))
    n, wrong = differences(articles)
    assert n > 5000 and not len(wrong), wrong.head().to_string()

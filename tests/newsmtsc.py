"""Tone towards named targets against human judgement: the sentences of NewsMTSC (Hamborg and Donnay 2021), where they are at hand.

    python tests/newsmtsc.py ../shared/real/newsmtsc_train.jsonl

Prints macro-F1 of three classes (bad, neither, good; beyond 0.05 on the score) for the sentence's tone, for the clause's and for
tone_towards, on two halves of the sentences; the word lists were written without looking at the second half's answers.
"""

import hashlib
import json
import sys
from pathlib import Path

import pandas as pd

import helpers


def read(path):
    """(articles, targets): a sentence an article; a target a row with article_id, start, end, gold (-1, 0, 1) and half."""
    sentences = [json.loads(line) for line in Path(path).read_text("utf-8").splitlines()]
    articles = helpers.as_articles(pd.DataFrame({"article_id": [str(i) for i in range(len(sentences))],
                                                 "body": [s["sentence_normalized"] for s in sentences]}))
    targets = pd.DataFrame([{"article_id": str(i), "start": t["from"], "end": t["to"], "gold": int(t["polarity"] / 2) - 2}
                            for i, s in enumerate(sentences) for t in s["targets"]])
    second = [int(hashlib.md5(a.encode()).hexdigest(), 16) % 2 for a in targets["article_id"]]
    return articles, targets.assign(half=["first" if s == 0 else "second" for s in second])


def macro_f1(gold, score):
    """Mean F1 of the classes bad, neither and good."""
    found = (score > 0.05).astype(int) - (score < -0.05).astype(int)
    each = [2 * ((gold == c) & (found == c)).sum() / max((gold == c).sum() + (found == c).sum(), 1) for c in (-1, 0, 1)]
    return sum(each) / 3


def main(path):
    articles, targets = read(path)
    codebook = helpers.load_codebook()
    tokens = helpers.tokenize(articles, codebook)
    towards = helpers.tone_towards(articles, tokens, targets, codebook)
    mean = helpers.score_sentences(articles, tokens, codebook).groupby("article_id")["compound"].mean()
    scores = towards.assign(sentence=towards["article_id"].map(mean))
    for half, rows in [("all", scores), *scores.groupby("half")]:
        print(f"{half:<7} {len(rows):5} targets   sentence {macro_f1(rows['gold'], rows['sentence']):.4f}   "
              f"tone_towards {macro_f1(rows['gold'], rows['tone']):.4f}")
    print(scores.groupby("role")["gold"].value_counts().unstack())


if __name__ == "__main__":
    main(sys.argv[1])

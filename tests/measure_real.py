"""The measures against the hand-coded real records, whose texts may not be passed on: figures only.

    python tests/measure_real.py ../shared/real/news_export.jsonl.gz

Writes data/gold/measured_real.csv, with the columns of helpers.validity_by_level (level, half, articles, measure, n, value, low,
high, note); the level "agreement" is that of the two passes, by helpers.coder_agreement, on both halves. Notebook 08 reads it.
"""

import sys
from pathlib import Path

import pandas as pd

import helpers

GOLD = Path(__file__).resolve().parent.parent / "data" / "gold" / "real"
FIGURES = GOLD.parent / "measured_real.csv"


def measured(export):
    """The table of all figures, rounded, for the export that holds the texts."""
    codebook = helpers.load_codebook()
    articles, coded = helpers.load_gold(GOLD, articles=helpers.load_articles(export, codebook=codebook))
    agreed = helpers.coder_agreement(articles, coded["coder_a"], coded["coder_b"], codebook)
    scores = helpers.validity_by_level(articles, coded, codebook)
    agreed = agreed.assign(level="agreement", half="both", articles=len(articles))
    return pd.concat([scores, agreed], ignore_index=True).round(3)[scores.columns]


if __name__ == "__main__":
    measured(sys.argv[1]).to_csv(FIGURES, index=False)
    print(FIGURES)

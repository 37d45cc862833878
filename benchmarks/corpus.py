"""Text to measure speed on: real news where it lies beside the project, else the teaching corpus, made larger with varied words."""

import gzip
import json
import random
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REAL = ROOT.parent / "shared" / "real"
CHANGED = 0.05                                                  # share of the longer words that a copy does not share


def source_texts():
    """(where the texts come from, texts): the real export and the annotated articles, or the pages of data/articles."""
    export, annotated = REAL / "news_export.jsonl.gz", sorted((REAL / "polnear_train").glob("*.txt"))
    if not export.exists():
        return "data/articles", [path.read_text(encoding="utf-8") for path in sorted((ROOT / "data/articles").glob("*.txt"))]
    with gzip.open(export, "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    return "../shared/real", texts + [path.read_text(encoding="utf-8") for path in annotated]


def write_corpus(path, words):
    """Write at least `words` words as JSON lines (article_id, published, text).

    Every copy of a text after the first has endings of its own on one longer word in twenty, so that the vocabulary grows
    with the corpus, as it does in news. Returns {"source": where from, "articles": n, "words": n, "megabytes": of text}.
    """
    source, texts = source_texts()
    chance = random.Random(7)
    made = {"source": source, "articles": 0, "words": 0, "megabytes": 0.0}
    copy = 0
    with open(path, "w", encoding="utf-8") as file:
        while made["words"] < words:
            ending = "q" + chr(97 + copy // 26) + chr(97 + copy % 26)
            for text in texts:
                if copy:
                    text = re.sub("[A-Za-z]{4,}", lambda m: m[0] + ending if chance.random() < CHANGED else m[0], text)
                record = {"article_id": str(made["articles"]), "published": "2025-05-17", "text": text}
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
                made["articles"] += 1
                made["words"] += len(text.split())
                made["megabytes"] += len(text.encode()) / 1e6
                if made["words"] >= words:
                    break
            copy += 1
    return made

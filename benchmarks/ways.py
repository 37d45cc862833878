"""The core job done three ways, one way a process: `python benchmarks/ways.py WAY CORPUS` prints times and memory as JSON.

The job: a tidy table of all tokens with their sentences, mentions of actors, stance terms, and sentence sentiment.
Reading the corpus and the word lists is not timed.
"""

import json
import re
import resource
import sys
import time
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
TIMES = {}                                                      # stage: (wall seconds, CPU seconds)


@contextmanager
def stage(name):
    """Time a stage; one that comes again adds to its time."""
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    before = TIMES.get(name, (0, 0))
    TIMES[name] = (before[0] + time.perf_counter() - wall, before[1] + time.process_time() - cpu)


def read_corpus(path):
    """The corpus as a frame: article_id, published, text."""
    import pandas as pd
    with open(path, encoding="utf-8") as lines:
        return pd.DataFrame(map(json.loads, lines)).astype({"published": "datetime64[us]"})


def floor(path):
    """The least that any way has to do: cut the text into words once."""
    texts = read_corpus(path)["text"].tolist()
    with stage("findall"):
        return {"tokens": sum(len(re.findall(r"\w+", text)) for text in texts)}


def ours(path):
    """The helpers."""
    import helpers
    codebook = helpers.load_codebook()
    articles = helpers.as_articles(read_corpus(path))
    helpers.score_sentences(articles[:1], helpers.tokenize(articles[:1]))       # what is imported on first use
    with stage("tokenize"):
        tokens = helpers.tokenize(articles, codebook)
    with stage("find_mentions"):
        mentions = helpers.find_mentions(articles, tokens, codebook)
    with stage("find_terms"):
        terms = helpers.find_terms(tokens, codebook.stances, "stance")
    with stage("score_sentences"):
        sentences = helpers.score_sentences(articles, tokens)
    return {"tokens": len(tokens), "mentions": len(mentions), "terms": len(terms), "sentences": len(sentences)}


def reading(path):
    """The helpers beyond the core job: loading, quotations, statements."""
    import helpers
    codebook = helpers.load_codebook()
    with stage("load_articles"):
        articles = helpers.load_articles(path, codebook=codebook)
    articles = helpers.as_articles(read_corpus(path))
    tokens = helpers.tokenize(articles, codebook)
    mentions = helpers.find_mentions(articles, tokens, codebook)
    with stage("find_quotes"):
        quotes = helpers.find_quotes(articles, tokens, mentions, codebook)
    with stage("find_statements"):
        statements = helpers.find_statements(articles, tokens, mentions, quotes, codebook)
    return {"quotes": len(quotes), "statements": len(statements)}


# -- nltk and pandas, as a tutorial does it -----------------------------------------------------------------------------

def naive(path):
    """Apply, explode, one regular expression a word list, VADER a sentence at a time."""
    from nltk.tokenize import NLTKWordTokenizer, PunktSentenceTokenizer

    import helpers
    codebook, frame = helpers.load_codebook(), read_corpus(path)
    analyser = helpers._vader()
    with stage("tokenize"):
        frame["sentences"] = frame["text"].apply(PunktSentenceTokenizer().tokenize)
        frame["tokens"] = frame["sentences"].apply(lambda sentences: list(map(NLTKWordTokenizer().tokenize, sentences)))
        tokens = frame[["article_id", "tokens"]].explode("tokens", ignore_index=True).rename(columns={"tokens": "token"})
        tokens["sentence"] = tokens.groupby("article_id").cumcount()
        tokens = tokens.explode("token", ignore_index=True)
    with stage("find_mentions"):
        actors = codebook.actors
        exact = actors["case"] == "exact"
        mentions = [pattern_hits(frame, actors[exact], "actor", ""), pattern_hits(frame, actors[~exact], "actor", "(?i)")]
    with stage("find_terms"):
        terms = pattern_hits(frame, codebook.stances, "stance", "(?i)")
    with stage("score_sentences"):
        sentences = frame[["article_id", "sentences"]].explode("sentences", ignore_index=True).dropna()
        sentences["compound"] = sentences["sentences"].apply(lambda text: analyser.polarity_scores(text)["compound"])
    return {"tokens": len(tokens), "mentions": sum(map(len, mentions)), "terms": len(terms), "sentences": len(sentences)}


def pattern_hits(frame, table, by, flags):
    """One row a match of the table's patterns: article_id, match, category. One alternation, the longest pattern first,
    is the faster of the two usual ways (the other is an expression a category)."""
    patterns = dict(zip(table["pattern"], table[by]))
    expression = re.compile(flags + r"(?<!\w)(?:" + "|".join(map(as_regex, sorted(patterns, key=len, reverse=True))) + r")(?!\w)")
    hits = frame[["article_id"]].assign(match=frame["text"].apply(expression.findall)).explode("match").dropna()
    globs = [(re.compile("(?i)" + as_regex(pattern)), category) for pattern, category in patterns.items() if re.search(r"[*?|]", pattern)]
    category = {surface: patterns.get(surface) or next((c for glob, c in globs if glob.fullmatch(surface)), None)
                for surface in hits["match"].unique()}
    return hits.assign(category=hits["match"].map(category))


def as_regex(pattern):
    """A glob on words as a regular expression; a word may list alternatives ("will|may go")."""
    words = [re.escape(word).replace(r"\*", r"\w*").replace(r"\?", r"\w").replace(r"\|", "|") for word in pattern.split()]
    return r"\ ".join(f"(?:{word})" if "|" in word else word for word in words)


# -- spaCy: blank English, PhraseMatcher for plain phrases, Matcher for globs -------------------------------------------

def spacy(path):
    """Compiled tokenizer and matchers, without sentiment; in blocks, since its documents are heavy."""
    import numpy as np
    import pandas as pd
    import spacy as library
    from spacy.attrs import IDX, ORTH, SENT_START
    from spacy.util import filter_spans

    import helpers
    codebook, frame = helpers.load_codebook(), read_corpus(path)
    nlp = library.blank("en")
    nlp.add_pipe("sentencizer")
    actors, stances = matchers(nlp, codebook.actors, "actor"), matchers(nlp, codebook.stances, "stance")
    tables, found = [], {"find_mentions": [], "find_terms": []}
    for first in range(0, len(frame), 1000):
        block = frame.iloc[first:first + 1000]
        with stage("tokenize"):
            docs = list(nlp.pipe(block["text"]))
            arrays = [doc.to_array([ORTH, IDX, SENT_START]) for doc in docs]
            rows = np.concatenate(arrays)
            code, words = pd.factorize(rows[:, 0])
            tables.append(pd.DataFrame({
                "article_id": np.repeat(block["article_id"].to_numpy(object), list(map(len, arrays))),
                "sentence": np.cumsum(rows[:, 2] == 1), "start": rows[:, 1].astype(np.int32),
                "token": pd.Categorical.from_codes(code, [nlp.vocab.strings[int(word)] for word in words])}))
        for name, pair in (("find_mentions", actors), ("find_terms", stances)):
            with stage(name):
                for article_id, doc in zip(block["article_id"], docs):
                    spans = filter_spans([span for matcher in pair for span in matcher(doc, as_spans=True)])
                    found[name] += [(article_id, span.start_char, span.end_char, span.label_) for span in spans]
    with stage("tokenize"):
        tokens = pd.concat(tables, ignore_index=True)
    with stage("find_mentions"):
        mentions = pd.DataFrame(found["find_mentions"], columns=["article_id", "start", "end", "actor"])
    with stage("find_terms"):
        terms = pd.DataFrame(found["find_terms"], columns=["article_id", "start", "end", "stance"])
    return {"tokens": len(tokens), "mentions": len(mentions), "terms": len(terms)}


def matchers(nlp, table, by):
    """Matchers for a word list: phrases by exact case, phrases in any case, globs (those of one word in one expression)."""
    from spacy.matcher import Matcher, PhraseMatcher

    exact, plain, globs = PhraseMatcher(nlp.vocab, "ORTH"), PhraseMatcher(nlp.vocab, "LOWER"), Matcher(nlp.vocab)
    for category, rows in table.groupby(by):
        cased = rows["case"] == "exact" if "case" in rows else rows["pattern"] == ""
        glob = rows["pattern"].str.contains(r"[*?|]")
        exact.add(category, list(map(nlp.make_doc, rows.loc[cased & ~glob, "pattern"])))
        plain.add(category, list(map(nlp.make_doc, rows.loc[~cased & ~glob, "pattern"])))
        patterns = [pattern.lower().split() for pattern in rows.loc[glob, "pattern"]]
        single = "|".join(as_regex(words[0]) for words in patterns if len(words) == 1)
        several = [[{"LOWER": {"REGEX": f"^{as_regex(word)}$"} if re.search(r"[*?]", word) else {"IN": word.split("|")}} for word in words]
                   for words in patterns if len(words) > 1]
        if single or several:
            globs.add(category, several + [[{"LOWER": {"REGEX": f"^(?:{single})$"}}]] * bool(single))
    return [matcher for matcher in (exact, plain, globs) if len(matcher)]


if __name__ == "__main__":
    way, corpus = sys.argv[1:]
    made = {"floor": floor, "ours": ours, "reading": reading, "naive": naive, "spacy": spacy}[way](corpus)
    # Peak resident memory: kB on Linux, bytes on macOS.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    print(json.dumps({"times": TIMES, "peak_mb": round(peak), "made": made}))

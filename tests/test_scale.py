"""Many articles: fast ways give what the plain ways give; blocks, processes and Dask give what one frame gives."""

import io
import random
import re
import subprocess
import sys

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import helpers
from conftest import ROOT, real_records
from helpers import as_articles, load_articles, load_codebook, measure_articles, tokenize

CODEBOOK = load_codebook()


def generated(count, seed=3):
    """Articles of words, abbreviations, numbers and marks, with every kind of space between them."""
    rng = random.Random(seed)
    words = ["Lind", "said", "the", "The", "U.S.", "Gen.", "No.", "5", "1", "000", "2-3", "don't", "Berg’s", "agreed.The", "“We",
             "agree.”", "half½", "e\u0301te\u0301", "(Norhaven)", "why?", "wait...", "Æthel", "\U0001f600", "a.b@c.org", "x/y.Then"]
    spaces = [" "] * 12 + ["\n", "\r\n", "\n\n", "\u00a0", "\u2009", "\u3000", "\x1c", "\u2028", "  "]
    bodies = ["".join(rng.choice(words) + rng.choice(spaces) for _ in range(rng.randrange(60))) for _ in range(count)]
    return as_articles(pd.DataFrame({"body": bodies, "title": [rng.choice([None, "", "Talks end. A title"]) for _ in bodies],
                                     "lead": [rng.choice([None, "A lead\nof two lines."]) for _ in bodies]}))


# -- the plain way ------------------------------------------------------------------------------------------------------

CHUNK = re.compile(r"(?:\S|(?<=[0-9])[\u00a0\u2009\u202f](?=[0-9]))+")


def plain_tokens(article, kinds, starters):
    """The rows of one article, a chunk at a time: (part, paragraph, sentence, start, end, token)."""
    rows, paragraph, sentence, before, reached = [], 0, 0, None, 0
    text = article.text if isinstance(article.text, str) else ""
    starts = [sum(len(p) + 2 for p in (article.title, article.lead)[:n] if isinstance(p, str) and p) for n in (1, 2)]
    for chunk in CHUNK.finditer(text):
        cuts = [0, len(chunk[0])]
        if "/" not in chunk[0] and "@" not in chunk[0]:
            cuts[1:1] = [m.end() for m in helpers._GLUED_SENTENCES.finditer(chunk[0])]
        for first, last in zip(cuts, cuts[1:]):
            piece, start = chunk[0][first:last], chunk.start() + first
            ends, capital, digit, starter, soft, number = role = helpers._sentence_role(piece, kinds, starters)
            new_line = before is not None and re.search(r"[\n\r]", text[reached:start]) is not None
            may_begin = before and before[0] and (starter if before[4] else capital or (digit and not before[5]))
            paragraph, sentence = paragraph + new_line, sentence + bool(new_line or may_begin)
            for m in helpers.TOKEN.finditer(piece):
                at = start + m.start()
                rows.append((("title", "lead", "body")[sum(at >= s for s in starts)], paragraph, sentence, at, start + m.end(), m[0]))
            before, reached = role, start + len(piece)
    return rows


def assert_tokens_are_plain(articles):
    tokens = tokenize(articles, CODEBOOK).astype({"part": "str", "token": "str", "article_id": "str"})
    kinds = dict(zip(CODEBOOK.abbreviations["abbreviation"], CODEBOOK.abbreviations["kind"]))
    starters = {word.capitalize() for word in CODEBOOK.stopwords["word"]}
    columns = ["part", "paragraph", "sentence", "start", "end", "token"]
    expected = [(article.article_id, *row) for article in articles.itertuples() for row in plain_tokens(article, kinds, starters)]
    found = list(tokens[["article_id", *columns]].itertuples(index=False, name=None))
    assert len(found) > 1000 and found == expected
    assert tokens["lower"].tolist() == [row[-1].lower().replace("’", "'") for row in expected]


@pytest.mark.parametrize("block", [4_000_000, 50])
def test_tokens_are_those_of_the_plain_way(block, monkeypatch):
    """Also where the text is worked on in many blocks."""
    monkeypatch.setattr(helpers, "_BLOCK", block)
    assert_tokens_are_plain(generated(200))


def test_tokens_of_real_text_are_those_of_the_plain_way():
    assert_tokens_are_plain(as_articles(pd.DataFrame({"body": [record["text"] for record in real_records()[:100]]})))


def test_scores_do_not_depend_on_the_size_of_blocks(monkeypatch):
    articles = generated(60)
    tokens = tokenize(articles)
    whole = helpers.score_sentences(articles, tokens, CODEBOOK)
    monkeypatch.setattr(helpers, "_SENTENCES", 7)
    assert_frame_equal(helpers.score_sentences(articles, tokens, CODEBOOK), whole)


def test_rounding_is_python_s():
    values = [sign * (n + half) / 10**4 for n in range(0, 9999, 7) for half in (0, 0.4999999, 0.5, 0.5000001) for sign in (1, -1)]
    assert helpers._rounded(pd.Series(values).to_numpy(), 4).tolist() == [round(value, 4) for value in values]


# -- blocks and processes -----------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def corpus():
    """Six of the teaching articles, and what they measure as one frame."""
    articles = load_articles(ROOT / "data" / "articles", codebook=CODEBOOK).iloc[:6]
    return articles, measure_articles(articles, CODEBOOK)


@pytest.mark.parametrize("jobs", [1, 2])
def test_blocks_and_processes_change_nothing(corpus, jobs, monkeypatch):
    articles, expected = corpus
    monkeypatch.setattr(helpers, "_ARTICLES", 4)
    assert_frame_equal(measure_articles(articles, CODEBOOK, jobs=jobs), expected)
    blocks = measure_articles((articles.iloc[i:i + 4] for i in range(0, 6, 4)), CODEBOOK, jobs=jobs)
    assert_frame_equal(pd.concat(blocks, ignore_index=True), expected)


def test_blocks_are_taken_one_by_one():
    """So that a corpus larger than memory passes through."""
    taken = []
    blocks = measure_articles((taken.append(i) or generated(2, seed=i) for i in range(5)), CODEBOOK)
    for seen, block in enumerate(blocks, start=1):
        assert len(block) == 2 and len(taken) <= seen + 1
    assert taken == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("terminal, setting, shown", [(True, None, True), (False, None, False), (True, "1", False)])
def test_progress_is_shown_in_terminals_but_not_in_reports(terminal, setting, shown, monkeypatch):
    """A kernel's output is no terminal; there ipykernel is loaded, which here it is not."""
    stderr = io.StringIO()
    stderr.isatty = lambda: terminal
    monkeypatch.setattr(sys, "stderr", stderr)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    monkeypatch.setenv("TQDM_DISABLE", setting) if setting else monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.setattr(helpers, "_QUIET_SECONDS", 0)
    list(measure_articles(iter([generated(3)]), CODEBOOK))
    assert ("3 articles" in stderr.getvalue()) == shown


# -- Dask ---------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def cluster():
    """Two worker processes on this machine; on a cluster, Client("its address") is all that changes."""
    import dask
    from distributed import Client, LocalCluster
    strings_as_they_are = dask.config.set({"dataframe.convert-string": False})     # pandas' own str holds Arrow already
    with strings_as_they_are, LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as workers:
        with Client(workers) as client:
            yield client


@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_dask_measures_row_for_row_what_pandas_does(corpus, cluster, tmp_path, kind):
    import dask.dataframe as dd
    articles, expected = corpus
    empty = articles.iloc[:0]
    parts = [tmp_path / f"part-{i}.{kind}" for i in range(3)]
    for i, part in enumerate(parts):
        rows = articles.iloc[2 * i:2 * i + 2]
        rows.to_parquet(part) if kind == "parquet" else rows.to_json(part, orient="records", lines=True, date_format="iso")
    if kind == "parquet":
        frame = dd.read_parquet(tmp_path)
    else:
        frame = dd.from_map(load_articles, parts, codebook=CODEBOOK, meta=empty)
        expected = measure_articles(pd.concat([load_articles(part, codebook=CODEBOOK) for part in parts]), CODEBOOK)
    measured = frame.map_partitions(measure_articles, CODEBOOK, meta=measure_articles(empty, CODEBOOK))
    assert measured.npartitions == 3 and len(cluster.scheduler_info()["workers"]) == 2
    assert_frame_equal(measured.compute().reset_index(drop=True), expected)


def test_importing_helpers_loads_nothing_heavy():
    heavy = {"nltk", "scipy", "trafilatura", "openpyxl", "matplotlib", "joblib", "tqdm", "krippendorff", "charset_normalizer", "IPython"}
    code = "import sys, helpers; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert "pandas" in loaded and not heavy & set(loaded)

"""The teaching corpus keeps its own rules: real people say only what is on record, every page says what it is."""

import csv
import re
from pathlib import Path

import pandas as pd
import pytest

from conftest import REAL, real_records
from helpers import find_mentions, find_quotes, load_articles, load_codebook, problems, tokenize

DATA = Path(__file__).resolve().parent.parent / "data"
MARK = "Composed for teaching; this outlet does not exist"
SHEET = pd.read_csv(DATA / "articles.csv", dtype="str", keep_default_na=False)
PAGES = sorted((DATA / "articles").glob("*.txt"))


@pytest.fixture(scope="module")
def corpus():
    codebook = load_codebook()
    articles = load_articles(DATA / "articles", codebook=codebook)
    tokens = tokenize(articles)
    return articles, find_quotes(articles, tokens, find_mentions(articles, tokens, codebook), codebook)


def test_sheet_and_pages_name_each_other():
    assert sorted(SHEET["file"]) == [page.name for page in PAGES] and SHEET["url"].str.contains(r"\.invalid/").all()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_first_and_last_line_say_what_it_is(page):
    lines = page.read_text("utf-8").rstrip("\n").split("\n")
    assert lines[0] == lines[-1] == MARK


def test_fact_ids_exist():
    known = set(pd.read_csv(DATA / "gold" / "facts.csv", dtype="str")["id"])
    assert set(";".join(SHEET["facts"]).split(";")) <= known


def test_pages_are_taken_apart(corpus):
    articles, _ = corpus
    assert not len(problems(articles)) and articles["composed"].all()
    assert articles["title"].notna().all() and not articles["text"].str.contains("Composed for teaching|Photo:|Read also|Tags:").any()
    words = articles["text"].str.split().str.len()
    assert words.between(200, 460).all(), words.to_dict()


def test_named_people_are_given_only_phrases_on_record(corpus):
    """Between quotation marks a named person of the codebook has nothing but a listed phrase, on or after its day."""
    articles, quotes = corpus
    phrases = pd.read_csv(DATA / "gold" / "phrases.csv", dtype="str")
    people = load_codebook().actors.query("kind == 'person' and form == 'name'")["actor"]
    said = quotes[quotes["kind"].isin(["speech", "fragment"]) & quotes["speaker"].isin(people)
                  & ~quotes["rule"].isin(["pronoun", "last speaker", "last subject", "continued"])]
    days = dict(zip(articles["article_id"], articles["published"]))
    for row in said.itertuples():
        words = row.quote.replace("’", "'").rstrip(",.")
        listed = phrases[(phrases["speaker"] == row.speaker) & phrases["phrase"].map(lambda p: p.replace("’", "'") == words)]
        assert len(listed) and pd.Timestamp(listed["date"].iloc[0]) <= days[row.article_id], (row.article_id, row.speaker, row.quote)


def test_no_ten_words_in_a_row_from_a_real_article():
    real = [record["text"] or "" for record in real_records()] + [(REAL / "seed_article.txt").read_text("utf-8")]

    def runs(text):
        words = re.findall(r"[a-z0-9]+", text.lower())
        return {tuple(words[i:i + 10]) for i in range(len(words) - 9)}

    taken = set().union(*map(runs, real))
    assert not [page.name for page in PAGES if runs(page.read_text("utf-8")) & taken]


def test_planted_rows_are_well_formed():
    with open(DATA / "gold" / "planted.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["id"] for row in rows}) == len(rows) and {row["sign"] for row in rows} <= {"1", "-1", "0"}

"""Shared helpers of Across the Table: from saved articles to tables, each count with the sentence it came from.

Read top to bottom, in the order in which data flows:

    files -> load_articles -> articles -> tokenize -> tokens
    tokens -> find_mentions, find_quotes, find_statements, score_sentences -> one table each
    any table with article_id, start and end -> evidence: the sentences behind it

Tables in, tables out: every function leaves its inputs as they are, and the same input gives the same output. `start` and
`end` are offsets into `articles.text`; `text[start:end]` is always the very surface that was counted.
"""

import csv
import gzip
import hashlib
import html
import importlib.util
import io
import json
import os
import re
import string
import sys
from bisect import bisect_left
from collections import defaultdict
from copy import copy
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from functools import cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

DATA = Path(__file__).resolve().parent / "data"

# ---------------------------------------------------------------------------------------------------------------
# 1. The codebook: every word list an analyst may want to change, as CSV files
# ---------------------------------------------------------------------------------------------------------------

# What each column of each file may hold. `required`: not empty; `optional`: may be empty; `date`, `number`, `pattern`;
# anything with a bar: one of these words.
CODEBOOK_COLUMNS = {
    "actors": {"actor": "required", "side": "optional", "kind": "state|person|organisation|bloc|collective|",
               "form": "name|capital|metonym|demonym|role|", "pattern": "pattern", "case": "exact|", "since": "date",
               "until": "date", "unless_after": "optional", "pronoun": "he|she|it|they|", "note": "optional"},
    "sides": {"side": "required", "role": "party|ally|mediator|other", "order": "number", "label": "required",
              "colour": "required", "marker": "required"},
    "events": {"event": "required", "date": "date", "label": "required", "round": "optional"},
    "stances": {"stance": "required", "direction": "-1|0|1", "sign": "-1|0|1|", "pattern": "pattern",
                "holder": "speaker|", "note": "optional"},
    "issues": {"issue": "required", "proposition": "optional", "pattern": "pattern", "note": "optional"},
    "naming": {"concept": "required", "variant": "required", "pattern": "pattern", "case": "exact|", "note": "optional"},
    "cues": {"pattern": "pattern", "manner": "required", "note": "optional"},
    "voices": {"pattern": "pattern", "speaker_type": "official|military|expert|organisation|ordinary|unnamed",
               "note": "optional"},
    "grammar": {"role": "required", "pattern": "pattern", "note": "optional"},
    "tone": {"word": "required", "valence": "number", "reason": "required"},
    "furniture": {"pattern": "required", "where": "line|start|end", "sets": "optional", "note": "optional"},
    "abbreviations": {"abbreviation": "required", "kind": "title|number|other", "note": "optional"},
    "stopwords": {"word": "required"},
}
LANGUAGE_FILES = {"cues", "voices", "grammar", "tone", "furniture", "abbreviations", "stopwords"}
OPTIONAL_FILES = {"events", "naming"}


@dataclass(frozen=True, eq=False)
class Codebook:
    """The vocabulary: one DataFrame a file, all cells text but `order`, `direction`, `valence` (numbers) and dates."""

    actors: pd.DataFrame
    sides: pd.DataFrame
    events: pd.DataFrame
    stances: pd.DataFrame
    issues: pd.DataFrame
    naming: pd.DataFrame
    cues: pd.DataFrame
    voices: pd.DataFrame
    grammar: pd.DataFrame
    tone: pd.DataFrame
    furniture: pd.DataFrame
    abbreviations: pd.DataFrame
    stopwords: pd.DataFrame


def load_codebook(folder=None):
    """Read the codebook of a folder of CSV files.

    folder: path; None takes $CODEBOOK, else data/codebook beside this module. Files about the language
        (cues, voices, grammar, tone, furniture, abbreviations, stopwords) that are not there come from data/codebook;
        events and naming may be missing.
    Returns a Codebook.
    Raises FileNotFoundError for a missing folder or file, ValueError for a mistake: file, line, column, what was found
        and what is allowed.
    """
    folder = Path(folder or os.environ.get("CODEBOOK") or DATA / "codebook")
    if not folder.is_dir():
        raise FileNotFoundError(f"no codebook folder at {folder}")
    tables = {}
    for name in CODEBOOK_COLUMNS:
        path = folder / f"{name}.csv"
        if not path.exists() and name in LANGUAGE_FILES:
            path = DATA / "codebook" / f"{name}.csv"
        if path.exists():
            tables[name] = _read_codebook_table(path)
        elif name in OPTIONAL_FILES:
            tables[name] = codebook_table(name, [])
        else:
            raise FileNotFoundError(f"the codebook in {folder} has no {name}.csv; it needs the columns "
                                    + ", ".join(CODEBOOK_COLUMNS[name]))
    _check_sides(tables["actors"], tables["sides"])
    for name, by in {"actors": "actor", "stances": "stance", "issues": "issue"}.items():
        _check_unique(name, tables[name], by)
    return Codebook(**{name: table.reset_index(drop=True) for name, table in tables.items()})


@cache
def _default_codebook():
    """The project's own codebook, read once: tokenize needs its abbreviations even where no codebook is given."""
    return load_codebook(DATA / "codebook")


def _read_codebook_table(path):
    """One codebook file as a DataFrame of checked cells, indexed by the line that each row stands on."""
    lines = ["" if line.startswith("#") else line for line in path.read_text("utf-8-sig").splitlines()]
    header = next((line for line in lines if line.strip()), "")
    reader = csv.reader(lines, delimiter=";" if header.count(";") > header.count(",") else ",", skipinitialspace=True)
    rows = {reader.line_num: [cell.strip() for cell in row] for row in reader if any(map(str.strip, row))}
    first, columns = next(iter(rows.items()), (1, []))
    rules = CODEBOOK_COLUMNS[path.stem]
    needed = [c for c, rule in rules.items() if rule not in ("optional", "date") and "" not in rule.split("|")]
    if missing := [c for c in needed if c not in columns]:
        raise ValueError(f"{path.name}, line {first}: no column {', '.join(missing)}; the columns are {', '.join(rules)}")
    rows.pop(first)
    for line, cells in rows.items():
        if len(cells) > len(columns):
            raise ValueError(f"{path.name}, line {line}: {len(cells)} cells under {len(columns)} columns; "
                             f"put quotation marks around a cell that contains the separator")
    cells = [cells + [""] * (len(columns) - len(cells)) for cells in rows.values()]
    return _checked(path.name, pd.DataFrame(cells, index=list(rows), columns=columns, dtype="str"), rules)


def codebook_table(name, rows):
    """One codebook table from a few rows (dicts): for trying a measure in miniature. Cells left out are empty."""
    cells = [{column: str(value) for column, value in row.items()} for row in rows]
    frame = pd.DataFrame(cells, index=range(1, len(rows) + 1), dtype="str").fillna("")
    return _checked(name, frame, CODEBOOK_COLUMNS[name]).reset_index(drop=True)


def _checked(file, frame, rules):
    """A frame of texts with each column checked and converted by its rule; columns that are not there are added, empty.

    Raises ValueError for the first cell that is not allowed: file, line, column, what was found, what is allowed.
    """
    made = {}
    for column in dict.fromkeys([*rules, *frame]):
        cells = frame[column] if column in frame else pd.Series("", frame.index, dtype="str")
        made[column], good, allowed = _converted(cells, rules.get(column, "optional"))
        wrong = ~np.asarray(good, bool) & (column in frame)
        if wrong.any():
            raise ValueError(f"{file}, line {frame.index[wrong][0]}, column {column}: found {cells[wrong].iloc[0]!r}; "
                             f"allowed: {allowed}")
    return pd.DataFrame(made, index=frame.index)


def _converted(cells, rule):
    """A column of texts by the rule for it: (its values, which are allowed, in words what is)."""
    if rule == "date":
        dates = pd.to_datetime(cells.where(cells != ""), format="%Y-%m-%d", errors="coerce").astype("datetime64[us]")
        return dates, dates.notna() | (cells == ""), "a date such as 2025-05-16, or nothing"
    if rule in ("number", "-1|0|1"):
        numbers = pd.to_numeric(cells, errors="coerce")
        if rule == "number":
            return numbers, np.isfinite(numbers), "a number"
        return numbers, numbers.isin([-1, 0, 1]), "-1, 0 or 1"
    if rule == "required":
        return cells, cells != "", "a word or words, not nothing"
    if rule == "pattern":
        allowed = "one or more words, * for any letters, ? for one, | for or"
        return cells, [bool(_pattern_words(cell)) for cell in cells.tolist()], allowed
    if "|" in rule:
        choices = rule.split("|")
        return cells, cells.isin(choices), ", ".join(word or "nothing" for word in choices)
    return cells, np.ones(len(cells), bool), "anything"


def _check_sides(actors, sides):
    unknown = actors[~actors["side"].isin(sides["side"]) & (actors["actor"] != "-")]
    for row in unknown.itertuples():
        raise ValueError(f"actors.csv, line {row.Index}, column side: found {row.side!r}; "
                         f"allowed, from sides.csv: {', '.join(sides['side'])}")


def _check_unique(name, table, by):
    """The same pattern may not stand for two things in one file (dated offices may: their dates differ)."""
    where = table.reindex(columns=["case", "since"])
    words = map(_pattern_words, table["pattern"].where(where["case"] == "exact", table["pattern"].str.lower()).tolist())
    key = where.assign(words=[" ".join(pattern) for pattern in words])
    for line in key.index[key.duplicated()]:
        earlier = key.index[key.eq(key.loc[line]).where(key.notna(), True).all(axis=1)][0]
        raise ValueError(f"{name}.csv, line {line}, column pattern: found {table.at[line, 'pattern']!r}, which line "
                         f"{earlier} has already ({table.at[earlier, by]}); allowed: each pattern once")


# ---------------------------------------------------------------------------------------------------------------
# 2. Articles: files in, one row an article out, page furniture kept apart
# ---------------------------------------------------------------------------------------------------------------

PAGES = (".txt", ".html", ".htm")
TABLES = (".csv", ".tsv", ".xlsx", ".json", ".jsonl")
FORMATS = ", ".join(PAGES + TABLES) + ", each also .gz"
DATES = "RFC 822, ISO 8601, a list of integers, or day, month in words and year"
LARGEST_PAGE = 50_000_000  # bytes; tables may have any size
LONGEST_FURNITURE = 35  # words: a longer line or sentence is never taken off

ARTICLE_DTYPES = {
    "article_id": "str", "outlet": "str", "published": "datetime64[us]", "title": "str", "lead": "str", "body": "str",
    "text": "str", "dateline": "str", "url": "str", "author": "str", "views": "Int64", "comments": "Int64",
    "machine_translated": "bool", "composed": "bool", "furniture": "str", "source_file": "str",
}
# What tables call their columns, the most telling name first; an article takes the first that is not empty.
COMMON_NAMES = {
    "title": ["title", "headline"],
    "lead": ["lead", "summary", "deck", "description", "standfirst", "abstract"],
    "body": ["body", "text", "content", "fulltext"],
    "outlet": ["outlet", "source", "publisher", "publication", "newspaper", "medianame"],
    "published": ["published", "publishedparsed", "date", "pubdate", "publishedat", "publishdate", "publicationdate"],
    "url": ["url", "link"],
    "author": ["author", "byline", "authors"],
}


def load_articles(path=None, columns=None, codebook=None):
    """Read articles from a file or a folder of files: one row per article, in the order of the files.

    path: file or folder (searched to its depths, hidden files left out); None: $ARTICLES, else data/articles.
    columns: {"their column": "ours"} for tables whose column names are not common ones.
    codebook: any object with a `furniture` table; None: load_codebook().
    Returns the articles table; what was not understood stands in problems(articles).
    Raises FileNotFoundError where path does not exist, ValueError where it holds no article.
    """
    path = Path(path or os.environ.get("ARTICLES") or DATA / "articles")
    if not path.exists():
        raise FileNotFoundError(f"There is no file or folder {path}.")
    if unknown := sorted(set((columns or {}).values()) - set(ARTICLE_DTYPES)):
        raise ValueError(f"columns= names {', '.join(unknown)}; allowed are {', '.join(ARTICLE_DTYPES)}.")
    furniture = Furniture((load_codebook() if codebook is None else codebook).furniture)
    folder = path if path.is_dir() else path.parent
    notes, articles, seen = [], [], {}
    sheet = _read_sheet(path, folder, notes)
    for file in _find_files(path):
        name = file.relative_to(folder).as_posix()
        try:
            articles += _read_file(file, name, sheet.get(os.path.realpath(file), {}), columns, furniture, seen, notes)
        except Exception as error:  # whatever is wrong with one file, the others load
            _note(notes, name, f"could not be read: {type(error).__name__}: {error}")
    if not articles:
        first = f" {notes[0]['file']}: {notes[0]['problem']}." if notes else ""
        raise ValueError(f"No article found in {path}.{first} Formats read: {FORMATS}.")
    articles = as_articles(pd.DataFrame(articles))
    articles.attrs["problems"] = notes
    return articles


def problems(articles):
    """What load_articles did not understand: file, line (Int64, <NA> for a whole file), problem, allowed."""
    frame = pd.DataFrame(articles.attrs.get("problems", []), columns=["file", "line", "problem", "allowed"])
    return frame.astype({"file": "str", "line": "Int64", "problem": "str", "allowed": "str"})


def as_articles(frame):
    """Make an articles table of a frame that has some of its columns; not one character is changed.

    Missing columns are added; `text` is title, lead and body, where present, joined by a blank line (a frame
    with `text` and none of the three keeps it as the body); article_id, where absent, is the row number.
    Raises ValueError where an article_id is missing or stands twice.
    """
    made = frame.reset_index(drop=True)
    if "article_id" not in made:
        made["article_id"] = [str(row) for row in range(1, len(made) + 1)]
    if "text" in made and not {"title", "lead", "body"} & set(made):
        made["body"] = made["text"]
    made = made.reindex(columns=list(ARTICLE_DTYPES))
    for name, dtype in ARTICLE_DTYPES.items():
        made[name] = _as_dtype(made[name], dtype)
    wrong = made["article_id"].isna() | made["article_id"].duplicated()
    if wrong.any():
        row = wrong.idxmax()
        raise ValueError(f"article_id {made['article_id'][row]!r} in row {row + 1} is missing or stands twice.")
    parts = zip(made["title"], made["lead"], made["body"])
    texts = ["\n\n".join(part for part in three if isinstance(part, str) and part) for three in parts]
    made["text"] = pd.Series([text or None for text in texts], dtype="str", index=made.index)
    return made


def _as_dtype(column, dtype):
    """One column in the dtype that the articles table gives it."""
    if dtype == "bool":
        return column.astype("object").map(lambda value: str(value).lower() in ("true", "1", "1.0")).astype("bool")
    if dtype == "Int64":
        return pd.to_numeric(column).astype("Int64")
    if dtype == "datetime64[us]":
        return pd.Series([_parse_date(value) for value in column], dtype=dtype, index=column.index)
    return column.astype("str")


# -- files --------------------------------------------------------------------------------------------------------------

def _find_files(path):
    """The files to read, sorted by name: no hidden ones, and no sheet."""
    if path.is_file():
        return [path]
    found = sorted((file.relative_to(path).as_posix(), file) for file in path.rglob("*") if file.is_file())
    return [file for name, file in found if not re.search(r"(?:^|/)(?:\.|~\$)", name) and not _is_sheet(file)]


def _is_sheet(file):
    """Whether a file is the articles.csv that tells about other files: it has a column `file`."""
    if file.name != "articles.csv" or not file.is_file():
        return False
    return "file" in re.findall(r"\w+", (_decode(file.read_bytes()) or "").split("\n", 1)[0].lower())


def _read_sheet(path, folder, notes):
    """What articles.csv, beside the folder and in it, says: {real path of a file: {our column: value}}."""
    said = {}
    for sheet in (folder.parent / "articles.csv", folder / "articles.csv"):
        if sheet == path or not _is_sheet(sheet):
            continue
        for line, row in _delimited_rows(_decode(sheet.read_bytes()), sheet.name, notes):
            row = {name.strip().lower(): value.strip() for name, value in row.items() if value.strip()}
            named = row.get("file", "")
            places = [base / named for base in (sheet.parent, folder) if named and (base / named).is_file()]
            if places:
                said[os.path.realpath(places[0])] = {
                    ours: row[ours] for ours in ("outlet", "published", "url", "author") if ours in row}
            elif named and path.is_dir():
                _note(notes, sheet.name, f"names a file that is not there: {named}", line)
    return said


def _read_file(file, name, said, columns, furniture, seen, notes):
    """The articles of one file, as a list of dicts. seen: {digest of a content: name of its file}, added to."""
    kind = Path(name.lower().removesuffix(".gz")).suffix
    if kind not in PAGES + TABLES:
        return _note(notes, name, f"not a format that is read ({kind or 'no suffix'})", allowed=FORMATS)
    with (gzip.open if name.lower().endswith(".gz") else open)(file, "rb") as opened:
        raw = opened.read(LARGEST_PAGE + 1 if kind in PAGES else -1)
    if kind in PAGES and len(raw) > LARGEST_PAGE:
        return _note(notes, name, "too large for one page", allowed=f"up to {LARGEST_PAGE // 1_000_000} MB")
    if not raw.strip():
        return _note(notes, name, "the file is empty")
    first = seen.setdefault(hashlib.sha256(raw).digest(), name)
    if first != name:
        return _note(notes, name, f"the same content as {first}, which is read")
    text = "" if kind == ".xlsx" else _decode(raw)
    if text is None:
        return _note(notes, name, "not text but binary data", allowed="UTF-8, UTF-16 or Windows-1252")
    if kind in PAGES:
        return _read_page(text, kind, name, said, furniture, notes)
    return _read_table(_table_rows(raw, text, kind, name, notes), name, said, columns or {}, furniture, notes)


def _note(notes, file, problem, line=None, allowed=None):
    """Add one row to the problems; returns no articles, for readers to return."""
    notes.append({"file": file, "line": line, "problem": problem, "allowed": allowed})
    return []


# -- characters and dates -----------------------------------------------------------------------------------------------

CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1a\x1b\x1c\x1d\x1e"))
BEYOND_ASCII = bytes(range(128, 256))
CHARSET = re.compile(rb"charset=[\"']?([\w-]{2,30})", re.IGNORECASE)
INVISIBLE = re.compile("[\x00-\x08\x0e-\x1b\x7f\xad\u200b-\u200f\u2060\ufeff\ud800-\udfff]")
DIGIT_GROUP = re.compile(r"[\xa0\u2009\u202f](?<=\d.)(?=\d)")
BLOCK_TAG = re.compile(r"</?(?:br|p|div|h\d|li|ul|ol|blockquote|figure|figcaption)(?:\s[^<>]{0,2000})?/?>", re.IGNORECASE)
INLINE_TAG = re.compile(r"</?(?:a|b|i|u|em|strong|span|img|font|small)(?:\s[^<>]{0,2000})?/?>", re.IGNORECASE)


def _decode(raw):
    """Bytes as text: UTF-8, UTF-16, the charset it declares, Windows-1252, else a guess; None for binary data."""
    head = raw[:65536]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace")
    if even + odd > len(head) / 5 and min(even, odd) * 20 < max(even, odd):  # UTF-16 without its mark
        return raw.decode("utf-16-be" if even > odd else "utf-16-le", errors="replace")
    if len(head) - len(head.translate(None, CONTROLS)) > len(head) / 100:
        return None
    declared = CHARSET.search(head[:4096])
    for encoding in ("utf-8-sig", declared[1].decode() if declared else "utf-8"):
        try:
            return raw.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
    if len(head) - len(head.translate(None, BEYOND_ASCII)) > len(head) / 10:  # hardly a western European page
        from charset_normalizer import from_bytes
        guess = from_bytes(head).best()
        return raw.decode(guess.encoding if guess else "cp1252", errors="replace")
    return raw.decode("cp1252", errors="replace")


def _clean(text, markup=True):
    """Text in lines, with plain single spaces and nothing invisible; with markup, without tags and entities.

    No-break and thin spaces between digits (1 000) stay, as no-break spaces: they hold a number together.
    """
    if markup and "<" in text:
        text = INLINE_TAG.sub("", BLOCK_TAG.sub("\n", text))
    if markup and "&" in text:
        text = html.unescape(text)
    text = DIGIT_GROUP.sub("\0", INVISIBLE.sub("", text))  # \0 stands in: split() would break at it
    return "\n".join(" ".join(line.split()) for line in text.splitlines()).replace("\0", "\xa0").strip()


def _parse_date(value):
    """A date in any of the forms DATES names, as a naive datetime in UTC; NaT where it is none of them."""
    if isinstance(value, (list, tuple)):
        value = str(value)
    if not isinstance(value, str):
        value = pd.to_datetime(value, errors="coerce") if isinstance(value, (datetime, pd.Timestamp)) else pd.NaT
        return value if pd.isna(value) or value.tzinfo is None else value.tz_convert(None)
    for reader in (datetime.fromisoformat, parsedate_to_datetime, _written_date):
        try:
            moment = reader(value.strip())
            return moment if moment.tzinfo is None else moment.astimezone(timezone.utc).replace(tzinfo=None)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return pd.NaT


def _written_date(value):
    """A date as feeds dump it, year first, or with its month in words. Digits alone stay unread: 05/06 is two dates."""
    if value.startswith(("[", "(", "time.struct_time")):
        return datetime(*(int(number) for number in re.findall(r"\d+", value)[:6]))
    if not (re.search("[A-Za-z]{3}", value) and re.search(r"\b\d{4}\b", value) and re.search(r"\b\d{1,2}\b", value)):
        raise ValueError(value)
    return pd.to_datetime(value).to_pydatetime()


# -- tables -------------------------------------------------------------------------------------------------------------

def _table_rows(raw, text, kind, name, notes):
    """The rows of a table as (line, {their column: value})."""
    if kind == ".xlsx":
        return _workbook_rows(raw)
    if kind in (".csv", ".tsv"):
        return _delimited_rows(text, name, notes)
    try:
        data = json.loads(text) if kind == ".json" else None
    except json.JSONDecodeError:
        data = None  # often JSON lines under the wrong name
    if data is None:
        return _json_lines(text, name, notes)
    if isinstance(data, dict):  # one record, or a list of records under some name
        data = next((part for part in data.values() if isinstance(part, list) and part and isinstance(part[0], dict)
                     and not {"title", "text", "body"} & set(data)), [data])
    return enumerate(data if isinstance(data, list) else [data], start=1)


def _json_lines(text, name, notes):
    for line, record in enumerate(text.split("\n"), start=1):
        try:
            if record.strip():
                yield line, json.loads(record)
        except (ValueError, RecursionError) as error:
            _note(notes, name, f"not JSON: {error}", line, "one object a line")


def _delimited_rows(text, name, notes):
    """Rows of a CSV or TSV file; the separator is the one that its first line has most of."""
    separator = max(",;\t", key=text.split("\n", 1)[0].count)
    limit = csv.field_size_limit(max(len(text), 1))  # an article is longer than the csv module expects of a cell
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        header = next(reader, [])
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    finally:
        csv.field_size_limit(limit)
    for line, row in rows:
        if len(row) != len(header):
            _note(notes, name, f"a row of {len(row)} cells", line, f"{len(header)} cells, as in the first row")
    return [(line, dict(zip(header, row))) for line, row in rows]


def _workbook_rows(raw):
    """Rows of every sheet of a workbook; the first row of a sheet names its columns."""
    from openpyxl import load_workbook
    for sheet in load_workbook(io.BytesIO(raw), read_only=True, data_only=True).worksheets:
        rows = sheet.iter_rows(values_only=True)
        header = next(rows, ())
        for line, row in enumerate(rows, start=2):
            if any(cell is not None for cell in row):
                yield line, {str(name): cell for name, cell in zip(header, row) if name is not None}


def _read_table(rows, name, said, columns, furniture, notes):
    """Articles from the rows of a table. said: what articles.csv knows; what a row says itself goes first."""
    articles, known = [], {}
    for number, (line, record) in enumerate(rows, start=1):
        if not isinstance(record, dict):
            _note(notes, name, f"not a record but {type(record).__name__}", line, "one object an article")
            continue
        names = tuple(record)
        if names not in known:
            known[names] = _sources(names, columns)
        values = {}
        for ours, theirs in known[names].items():
            filled = (record[their] for their in theirs if record[their] not in ("", None, []))
            values[ours] = next(filled, said.get(ours))
        article = _read_row(values, name, line, furniture, notes)
        if article:
            articles.append({"article_id": f"{name}#{number}", "source_file": name} | article)
    for theirs in columns:
        if known and not any(theirs in names for names in known):
            _note(notes, name, f"has no column {theirs!r}, which columns= names", allowed=", ".join(next(iter(known))))
    return articles


def _sources(names, columns):
    """{our column: [their columns that may fill it, the preferred one first]}"""
    plain = {re.sub(r"[\W_]", "", name).lower(): name for name in reversed(names) if name not in columns}
    sources = {ours: [plain[name] for name in common if name in plain] for ours, common in COMMON_NAMES.items()}
    for theirs, ours in columns.items():
        sources[ours] = [theirs] * (theirs in names) + sources.get(ours, [])
    return sources


def _read_row(values, name, line, furniture, notes):
    """One article from a table row with our column names, or None where it has no words."""
    values = {ours: value if ours == "published" else _plain_value(value) for ours, value in values.items()}
    title, lead, body = (values.pop(part) for part in ("title", "lead", "body"))
    if not body:
        left = "only title and lead are read" if title or lead else "it is left out"
        _note(notes, name, f"a row without text: {left}", line, "columns= says which column holds the text")
    if not (title or lead or body):
        return None
    article = _take_apart(" ".join(title.split()), " ".join(lead.split()), _blocks(body), furniture)
    return _dated(article | {ours: value for ours, value in values.items() if value}, name, line, notes)


def _plain_value(value):
    """A cell as text; of nested records, as feeds have them, the part that is read."""
    if isinstance(value, dict):
        value = next((value[key] for key in ("value", "title", "name", "href") if value.get(key)), "")
    if isinstance(value, list):
        return "\n".join(filter(None, map(_plain_value, value)))
    return "" if value is None or value != value else _clean(str(value))


def _dated(article, name, line, notes):
    """The article with its date read; one that cannot be read becomes a problem."""
    published = article.get("published")
    article["published"] = _parse_date(published)
    if published and pd.isna(article["published"]):
        _note(notes, name, f"date not understood: {str(published)[:40]!r}", line, DATES)
    return article


# -- pages --------------------------------------------------------------------------------------------------------------

def _read_page(text, kind, name, said, furniture, notes):
    """The one article of a saved page, as a list of one dict; articles.csv has the last word on it."""
    page = {"blocks": _blocks(_clean(text, markup=False))} if kind == ".txt" else _read_html(text)
    if not page["blocks"]:
        return _note(notes, name, "no article text found in the page")
    parts = _split_page(page.pop("blocks"), page.pop("title", ""), page.pop("lead", ""), furniture)
    article = _take_apart(*parts, furniture) | {ours: value for ours, value in page.items() if value} | said
    return [{"article_id": name, "source_file": name} | _dated(article, name, None, notes)]


def _read_html(text):
    """The blocks of an HTML page, and what its head says of it."""
    from trafilatura import bare_extraction
    found = bare_extraction(text, include_comments=False, include_tables=False, with_metadata=True,
                            date_extraction_params={"extensive_search": False})
    names = {"title": "title", "lead": "description", "outlet": "sitename", "published": "date", "url": "url",
             "author": "author"}
    page = {ours: _clean(getattr(found, theirs, None) or "") for ours, theirs in names.items()}
    return page | {"blocks": _blocks(_clean(getattr(found, "text", None) or "", markup=False))}


def _blocks(text):
    """The blocks of a text: its lines, or, where it is wrapped at a column, its paragraphs."""
    lines = text.split("\n")
    if "\n\n" in text and max(map(len, lines)) <= 90:
        paragraphs = [paragraph.strip("\n").split("\n") for paragraph in text.split("\n\n")]
        lines = [line for paragraph in paragraphs for line in _unwrapped(paragraph)]
    return [line for line in lines if line]


def _unwrapped(lines):
    """A paragraph's lines as one, if they look broken at a column: all but the last long, some without a full stop."""
    full = lines[:-1]
    wrapped = full and min(map(len, full)) >= 50 and any(line[-1] not in ".!?:\"”" for line in full)
    return [" ".join(lines)] if wrapped else lines


def _split_page(blocks, title, lead, furniture):
    """(title, lead, blocks of the body) of a page; title and lead: what its HTML head says, or "".

    The first block that is no furniture is the title. The second after it is the lead if furniture follows it, if the body repeats it, or if the
    head calls it so; a block with a dateline opens the body. A page of one block is all body.
    """
    if title:
        blocks = [title] + [block for block in blocks if not _same(block, title)]
    first = 0 if title else next((i for i, block in enumerate(blocks) if furniture.line(block) is None), 0)
    above, blocks = blocks[:first], blocks[first:]
    if len(blocks) < 2:
        return "", "", above + blocks
    second, rest = blocks[1], blocks[2:]
    copies = [block for block in rest if _same(block, second)]
    reading = [block for block in rest if furniture.line(block) is None and block not in copies]
    told = copies or _same(second, lead) or (rest and furniture.line(rest[0]) is not None)
    is_lead = told and reading and furniture.line(second) is None and furniture.start(second) is None
    return (blocks[0], second, above + rest) if is_lead else (blocks[0], "", above + blocks[1:])


# -- furniture ----------------------------------------------------------------------------------------------------------

CAPITAL = r"[^\W\d_a-zß-öø-ÿ]"
SYMBOLS = {  # what stands for more than itself in a furniture pattern; furniture.csv explains them
    "AA": rf"{CAPITAL}(?:{CAPITAL}|[ .'’/-]){{2,30}}(?<=\w)",
    "Aa": rf"({CAPITAL}[\w.'’/&-]{{0,30}}(?: {CAPITAL}[\w.'’/&-]{{0,30}}){{0,5}})",
    "0": r"(\d[\d.,:]{0,14}[kKmM]?\b)", "*": r"\w{0,30}", "—": "(?:—|--)", "-": "(?:--?|–|—)",
}
SYMBOL = re.compile(r"(\bAA\b|\bAa\b|\b0\b|\*|—|-)")
NEW_SENTENCE = r"(?=[\"“«'‘]?[^\W_a-zß-öø-ÿ]|$)"
SENTENCE_BREAK = re.compile(r" (?:(?<=[.!?…] )(?<!\b[A-Z]\. )|(?<=[.!?…][\"”’)] ))")
ASIDE = re.compile(r"[(\[][^)\]]{0,300}[)\]] \w")  # (Related: ...) and then a sentence


class Furniture:
    """The rows of furniture.csv, ready to recognise what on a page is no part of the article.

    table: columns pattern, where, sets. The rows for one place become one regular expression, a group each.
    What is recognised is answered by what it sets, a dict, often empty; None means no furniture.
    """

    AROUND = {"start": r"(?:{})\s*" + NEW_SENTENCE, "end": r"[\s(\[*•>|-]{{0,3}}(?:{})[\s)\]*.!?:]{{0,3}}"}
    AROUND["line"] = AROUND["end"]

    def __init__(self, table):
        self.regex, self.sets, self.known = {}, {}, {}
        for place, around in self.AROUND.items():
            rows = table[table["where"].isin([place, "end"] if place == "line" else [place])]
            groups = [f"(?P<row{row}>{_pattern_regex(pattern)})" for row, pattern in enumerate(rows["pattern"])]
            self.regex[place] = re.compile(around.format("|".join(groups) or r"\b\B"))
            self.sets[place] = dict(zip(self.regex[place].groupindex.values(), rows["sets"].str.split()))

    def start(self, text):
        """(length of what stands before the first sentence, what it sets), or None."""
        found = self.regex["start"].match(text)
        return (found.end(), self._facts(found, "start")) if found and found.end() < len(text) else None

    def sentence(self, text, place):
        """What one sentence, or a line, sets if it is furniture at that place (line or end)."""
        if (text, place) not in self.known:  # each distinct line is looked at once
            short = len(text) < 400 and text.count(" ") < LONGEST_FURNITURE and not ASIDE.match(text)
            found = self.regex[place].fullmatch(text) if short else None
            self.known[text, place] = self._facts(found, place) if found else None
        return self.known[text, place]

    def line(self, text):
        """What a line sets, if each of its sentences is furniture."""
        each = [self.sentence(sentence, "line") for sentence in SENTENCE_BREAK.split(text)]
        return None if None in each else {name: value for facts in each for name, value in facts.items()}

    def _facts(self, found, place):
        """What a match sets: flags are True, names and numbers come from the pattern's own Aa and 0."""
        row = found.lastindex  # the group that closes last is the row's own; its Aa and 0 follow it
        inner = [span for span in found.regs[row + 1:] if span[0] >= 0]
        numbers = [_number(found.string[slice(*span)]) for span in inner]
        facts = {}
        for name in self.sets[place][row]:
            if name in ("views", "comments"):
                facts[name] = numbers.pop(0)
            elif name == "author":
                facts[name] = found.string[inner[0][0]:inner[-1][1]]
            else:
                facts[name] = found[0].strip() if name == "dateline" else True
        return facts


def _pattern_regex(pattern):
    """A furniture pattern as a regular expression, every repeat in it bounded."""
    words = [_word_regex(word) for word in pattern.replace("…", "...").split()]
    return re.sub(r" ?\0 ?", ".{0,300}", " ".join(words))


def _word_regex(word):
    if word in ("...", "*"):
        return "\0" if word == "..." else r"\S{1,40}"
    before, choices, after = re.fullmatch(r"([^\w*]*)(.*?)([^\w*]*)", word).groups() if "|" in word else ("", word, "")
    choices = ["".join(SYMBOLS.get(bit) or _literal_regex(bit) for bit in SYMBOL.split(choice))
               for choice in choices.split("|")]
    return f"{re.escape(before)}(?:{'|'.join(choices)}){re.escape(after)}"


def _literal_regex(letters):
    escaped = re.escape(letters).replace("'", "['’]")
    return escaped if letters.isupper() and len(letters) > 1 else f"(?i:{escaped})"


def _number(text):
    """4405, 4,405 and 4.4K as an integer; None for anything else."""
    if text[-1] in "kKmM" and text[:-1].count(".") < 2 and text[:-1].replace(".", "").isdigit():
        return round(float(text[:-1]) * (1000 if text[-1] in "kK" else 1_000_000))
    digits = re.sub(r"[.,:]", "", text)
    return int(digits) if digits.isdigit() else None


# -- one article: what is read, and what is taken off -------------------------------------------------------------------

def _take_apart(title, lead, blocks, furniture):
    """One article as a dict: title, lead and body as they are read, furniture in page order, and what it said."""
    taken, body = [], []  # taken: (a piece of furniture, what it sets)
    flat = len(blocks) == 1
    lead = _strip_start(lead, furniture, taken)
    if _same(lead, title):
        taken.append((lead, {}))
        lead = ""
    for block in blocks:
        line = None if flat else furniture.line(block)
        if line is not None or _same(block, title) or _same(block, lead):
            taken.append((block, line or {}))
            continue
        before, block, after = _outer_sentences(block, flat, furniture)
        taken += before
        if not body:
            block, lead = _read_once(_strip_start(block, furniture, taken), lead, taken)
        taken += after
        body += [block] if block else []
    if not (title or lead or body):  # an article is never taken off whole
        taken, body = [], blocks
    facts = {name: value for _, sets in reversed(taken) for name, value in sets.items()}  # the highest on the page counts
    return {"title": title or None, "lead": lead or None, "body": "\n\n".join(body) or None,
            "furniture": "\n".join(piece for piece, _ in taken) or None} | facts


def _strip_start(text, furniture, taken):
    """The text without datelines and the like before its first sentence."""
    while found := furniture.start(text):
        taken.append((text[:found[0]].strip(), found[1]))
        text = text[found[0]:]
    return text


def _outer_sentences(text, flat, furniture):
    """(furniture, text, furniture): a paragraph without the furniture in its last sentences.

    In a flat text, first and last sentences stand for what elsewhere are lines.
    """
    sentences = SENTENCE_BREAK.split(text)
    sets = [None] * len(sentences)
    first, last = 0, len(sentences)
    while flat and first < last and (facts := furniture.sentence(sentences[first], "line")) is not None:
        sets[first], first = facts, first + 1
    while first < last and (facts := furniture.sentence(sentences[last - 1], "line" if flat else "end")) is not None:
        sets[last - 1], last = facts, last - 1
    pieces = list(zip(sentences, sets))
    return pieces[:first], " ".join(sentences[first:last]), pieces[last:]


def _read_once(block, lead, taken):
    """(block, lead) where the body opens with its lead: the lead stays and the copy goes.

    A lead that breaks off in the middle of the body's sentence (a feed's excerpt) goes instead: the body has it whole.
    """
    stem = lead.rstrip(".!?…\"”’)][ ")
    if len(stem.split()) < 5 or not block.startswith(stem):
        return block, lead
    end = re.compile(r"[.!?][\"”’)]{0,2}(?=\s+[\"“«'‘©]?[A-Z0-9]|$)").match(block, len(stem))
    if not end or re.search(r"(?:\.\.\.|…)\W*$", lead):
        taken.append((lead, {}))
        return block, ""
    taken.append((block[:end.end()], {}))
    return block[end.end():].strip(), lead


def _same(one, other):
    """Whether two texts say the same, word for word."""
    return bool(one) and abs(len(one) - len(other)) < 20 and re.findall(r"\w+", one.lower()) == re.findall(r"\w+", other.lower())


# ---------------------------------------------------------------------------------------------------------------
# 3. Tokens: all regular-expression work once per distinct run of non-space characters
# ---------------------------------------------------------------------------------------------------------------

# In this order: n't and the word before it; other clitics; dotted initials ("U.S."); numbers with their groups and
# ranges ("1.000", "1000-for-1000", "2-3", "17th"); words, with inner apostrophes ("O'Brien"); marks, fractions and the
# like among them ("eggs½" is a word and a mark).
_SMALL = r"²³¹¼-¾⁰-₉⅐-⅟"
_LETTER = rf"[^\W\d_{_SMALL}]"
_GROUPS = r"\d+(?:[.,]\d+|[\u00a0\u2009\u202f]\d{3}(?!\d))*"
TOKEN = re.compile(
    rf"(?i:{_LETTER}+(?=n['’]t(?!\w))|n['’]t(?!\w)|['’](?:s|m|d|ll|re|ve)(?!\w))"
    rf"|(?:{_LETTER}{{1,2}}\.){{2,}}|(?:{_LETTER}\.){{1,9}}{_LETTER}(?!\w)"
    rf"|{_GROUPS}(?:[-–](?:{_LETTER}{{1,9}}[-–])?{_GROUPS})*{_LETTER}*"
    rf"|(?:[^\W_{_SMALL}]|[\u0300-\u036f])+(?:['’](?!(?i:s|m|d|ll|re|ve)(?!\w))[^\W_{_SMALL}]+)*"
    r"|\.{2,}|''|``|--+|\S"
)
_CLITIC = re.compile(r"(?i)(?:n't|'(?:s|m|d|ll|re|ve))$")
_CLOSERS, _OPENERS = "\"'”’»)]›", "\"'“‘«([‹„`–—-"
_SPACES = np.array([chr(i).isspace() for i in range(0x3002)])
_DIGIT_GLUE = [0x00A0, 0x2009, 0x202F]
_GLUED_SENTENCES = re.compile(r"(?<=[a-z]{2})[.!?…][\"'”’)\]]{0,2}(?=[\"'“‘(\[]?[A-Z][a-z])")
_BLOCK = 4_000_000                                              # characters worked on at a time


class Chunks(NamedTuple):
    """Runs of non-space characters, in text order; all arrays have one entry a chunk."""

    code: np.ndarray        # int32, index into types
    article: np.ndarray     # int32, position of the article
    start: np.ndarray       # int32, offset in its text
    paragraph: np.ndarray   # bool, True where a line break stands before it
    types: list             # the distinct chunks


def tokenize(articles, codebook=None):
    """Cut every article into words, numbers and punctuation marks.

    articles: frame of load_articles or as_articles. codebook: for its abbreviations and stopwords (default: ours).
    Returns the tokens frame, one row a token: article_id, part (title, lead, body), paragraph, sentence (numbered from
        0 through the article), start, end (offsets into text), token, lower (straight apostrophes), quoted (inside
        quotation marks). Every character outside white space belongs to exactly one token.
    """
    chunks = _cut_glued(_cut_chunks(articles["text"].fillna("")))
    tokens = _token_table(articles, chunks, _sentence_breaks(chunks, codebook or _default_codebook()))
    del chunks                                                  # as long as the text
    tokens["quoted"] = _inside_quotes(tokens)
    return tokens


def _token_table(articles, chunks, breaks):
    """The tokens frame but for `quoted`. What is known of a chunk is repeated for each of its tokens."""
    vocabulary, code, counts, start, end = _cut_tokens(chunks)
    places = _places(articles, np.repeat(chunks.article, counts), start)
    lower, lowered = pd.factorize(np.array([t.lower().replace("’", "'") for t in vocabulary], dtype=object))
    return pd.DataFrame(places | {
        "paragraph": np.repeat(_numbered(chunks.paragraph, chunks.article), counts),
        "sentence": np.repeat(_numbered(breaks, chunks.article), counts), "start": start, "end": end,
        "token": _coded(code, vocabulary), "lower": _coded(lower.astype(np.int32)[code], lowered)}, copy=False)


def _places(articles, article, start):
    """article_id and part of tokens that start at `start` in the articles at these positions."""
    length = {part: articles[part].str.len().fillna(0).to_numpy(np.int32) for part in ("title", "lead")}
    lead_start = length["title"] + 2 * (length["title"] > 0)
    body_start = lead_start + length["lead"] + 2 * (length["lead"] > 0)
    part = (start >= lead_start[article]).astype(np.int8) + (start >= body_start[article])
    return {"article_id": _coded(article, articles["article_id"]), "part": _coded(part, ["title", "lead", "body"])}


def _coded(codes, words):
    """A text column that stores each distinct word once."""
    return pd.Categorical.from_codes(codes, pd.Index(words, dtype="str"))


def _cut_chunks(texts, join_digits=True):
    """Cut texts (a str Series) at white space; each distinct chunk is stored once and known by its code.

    The text becomes an array of characters, so that edges, offsets and line breaks are found for all chunks at once, and
    no chunk but the distinct ones becomes a Python string.
    """
    encoded, parts = [_distinct(np.zeros(0, np.uint32), [])], [(np.zeros(0, np.int32),) * 2 + (np.zeros(0, bool),)]
    for first, block in _text_blocks(texts):
        characters = np.frombuffer("\n".join(block).encode("utf-32-le"), np.uint32)
        space = _SPACES[np.minimum(characters, len(_SPACES) - 1)]
        if join_digits:
            space[_digit_glue(characters)] = False
        edges = np.flatnonzero(np.diff(space, prepend=True, append=True)).astype(np.int32)
        start, end = edges[::2], edges[1::2]
        encoded.append(_distinct(characters[~space], end - start))
        paragraph = np.zeros(len(start) + 1, bool)
        paragraph[np.searchsorted(start, np.flatnonzero((characters == 10) | (characters == 13)).astype(np.int32))] = True
        offset = np.cumsum([0] + [len(text) + 1 for text in block], dtype=np.int32)
        size = np.diff(np.searchsorted(start, offset))         # chunks in each text
        article = np.repeat(np.arange(first, first + len(block), dtype=np.int32), size)
        parts.append((article, start - np.repeat(offset[:-1], size), paragraph[:-1]))
    encoded = pa.chunked_array(encoded).unify_dictionaries()
    code = np.concatenate([part.indices.to_numpy() for part in encoded.chunks])
    types = [chunk.decode("utf-32-le") for chunk in encoded.chunk(0).dictionary.to_numpy(zero_copy_only=False)]
    del encoded
    pa.default_memory_pool().release_unused()                  # Arrow would keep it for later
    return Chunks(code, *map(np.concatenate, zip(*parts)), types)


def _text_blocks(texts):
    """(position of the first text, texts) in runs of about _BLOCK characters."""
    block = np.cumsum(texts.str.len().to_numpy(np.int64)) // _BLOCK
    edges = np.flatnonzero(np.diff(block, prepend=-1, append=-1))
    for first, last in zip(edges, edges[1:]):
        yield first, texts.iloc[first:last].to_numpy(object)


def _digit_glue(characters):
    """Positions of no-break and thin spaces that join the digits of one number ("1 000")."""
    at = np.flatnonzero(np.isin(characters, _DIGIT_GLUE))
    at = at[(at > 0) & (at < len(characters) - 1)]
    before, after = characters[at - 1], characters[at + 1]
    return at[(before >= 48) & (before <= 57) & (after >= 48) & (after <= 57)]


def _distinct(characters, lengths):
    """Words that stand one after the other in an array of characters, each distinct one stored once (an Arrow dictionary).

    Arrow hashes them some ten times as fast as Python makes strings and looks them up.
    """
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32) * np.int32(characters.itemsize)
    words = pa.BinaryArray.from_buffers(pa.binary(), len(lengths), [None, pa.py_buffer(offsets), pa.py_buffer(characters)])
    return words.dictionary_encode()


def _cut_glued(chunks):
    """Where the space between two sentences is missing ("agreed.The"), one chunk becomes two."""
    types = defaultdict(None, zip(chunks.types, range(len(chunks.types))))
    types.default_factory = types.__len__
    pieces = {}                                                 # code of a chunk: [(code of a piece, where it starts)]
    for code, word in enumerate(chunks.types):
        if not word.isalpha() and "/" not in word and "@" not in word and _GLUED_SENTENCES.search(word):
            cuts = [0, *(m.end() for m in _GLUED_SENTENCES.finditer(word)), len(word)]
            pieces[code] = [(types[word[s:e]], s) for s, e in zip(cuts, cuts[1:])]
    at = np.flatnonzero(np.isin(chunks.code, list(pieces)))
    later = [(i + 1, *piece) for i, code in zip(at.tolist(), chunks.code[at].tolist()) for piece in pieces[code][1:]]
    if not later:
        return chunks
    place, new, offset = np.array(later, np.int32).T
    code = chunks.code.copy()
    code[at] = [pieces[code][0][0] for code in chunks.code[at].tolist()]
    return Chunks(np.insert(code, place, new), np.insert(chunks.article, place, chunks.article[place - 1]),
                  np.insert(chunks.start, place, chunks.start[place - 1] + offset), np.insert(chunks.paragraph, place, False),
                  list(types))


def _sentence_breaks(chunks, codebook):
    """bool per chunk: does a sentence begin here? A stop ends one if the next chunk can begin one."""
    kinds = dict(zip(codebook.abbreviations["abbreviation"], codebook.abbreviations["kind"]))
    starters = {word.capitalize() for word in codebook.stopwords["word"]}
    roles = np.array([_sentence_role(chunk, kinds, starters) for chunk in chunks.types] or np.zeros((0, 6)), bool)
    ends, capital, digit, starter, soft, numbers = (role[chunks.code] for role in roles.T)
    breaks = chunks.paragraph.copy()
    breaks[1:] |= ends[:-1] & np.where(soft[:-1], starter[1:], capital[1:] | (digit[1:] & ~numbers[:-1]))
    return breaks


def _sentence_role(chunk, kinds, starters):
    """Six bools: may end a sentence, begins with a capital, begins with a digit, is a capitalised stopword, ends a sentence
    only before such a stopword, announces a number."""
    if chunk.isalpha():
        return False, chunk[0].isupper(), False, chunk in starters, False, False
    bare, opened = chunk.rstrip(_CLOSERS), chunk.lstrip(_OPENERS)
    kind = _abbreviation(chunk, kinds) if bare.endswith(".") else ""
    return (bare.endswith((".", "!", "?", "…")) and kind != "title", opened[:1].isupper() or not opened, opened[:1].isdigit(),
            opened.rstrip(".,;:!?…" + _CLOSERS) in starters, kind == "other", kind == "number")


def _abbreviation(chunk, kinds):
    """The kind of abbreviation that a chunk is, "" for none; single and dotted initials count too."""
    word = chunk.lstrip(_OPENERS).rstrip(",;:" + _CLOSERS)
    if word in kinds or word.lower() in kinds:
        return kinds.get(word) or kinds[word.lower()]
    if len(word) == 2 and word[0].isupper() and word[1] == ".":
        return "title"
    dotted = len(word) > 3 and len(word) % 2 == 0 and set(word[1::2]) == {"."} and word[::2].isalpha()
    return "other" if dotted else ""


def _numbered(breaks, article):
    """Number the stretches that begin at breaks, from 0 in each article."""
    new_article = np.append(len(article) > 0, article[1:] != article[:-1])[:len(article)]
    count = np.cumsum(breaks | new_article, dtype=np.int32)
    first = np.flatnonzero(new_article)
    count -= np.repeat(count[first], np.diff(np.append(first, len(article))))
    return count


def _cut_tokens(chunks):
    """The tokens of all chunks: vocabulary, code of each token, tokens in each chunk, start and end of each token."""
    known = defaultdict()
    known.default_factory = known.__len__
    pieces, counts = [], []                                     # of each type: (code of the token, its start and end), how many
    for chunk in chunks.types:
        before = len(pieces)
        pieces += [(known[chunk], 0, len(chunk))] if chunk.isalpha() else [
            (known[m[0]], m.start(), m.end()) for m in TOKEN.finditer(chunk)]
        counts.append(len(pieces) - before)
    code, first, last = np.array(pieces, np.int32).reshape(-1, 3).T
    counts = np.array(counts, np.int32)
    own_first = np.cumsum(counts, dtype=np.int32) - counts      # where the pieces of a type begin in the list
    counts = counts[chunks.code]
    piece = np.repeat(own_first[chunks.code] - (np.cumsum(counts, dtype=np.int32) - counts), counts)
    piece += np.arange(len(piece), dtype=np.int32)
    start = np.repeat(chunks.start, counts)
    return list(known), code[piece], counts, start + first[piece], start + last[piece]


def is_word(tokens):
    """bool Series: has a letter or digit and is no clitic ("n't", "'s")."""
    lower = _categories(tokens["lower"])
    wordlike = np.array([any(map(str.isalnum, t)) and not _CLITIC.match(t) for t in lower.categories], bool)
    return pd.Series(wordlike[lower.codes], tokens.index)


def _categories(column):
    """A text column as a Categorical, so that work is done once per distinct word."""
    return column.array if isinstance(column.dtype, pd.CategoricalDtype) else pd.Categorical(column)


# ---------------------------------------------------------------------------------------------------------------
# 4. Quotation marks: one reader for `quoted` and for find_quotes
# ---------------------------------------------------------------------------------------------------------------

_DOUBLE_OPEN, _DOUBLE_CLOSE, _DOUBLE = {"“", "„", "``", "«"}, {"”", "»", "‟"}, {'"', "''"}
_SINGLE_OPEN, _SINGLE = {"‘", "‹"}, {"'", "’", "›"}
_MARKS = _DOUBLE_OPEN | _DOUBLE_CLOSE | _DOUBLE | _SINGLE_OPEN | _SINGLE
_STOPS = {".", ",", "!", "?", "…", "..."}


class Quotation(NamedTuple):
    """A stretch between quotation marks, by token positions: first..last are the words inside."""

    first: int
    last: int
    closed: bool            # False: its mark was lost, or it goes on in the next paragraph


class _Mark(NamedTuple):
    """A quotation mark: position, token, written together with the token on its left or right, and those tokens."""

    at: int
    mark: str
    glued_left: bool
    glued_right: bool
    left: str
    right: str


def read_quotation_marks(tokens):
    """Pair the quotation marks of each paragraph.

    tokens: tokens frame with the default index order. Returns a list of Quotation in text order; quotes inside quotes
        are part of the outer one. A mark that is lost or mistyped damages its own paragraph only.
    """
    token = _categories(tokens["token"])
    at = np.flatnonzero(np.isin(token.codes, token.categories.get_indexer(list(_MARKS))))
    article, paragraph = _categories(tokens["article_id"]).codes, tokens["paragraph"].to_numpy()
    start, end = tokens["start"].to_numpy(), tokens["end"].to_numpy()
    first = np.append(True, (article[1:] != article[:-1]) | (paragraph[1:] != paragraph[:-1]))[:len(tokens)]    # of a paragraph
    edge = np.append(np.flatnonzero(first), len(tokens))
    following = edge[np.searchsorted(edge, at, "right")]                                # first token after this paragraph
    glued_left = (end[at - 1] == start[at]) & ~first[at]
    after = np.minimum(at + 1, len(tokens) - 1)
    glued_right = (after > at) & (end[at] == start[after]) & ~first[after]
    left, right = token[np.maximum(at - 1, 0)], token[after]
    marks = map(_Mark, at.tolist(), token[at], glued_left.tolist(), glued_right.tolist(), left, right)
    found = []
    for stop, group in groupby(zip(marks, following.tolist()), key=itemgetter(1)):
        found += _pair_marks([mark for mark, _ in group], stop)
    return found


def _pair_marks(marks, stop):
    """Quotations of one paragraph; stop: the token position after its last."""
    found, opened, single_end = [], None, -1
    for i, this in enumerate(marks):
        if this.at <= single_end:
            continue
        opens = (not this.glued_left or this.left in "([—–-/" or this.left in _MARKS) and \
            (this.glued_right or this.mark in _DOUBLE_OPEN)
        if this.mark in _SINGLE_OPEN or this.mark in _SINGLE:
            if opened is None and opens and this.mark != "’" and (single_end := _single_close(marks, i)) > this.at:
                found.append(Quotation(this.at + 1, single_end - 1, True))
        elif opened is None:
            if opens or this.mark in _DOUBLE_OPEN or not this.glued_left:
                opened = i
        elif this.mark in _DOUBLE_OPEN and not this.glued_left and this.glued_right:
            close = _mistyped_close(marks[opened + 1:i])        # a quote inside the quote, or one not closed before
            if close is not None:
                found.append(Quotation(marks[opened].at + 1, close - 1, True))
                opened = i
        else:
            found.append(Quotation(marks[opened].at + 1, this.at - 1, True))
            opened = None
    if opened is not None and marks[opened].at + 1 < stop:
        found.append(Quotation(marks[opened].at + 1, stop - 1, False))
    return [q for q in found if q.last >= q.first]


def _mistyped_close(marks):
    """Position of a single mark that closes a sentence ("Let's go.’ She left."), or None."""
    return next((this.at for this in marks if this.mark in _SINGLE and this.left in _STOPS and this.glued_left and
                 not this.glued_right), None)


def _single_close(marks, i):
    """Token position of the mark that closes the single quote opened by marks[i], or -1. An apostrophe after a
    plural ("the prisoners' families") is passed over if a better mark follows."""
    best = -1
    for this in marks[i + 1:]:
        if this.mark in _SINGLE_OPEN | _SINGLE and not this.glued_left and this.glued_right:
            break
        if this.mark in _SINGLE and this.glued_left and not (this.glued_right and this.right[:1].isalnum()):
            if this.left in _STOPS or not this.left.lower().endswith("s"):
                return this.at
            best = this.at if best < 0 else best
    return best


def _inside_quotes(tokens):
    """bool per token: does it stand between quotation marks?"""
    depth = np.zeros(len(tokens) + 1, np.int32)
    for quotation in read_quotation_marks(tokens):
        depth[quotation.first] += 1
        depth[quotation.last + 1] -= 1
    return np.cumsum(depth[:-1]) > 0


# ---------------------------------------------------------------------------------------------------------------
# 5. Terms and mentions: globs on words, longest match first, leftmost wins
# ---------------------------------------------------------------------------------------------------------------

_TOKENS = 1_000_000                     # worked on at a time
_SIGNS = {"*": "\ua66e", "?": "\u046b", "|": "\u0467"}     # rare letters that stand for signs while a pattern is cut into tokens


@cache
def _pattern_words(pattern):
    """A pattern cut into tokens as text is: "cease-fire*" -> ("cease", "-", "fire*"); "will|may go" -> ("will|may", "go")."""
    text = pattern.replace("’", "'")
    for sign, letter in _SIGNS.items():
        text = text.replace(sign, letter)
    words = " ".join(word for chunk in text.split() for word in TOKEN.findall(chunk))
    for sign, letter in _SIGNS.items():
        words = words.replace(letter, sign)
    return tuple(words.split())


class Matches(NamedTuple):
    """Where patterns match: arrays of one length, in text order, none overlapping."""

    pattern: np.ndarray     # row of the pattern
    first: np.ndarray       # position of its first token
    last: np.ndarray        # position of its last token


def _match(tokens, patterns, exact=None, groups=None):
    """Find patterns (texts) in tokens; matches stay in one sentence.

    exact: bools, True where capitals must agree. groups: a number a pattern; only matches of one group exclude each other.
    """
    words = [_pattern_words(pattern) for pattern in patterns]
    exact = np.zeros(len(words), bool) if exact is None else np.asarray(exact)
    lower = {i: tuple(word.lower() for word in pattern) for i, pattern in enumerate(words) if not exact[i]}
    candidates = [_find_all(tokens, "lower", lower), _find_all(tokens, "token", {i: words[i] for i in np.flatnonzero(exact)})]
    pattern, first, last = (np.concatenate(part) for part in zip(*candidates))
    group = np.zeros(len(pattern), np.int64) if groups is None else np.asarray(groups, np.int64)[pattern]
    order = np.lexsort((pattern, -last, first, group))
    begin, end = ((group * len(tokens) + edge)[order] for edge in (first, last))    # groups side by side
    reach = np.maximum.accumulate(np.append(-1, end))
    kept = begin > reach[:-1]                                   # it overlaps none before
    chosen = -1
    for i in np.flatnonzero(~kept | np.append(~kept[1:], False)).tolist():
        kept[i] = begin[i] > chosen
        chosen = end[i] if kept[i] else chosen
    kept = order[kept]
    kept = kept[np.argsort(first[kept], kind="stable")]
    return Matches(pattern[kept], first[kept], last[kept])


def _find_all(tokens, column, patterns):
    """All matches of {row: words} in one column, overlapping ones too, as (row, first, last)."""
    words = _categories(tokens[column])
    codes, size, vocabulary = words.codes, len(words.categories), _Vocabulary(words.categories.to_numpy(object))
    globs = {glob: vocabulary.ids(glob) for glob in {glob for pattern in patterns.values() for glob in pattern}}
    patterns = {row: pattern for row, pattern in patterns.items() if all(globs[glob] for glob in pattern)}
    if not patterns:
        return (np.zeros(0, int),) * 3
    row, pattern = np.array([*patterns]), [*patterns.values()]
    sentence_begin, _ = _sentence_edges(tokens)
    number = {glob: i * size for i, glob in enumerate(globs)}
    allowed = np.sort(np.concatenate([np.array(ids, np.int64) + number[glob] for glob, ids in globs.items()]))
    kth = [np.array([number[words[min(k, len(words) - 1)]] for words in pattern]) for k in range(max(map(len, pattern)))]
    parts = []
    for found, first, last in _at_rarest_word(codes, size, globs, pattern):
        keep = (first >= 0) & (last < len(codes))
        keep &= np.searchsorted(sentence_begin, first, "right") == np.searchsorted(sentence_begin, last, "right")
        found, first, last = found[keep], first[keep], last[keep]
        for k, glob in enumerate(kth):                          # the k-th word of every candidate at once
            word = codes[np.minimum(first + k, last)] + glob[found]
            keep = allowed[np.searchsorted(allowed[:-1], word)] == word
            found, first, last = found[keep], first[keep], last[keep]
        parts.append((row[found], first, last))
    return tuple(map(np.concatenate, zip(*parts)))


def _at_rarest_word(codes, size, globs, patterns):
    """Where each pattern may stand: (number of the pattern, first, last) for every token that its rarest word matches.

    Yields them for _TOKENS tokens at a time: there may be as many as tokens.
    """
    frequency = np.bincount(codes, minlength=size)
    rarity = {glob: frequency[ids].sum() for glob, ids in globs.items()}
    anchor = [min(range(len(pattern)), key=lambda k: rarity[pattern[k]]) for pattern in patterns]
    ids = [globs[pattern[k]] for pattern, k in zip(patterns, anchor)]
    code = np.concatenate(ids)
    owner = np.repeat(np.arange(len(ids), dtype=np.int32), [len(i) for i in ids])[np.argsort(code, kind="stable")]
    counts = np.bincount(code, minlength=size).astype(np.int32)     # how many patterns each word may stand for
    own_first = np.cumsum(counts, dtype=np.int32) - counts
    before, rest = np.array(anchor, np.int32), np.array([len(pattern) - 1 for pattern in patterns], np.int32)
    for begin in range(0, max(len(codes), 1), _TOKENS):
        at = begin + np.flatnonzero((counts > 0)[codes[begin:begin + _TOKENS]]).astype(np.int32)
        times = counts[codes[at]]
        piece = np.repeat(own_first[codes[at]] - (np.cumsum(times, dtype=np.int32) - times), times)
        found = owner[piece + np.arange(len(piece), dtype=np.int32)]
        first = np.repeat(at, times) - before[found]
        yield found, first, first + rest[found]


class _Vocabulary:
    """Distinct words, sorted, so that a glob is tried only on the words that begin as it does."""

    def __init__(self, words):
        self.code = {word: i for i, word in enumerate(words)}
        self.sorted = sorted(self.code)

    def ids(self, glob):
        """Codes of the words that a glob, or one of several, matches."""
        if "|" in glob:
            return sorted({code for part in glob.split("|") for code in self.ids(part)})
        prefix = re.split(r"[*?]", glob, maxsplit=1)[0]
        if prefix == glob:
            return [self.code[glob]] if glob in self.code else []
        rest = re.compile(re.escape(glob).replace(r"\*", r"\w*").replace(r"\?", r"\w"))
        low, high = bisect_left(self.sorted, prefix), bisect_left(self.sorted, prefix + chr(0x10FFFF))
        return [self.code[word] for word in self.sorted[low:high] if rest.fullmatch(word)]


def find_terms(tokens, table, by):
    """Find the words and phrases of a codebook table.

    tokens: tokens frame. table: any frame with a column `pattern` (and `case`: "exact" where capitals count).
    by: its column that names the category, for example "stance".
    Returns a frame, one row a match: article_id, part, sentence, start, end, term (its words, lower case), pattern, by.
    """
    exact = table["case"].eq("exact") if "case" in table else None
    matches = _match(tokens, table["pattern"].tolist(), exact)
    found = _at(tokens, matches.first, matches.last)
    found["term"] = pd.Series(_phrases(tokens, matches), dtype="str")
    found["pattern"] = table["pattern"].to_numpy()[matches.pattern]
    found[by] = table[by].to_numpy()[matches.pattern]
    return found.astype({"pattern": "str", by: table[by].dtype})


def _at(tokens, first, last):
    """Where stretches of tokens stand: article_id, part, sentence, start, end."""
    where = tokens[["article_id", "part", "sentence", "start"]].iloc[first].reset_index(drop=True)
    return where.astype({"article_id": "str", "part": "str"}).assign(end=tokens["end"].to_numpy()[last])


def _phrases(tokens, matches):
    """The lower-case words of each match, joined by spaces."""
    lower = _categories(tokens["lower"])
    words = lower.categories.to_numpy(object)
    return [" ".join(words[lower.codes[s:e + 1]]) for s, e in zip(matches.first.tolist(), matches.last.tolist())]


def find_mentions(articles, tokens, codebook):
    """Find who is named, by the patterns of actors.csv.

    Returns the mentions frame, one row a mention: article_id, part, sentence, start, end, surface, actor, side, kind,
    form, attributive ("Estrian delegation", "Palace spokesman"), quoted. A dated office is whoever held it on the
    day of the article; without a date, and with several holders listed, it is its state. A title that stands right
    before a name of the same actor is part of that mention.
    """
    actors = codebook.actors
    groups = actors.groupby(["pattern", "case"], sort=False).ngroup().to_numpy()
    patterns = actors.drop_duplicates(["pattern", "case"])
    matches = _match(tokens, patterns["pattern"].tolist(), patterns["case"].eq("exact"))
    lower = _categories(tokens["lower"])
    matches = _drop_places(lower, matches, patterns["unless_after"])
    published = articles["published"].to_numpy()[_categories(tokens["article_id"]).codes[matches.first]]
    row = _holders(codebook, groups, matches.pattern, published)
    keep = (row >= 0) & (actors["actor"].to_numpy()[row] != "-")
    matches, row = Matches(*(part[keep] for part in matches)), row[keep]
    found = _at(tokens, matches.first, matches.last)
    found["surface"] = _surfaces(articles, found)
    for column in ("actor", "side", "kind", "form"):
        found[column] = actors[column].iloc[row].to_numpy()
    found = found.astype({column: "str" for column in ("actor", "side", "kind", "form")})
    found["attributive"] = _attributive(tokens, codebook, matches, found["form"].eq("demonym").to_numpy())
    found["quoted"] = tokens["quoted"].to_numpy()[matches.first]
    title = found["form"].eq("role") & found["actor"].eq(found["actor"].shift(-1)) & found["form"].shift(-1).eq("name") \
        & np.append(matches.last[:-1] + 1 == matches.first[1:], np.zeros(min(len(found), 1), bool))
    return found[~title].reset_index(drop=True)


def _surfaces(articles, spans):
    """text[start:end] of each span, as a str Series."""
    text = dict(zip(articles["article_id"], articles["text"]))
    return pd.Series([text[a][s:e] for a, s, e in zip(spans["article_id"], spans["start"], spans["end"])],
                     index=spans.index, dtype="str")


def _drop_places(lower, matches, unless_after):
    """Leave out matches that follow a word after which the name is a place ("talks in Norhaven")."""
    places = [frozenset(words.lower().split("|")) - {""} for words in unless_after]
    before = lower.categories.to_numpy(object)[lower.codes[matches.first - 1]] if len(matches.first) else []
    keep = np.array([word not in places[p] or not first for p, first, word in zip(matches.pattern, matches.first, before)], bool)
    return Matches(*(part[keep] for part in matches))


def _holders(codebook, groups, pattern, published):
    """Row of actors.csv for each match, -1 for none: the one row of its pattern, or the one whose office it was then."""
    actors = codebook.actors
    dated = (actors["since"].notna() | actors["until"].notna()).to_numpy() | (np.bincount(groups)[groups] > 1)
    row_of = np.full(groups.max(initial=-1) + 1, -1)
    row_of[groups[~dated]] = np.flatnonzero(~dated)
    found = row_of[pattern]
    patterns = actors["pattern"].tolist()
    names = [(row, patterns[row].lower()) for row in np.flatnonzero(actors["kind"].eq("state") & ~actors["form"].eq("role"))]
    rows = {group: np.flatnonzero(groups == group) for group in np.unique(pattern[found < 0])}
    states = {group: _state_of(patterns[choice[0]], names) if len(choice) > 1 else -1 for group, choice in rows.items()}
    since, until = actors["since"].to_numpy(), actors["until"].to_numpy()
    for i in np.flatnonzero(found < 0):
        choice, day = rows[pattern[i]], published[i]
        held = choice[~(day < since[choice]) & ~(day >= until[choice]) | np.isnat(day)]
        found[i] = held[0] if len(held) == 1 else states[pattern[i]]
    return found


def _state_of(pattern, names):
    """Row of the state that the words of an office name ("Norlandic president" -> Norland), -1 for none. names: (row, name)."""
    words = " ".join(_pattern_words(pattern.lower()))
    return next((row for row, name in names if f" {' '.join(_pattern_words(name))} " in f" {words} "), -1)


def _attributive(tokens, codebook, matches, demonym):
    """Does the name stand before a noun that it describes? A demonym does before any lower-case word that is no
    stopword; another name only before a noun of voices.csv ("Palace spokesman") or a hyphen ("US-led")."""
    after = np.minimum(matches.last + 1, len(tokens) - 1)
    stopwords = set(codebook.stopwords["word"])
    same = (tokens["sentence"].to_numpy()[after] == tokens["sentence"].to_numpy()[matches.last]) & (after > matches.last)
    noun = _by_word(tokens["token"], after, lambda word: word.islower() and word.isalpha() and word not in stopwords)
    singular = _by_word(tokens["lower"], matches.last, lambda word: not word.endswith("s"))
    voice_starts = _match(tokens, codebook.voices["pattern"].tolist()).first
    joined = tokens["start"].to_numpy()[after] == tokens["end"].to_numpy()[matches.last]
    hyphen = joined & _by_word(tokens["token"], after, "-".__eq__) & \
        _by_word(tokens["token"], np.minimum(after + 1, len(tokens) - 1), str.islower)
    return same & ((demonym & singular & noun) | np.isin(after, voice_starts) | hyphen)


def _by_word(column, at, test):
    """bool array: whether the words at some positions pass a test, which sees each distinct word once."""
    words = _categories(column)
    known, place = np.unique(words.codes[at], return_inverse=True)
    return np.array([test(word) for word in words.categories[known]], bool)[place]


# ---------------------------------------------------------------------------------------------------------------
# 6. Clauses: who does what a verb says
# ---------------------------------------------------------------------------------------------------------------

# Word classes of grammar.csv, one bit each; a word may have several. Whatever has none is taken for a noun or adjective.
_CLASSES = {
    "article": ("article",), "determiner": ("article", "demonstrative", "possessive", "quantifier", "number"),
    "pronoun": ("pronoun_he", "pronoun_she", "pronoun_it", "pronoun_they", "pronoun_we", "pronoun_i", "pronoun_you"),
    "indefinite": ("pronoun_indefinite",), "preposition": ("preposition", "agent_preposition"), "conjunction": ("conjunction",),
    "relative": ("relative",), "complementiser": ("complementiser",), "subordinator": ("subordinator",),
    "auxiliary": ("auxiliary", "modal_possible", "modal_future", "modal_obligation"), "negator": ("negator",),
    "adverb": ("adverb", "clause_adverb", "intensifier"), "time": ("time_word",), "past": ("past_irregular", "copula"),
    "participle": ("participle_irregular",), "possessive": ("possessive",), "infinitive": ("infinitive_marker",),
    "not_verb": ("not_participle",), "particle": ("name_particle",), "that": ("declarative",), "of": ("genitive_preposition",),
    "and": ("coordinator",), "link": ("noun_preposition",), "by": ("passive_agent",), "opener": ("report_opener",),
    "definite": ("definite_article",)}
_BITS = {name: 1 << i for i, name in enumerate([*_CLASSES, "cue", "ed", "ing", "name", "word", "genitive", "before_time",
                                                "capital", "be", "es"])}


@cache
def _mask(names):
    """The bits of several word classes together."""
    return sum(_BITS[name] for name in names)


_SMALL = _mask(("article", "preposition", "conjunction"))        # not capitalised in titles
_STEP_OVER = _mask(("auxiliary", "adverb", "negator"))          # between subject and verb
_NO_VERB = _mask(("name", "determiner", "not_verb"))
_AFTER_NO_VERB = _mask(("determiner", "genitive", "preposition", "auxiliary"))
_NO_NOUN = _mask(("preposition", "conjunction", "relative", "complementiser", "subordinator", "auxiliary", "pronoun", "negator",
                  "past"))
_FINITE = _mask(("auxiliary", "past", "cue", "ed"))
_VERB_FORM = _mask(("ed", "ing", "participle", "cue"))


def _word_classes(words, codebook):
    """int array: the classes of each distinct word, as bits."""
    classes, roles = {}, defaultdict(int)
    for name, members in _CLASSES.items():
        for role in members:
            roles[role] |= _BITS[name]
    for role, pattern, note in codebook.grammar[["role", "pattern", "note"]].to_numpy(object):
        be = _BITS["be"] if role == "auxiliary" and note.startswith("be") else 0
        classes[pattern] = classes.get(pattern, 0) | roles[role] | be
        first, _, more = pattern.partition(" ")
        if role == "time_word" and more:
            classes[first] = classes.get(first, 0) | _BITS["before_time"]
        if role == "preposition" and more and first.endswith("ing"):       # "according to"
            classes[first] = classes.get(first, 0) | _BITS["preposition"]
    for pattern, note in codebook.cues[["pattern", "note"]].to_numpy(object):
        classes[pattern] = classes.get(pattern, 0) | (0 if note.startswith("also a noun") else _BITS["cue"])
    return np.fromiter((_classes_of(word, classes) for word in words), np.int64, len(words))


def _classes_of(word, classes):
    lower = word.lower().replace("’", "'")
    if not any(map(str.isalnum, word)):
        return classes.get(lower, 0) & ~_BITS["determiner"] | (_BITS["genitive"] if lower == "'" else 0)
    if lower == "'s":
        return _BITS["genitive"]
    shout = word.isupper() and len(word) > 1 and lower not in ("i'm",)
    bits = 0 if shout else classes.get(lower, 0)
    if bits & _BITS["preposition"]:
        bits &= ~_BITS["determiner"]
    named = word[0].isupper() and not bits & ~_mask(("cue", "before_time", "particle"))
    bits |= _BITS["word"] | (_BITS["name"] if named else 0) | (_BITS["capital"] if word[0].isupper() else 0)
    if lower.endswith("ed") and len(lower) > 3:
        bits |= _BITS["ed"]
    if lower.endswith("s") and not lower.endswith("ss") and len(lower) > 3:
        bits |= _BITS["es"]
    if lower.endswith("ly") and len(lower) > 5 and not named and not bits & _BITS["not_verb"]:
        bits |= _BITS["adverb"]
    return bits | (_BITS["ing"] if lower.endswith("ing") and len(lower) > 4 else 0)


class Phrase(NamedTuple):
    """A noun phrase by token positions: first..last, and the head word of each part ("X and Y" has two)."""

    first: int
    last: int
    heads: tuple


class Clauses:
    """Finds subjects by word classes and the borders of noun phrases: no parser, no model.

    Word classes are worked out once per distinct word; the methods then walk over few tokens around one verb. Positions
    are row numbers of tokens. Words inside quotation marks belong to the speaker: the walk stops at them.
    """

    def __init__(self, tokens, codebook):
        token, lower = _categories(tokens["token"]), _categories(tokens["lower"])
        bits = _word_classes(token.categories.to_numpy(object), codebook)[token.codes]
        self.lower = lower.categories.to_numpy(object)[lower.codes].tolist()
        first, last = _sentence_edges(tokens)
        length = last - first + 1
        inside = np.arange(len(tokens)) > np.repeat(first, length)
        verbal = _mask(("auxiliary", "past", "participle"))     # "Theresa May" and "the Met", but "May I"
        named = inside & (bits & _BITS["capital"] > 0) & (bits & verbal > 0)
        bits = np.where(named, _BITS["word"] | _BITS["name"] | _BITS["capital"], bits)
        after_pronoun = np.append(False, bits[:-1] & _mask(("pronoun", "relative")) > 0) & (bits & _BITS["genitive"] > 0)
        bits = np.where(after_pronoun, _mask(("word", "auxiliary", "be")), bits)                     # "he's ready"
        before, after = np.append(0, bits[:-1]), np.append(bits[1:], 0)
        present = inside & (bits == _BITS["word"] | _BITS["es"]) & (before & _mask(("name", "pronoun", "relative")) > 0) & (
            after & _mask(("determiner", "infinitive", "that", "pronoun")) > 0)
        self.bits = np.where(present, bits | _BITS["past"], bits).tolist()                          # "Lind wants the"
        self.first, self.last = np.repeat(first, length).tolist(), np.repeat(last, length).tolist()
        self.quoted = tokens["quoted"].tolist()
        glued = np.zeros(len(tokens) + 1, bool)                 # written together with the token before it
        glued[1:-1] = (tokens["start"].to_numpy()[1:] == tokens["end"].to_numpy()[:-1])
        self.glued = glued.tolist()

    def blind(self):
        """The same, but blind to quotation marks."""
        blind = copy(self)
        blind.quoted = [False] * len(self.quoted)
        return blind

    def word(self, at):
        """The token in lower case."""
        return self.lower[at]

    def is_a(self, at, *names):
        """Does the word belong to one of these classes?"""
        return self.bits[at] & _mask(names) != 0

    def finite(self, at):
        """Can the word be the verb of a clause: past tense, auxiliary or a reporting verb, and no noun?"""
        bits = self.bits[at]
        if not bits & _FINITE or bits & _NO_VERB or self.quoted[at]:
            return False
        if bits & _BITS["ed"] and at < self.last[at] and self.is_a(at + 1, "by"):
            return False                                        # "the phone used by Berg"
        if bits & _mask(("auxiliary", "past")):
            return True
        return not bits & _BITS["ing"] and not (
            at > self.first[at] and self.bits[at - 1] & _AFTER_NO_VERB)

    def nominal(self, at):
        """Can the word stand in the middle of a noun phrase?"""
        bits = self.bits[at]
        if self.quoted[at] or not bits & _BITS["word"]:
            return False
        if bits & _BITS["name"]:
            return True
        if bits & _NO_NOUN:
            return False
        if bits & _VERB_FORM and not bits & _BITS["not_verb"]:
            return at > self.first[at] and self.bits[at - 1] & _mask(("determiner", "genitive")) > 0
        return bits & _mask(("adverb", "determiner")) != _BITS["adverb"]

    # -- noun phrases

    def phrase_before(self, last):
        """The noun phrase that ends at a token, or None: "a spokesman for Lind" has the head "spokesman"."""
        base = self._base_before(last)
        if base is None:
            return None
        first, last, heads = base
        if self.is_a(last, "pronoun"):
            return base
        while first > self.first[last] + 1:
            before = first - 1
            if self._links(before):
                outer = self._base_before(before - 1)
                if outer is None or (self.is_a(outer.last, "pronoun", "time") and not self.is_a(before, "of")):
                    break
                title = self.is_a(outer.last, "name") and base.last - base.first > 1    # "Minister of Defence Ada Berg"
                first, heads = outer.first, heads if title else outer.heads
            elif self.is_a(before, "and") and (outer := self._joined(before)) is not None:
                return Phrase(outer.first, last, outer.heads + heads)
            else:
                break
        return Phrase(first, last, heads)

    def _links(self, at):
        """Is the word a preposition that hangs a phrase on the one before it?"""
        return self.is_a(at, "preposition") and not self.is_a(at, "conjunction", "subordinator", "name") and not self.quoted[at]

    def _joined(self, conjunction):
        """The noun phrases before "and", if they open their clause; else the "and" joins something else."""
        at = conjunction - 1
        if at > self.first[at] and self.word(at) == ",":
            at -= 1
        outer = self.phrase_before(at) if at >= self.first[conjunction] else None
        while outer is not None and outer.first > self.first[at] + 1 and self.word(outer.first - 1) == "," and \
                (more := self.phrase_before(outer.first - 2)) is not None:
            outer = Phrase(more.first, at, more.heads + outer.heads)
        if outer is None or (outer.first > self.first[at] and not self._opens_clause(outer.first - 1)):
            return None
        return outer

    def _opens_clause(self, at):
        """Is the word (or mark) one after which a new clause may begin?"""
        return not self.is_a(at, "word") or self.is_a(at, "conjunction", "complementiser", "subordinator", "relative", "time",
                                                      "adverb") or self.is_a(at, "cue")

    def _base_before(self, last):
        """The noun phrase without what hangs on prepositions."""
        begin, at = self.first[last], self._skip_time(last)
        if at < begin or self.quoted[at]:
            return None
        if self.is_a(at, "pronoun", "indefinite") and not self.is_a(at, "name"):
            return Phrase(at, at, (at,))
        head = at
        while at >= begin and (self.nominal(at) or self._inner_mark(at)):
            if self.is_a(at, "determiner") and not self.is_a(at, "genitive"):
                while at > begin and self.bits[at - 1] & _mask(("determiner", "that")) == _BITS["determiner"] and \
                        not self.quoted[at - 1]:
                    at -= 1
                if not (at > begin and self.is_a(at - 1, "genitive")):
                    return Phrase(at, head, (head,))
            at -= 1
        first = at + 1
        return Phrase(first, head, (head,)) if first <= head and self.is_a(head, "word") else None

    def _skip_time(self, at):
        """Step back over brackets, adverbs and dates ("Lind on Monday", "Lind (R-Tex.)")."""
        begin = self.first[at]
        while at >= begin and (self.word(at) == ")" or self.is_a(at, "time", "adverb")) and not self.is_a(at, "name"):
            bracket = range(at, max(begin, at - 12), -1) if self.word(at) == ")" else []
            time, at = self.is_a(at, "time"), next((i for i in bracket if self.word(i) == "("), at) - 1
            while time and at >= begin and self.is_a(at, "before_time", "preposition") and not self.is_a(at, "name"):
                at -= 1
        return at

    def _inner_mark(self, at):
        """A hyphen, an apostrophe-s or the stop of an abbreviation inside a phrase."""
        if self.quoted[at]:
            return False
        if self.is_a(at, "genitive"):
            return at > self.first[at] and not self.is_a(at - 1, "pronoun")
        word = self.word(at)
        return (word in "-–/&" and at > self.first[at] and (self.glued[at] or word == "&")) or \
            (word == "." and at < self.last[at] and self.glued[at] and self.is_a(at - 1, "name"))

    def phrase_after(self, first):
        """The noun phrase that begins at a token, or None."""
        end, at = self.last[first] if first < len(self.bits) else -1, first
        while at <= end and self.is_a(at, "adverb") and not self.is_a(at, "name", "determiner"):
            at += 1
        if at > end or self.quoted[at]:
            return None
        if self.is_a(at, "pronoun", "indefinite") and not self.is_a(at, "name", "determiner"):
            return Phrase(at, at, (at,))
        start, head, heads = at, None, ()
        at += at < end and self.is_a(at, "ed", "participle") and self.nominal(at + 1)   # "retired General Smith"
        while at <= end and not self.quoted[at]:
            if self.nominal(at) or self.is_a(at, "determiner") or self._inner_mark(at):
                if head is not None and (self.is_a(at, "article", "that") or (
                        self.is_a(at, "time") and not self.is_a(at, "determiner"))):
                    break
                head = at if self.is_a(at, "word") and not self.is_a(at, "genitive") else head
                at += 1
            elif head is not None and self.is_a(at, "and") and at < end and self.nominal(at + 1):
                heads, head, at = heads + (head,), None, at + 1
            else:
                break
        if head is None:
            return None
        last, heads = head, heads + (head,)
        if at < end and self.is_a(at, "link") and (self.is_a(at, "of") or not self.is_a(head, "name")) and \
                (more := self.phrase_after(at + 1)):
            last = more.last
        return Phrase(start, last, heads)

    # -- subjects

    def subject(self, verb):
        """The noun phrase whose verb this is, before it ("Norhaven, which ..., has repeatedly demanded"), or None."""
        return self._subject(verb, 4)

    def _subject(self, verb, depth):
        at, begin = verb - 1, self.first[verb]
        while at >= begin and self.bits[at] & _STEP_OVER and not self.quoted[at] and not self.is_a(at, "name"):
            at -= 1
        at = self._skip_time(at) if at >= begin and not self.is_a(at, "name") else at
        if at < begin or depth == 0:
            return self._following_subject(verb) if depth and self.is_a(verb, "ing") else None
        if self.is_a(verb, "ing") and not any(self.is_a(i, "auxiliary") for i in range(at + 1, verb)):
            return self._participle_subject(verb, at, depth)
        if self.is_a(at, "infinitive") and at - 1 >= begin:     # "urged Estburg to agree", "wants to demand"
            if self.is_a(at - 1, "name", "pronoun"):
                return self.phrase_before(at - 1)
            chain = next((i for i in range(at - 1, max(begin, at - 4) - 1, -1) if self.finite(i)), at - 1)
            return self._subject(chain, depth - 1)
        if self.is_a(at, "relative") and not self.quoted[at]:
            return self._antecedent(at)
        if self.is_a(at, "conjunction"):
            return self._subject_of_verb_before(verb, at, depth)    # "X came and said"
        if self.word(at) in (",", "—", "–", "--"):              # "Berg, the mayor, said"; "Berg came, saw, won"
            return self._before_insertion(at, verb) or self._subject_of_verb_before(verb, at - 1, depth)
        if self.word(at) in _MARKS and at > begin:              # "the star of “Scandal,” said"; "“...,” said Berg, adding"
            return self._before_insertion(at - 1, verb) or (self.phrase_after(verb + 1) if self.is_a(verb, "cue") else None)
        phrase = self.phrase_before(at)
        return self._outside_relative(phrase, phrase.first - 1 if phrase else at)

    def _antecedent(self, relative):
        """The noun phrase that "who" or "which" stands for."""
        at = relative - 1
        if at > self.first[relative] and self.word(at) in (",", "—", "–", "--"):
            at -= 1
        return self.phrase_before(at) if at >= self.first[relative] else None

    def _subject_of_verb_before(self, verb, at, depth):
        """The subject that a verb shares with one before it, rather with one of the same class."""
        verbs = [i for i in range(at, self.first[verb] - 1, -1) if self.finite(i) and not (
            self.is_a(verb, "ing") and self.is_a(i - 1, "relative"))]
        cue = self.is_a(verb, "cue", "ing")
        for i in sorted(verbs, key=lambda i: cue and not self.is_a(i, "cue")):
            if (found := self._subject(i, depth - 1)) is not None:
                return found
        return None

    def _participle_subject(self, verb, at, depth):
        """ "X did this, saying": the subject of the main verb before; "Citing this, X did": of the one after."""
        if not self.is_a(at, "preposition", "subordinator", "conjunction") and self.is_a(at, "word") and \
                (phrase := self.phrase_before(at)) is not None:
            return self._outside_relative(phrase, phrase.first - 1)
        return self._subject_of_verb_before(verb, at, depth) or self._following_subject(verb)

    def _following_subject(self, verb):
        """ "In addition to demanding this, Lind ...": the phrase after the comma."""
        for i in range(verb + 1, self.last[verb]):
            if self.word(i) == "," and not self.quoted[i] and (phrase := self.phrase_after(i + 1)) and \
                    phrase.last < self.last[verb] and self.is_a(phrase.last + 1, "auxiliary", "adverb", "past", "ed", "cue"):
                return phrase
        return None

    def _outside_relative(self, phrase, at):
        """ "The man who met Lind said": if a clause about an earlier noun ends here, that noun; else the phrase."""
        if at < self.first[at + 1] or not self.is_a(at, "word") or self.is_a(at, "complementiser", "conjunction") \
                or not (self.finite(at) or self.is_a(at, "ed", "ing", "participle", "preposition")):
            return phrase
        for i in range(at, self.first[at] - 1, -1):
            if self.quoted[i] or not self.is_a(i, "word"):
                return phrase
            if self.is_a(i, "relative") and not self.is_a(i, "that"):
                return self._antecedent(i) or phrase
            if self.is_a(i, "conjunction", "subordinator"):
                return phrase
            reduced = self.is_a(i, "ed", "ing", "participle") and i > self.first[i] and not self.is_a(i - 1, "auxiliary")
            if reduced and (self.is_a(i, "ing") or not self.is_a(i, "cue")) and \
                    (outer := self.phrase_before(i - 1)) is not None and not self.is_a(outer.last, "pronoun"):
                return outer
        return phrase

    def _before_insertion(self, comma, verb):
        """ "Berg, the spokesman, said": the phrase before what stands between the commas."""
        best, after = None, comma
        for i in range(comma - 1, self.first[verb], -1):
            if self.word(i) not in (",", "—", "–", "--") or self.quoted[i] or i + 1 >= after:
                continue
            phrase = self.phrase_before(i - 1)
            if self.is_a(i + 1, "relative"):
                return phrase or best
            if phrase is None:
                continue
            inside = phrase.first > self.first[verb] and not self._opens_clause(phrase.first - 1)
            best = best if inside or self.is_a(i - 1, "time") or self.word(i - 1)[:1].isdigit() else phrase
            after = i
        return best

    def agent(self, verb):
        """Who does what a passive verb says ("was rejected by Estburg"), or None."""
        if not any(self.is_a(i, "auxiliary") for i in range(max(self.first[verb], verb - 3), verb)):
            return None
        for i in range(verb + 1, min(self.last[verb], verb + 8)):
            if self.is_a(i, "by") and not self.quoted[i]:
                return self.phrase_after(i + 1)
            if not self.is_a(i, "word"):
                return None
        return None


# ---------------------------------------------------------------------------------------------------------------
# 7. Quotations: what is said, by whom, and why we think so
# ---------------------------------------------------------------------------------------------------------------

QUOTE_COLUMNS = {
    "article_id": "str", "part": "str", "sentence": "int64", "start": "int64", "end": "int64", "quote": "str", "kind": "str",
    "words": "int64", "speaker": "str", "speaker_side": "str", "speaker_type": "str", "speaker_text": "str",
    "speaker_start": "Int64", "speaker_end": "Int64", "cue": "str", "rule": "str"}
_BREAKS = {",", "—", "–", "--", "-"}
_ASKS_ON = {"?", "!", "…", "..."}                               # a sentence may go on after these and a closing mark


class Source(NamedTuple):
    """Who says something: the noun phrase, the first and last token of the cue (-1: none), and the rule that found it."""

    phrase: Phrase
    cue: int
    cue_end: int
    rule: str


class Said(NamedTuple):
    """Something said: first and last token, kind, and its Source or None."""

    first: int
    last: int
    kind: str
    source: Source | None


def find_quotes(articles, tokens, mentions, codebook):
    """Find what is quoted or reported, and who says it.

    Returns the quotes frame, one row a quoted stretch or reported clause, in text order: article_id, part, sentence, start,
    end (without the marks), quote, kind, words, speaker, speaker_side, speaker_type, speaker_text (as the article has it),
    speaker_start, speaker_end, cue, rule. Unknown text is NaN, unknown offsets <NA>.
    kind: speech (a clause of its own), fragment (words woven into the reporter's sentence), label (a title, a nickname, words
        kept at a distance; has no speaker), indirect (a reported clause without its "that"; it may hold fragments, which have
        rows of their own).
    rule: named before, named after, according to, colon, noun ("his claim that"), continued (the quotation goes on). Guesses:
        pronoun (whom "he" stands for), last speaker, last subject.
    speaker: the actor who is the head of the phrase ("a spokesman for Lind" is not Lind), empty if the codebook has none.
    speaker_type: by voices.csv from the words of the phrase and its apposition; else a named person or a state is "official",
        any other actor "organisation".
    """
    reader = _QuoteReader(tokens, codebook)
    said = sorted(reader.quoted() + reader.reported(), key=lambda s: (s.first, -s.last))
    first, last = (np.array([getattr(s, edge) for s in said], int) for edge in ("first", "last"))
    found = _at(tokens, first, last)
    found["quote"] = _surfaces(articles, found)
    found["kind"] = [s.kind for s in said]
    words = np.append(0, np.cumsum(is_word(tokens).to_numpy()))
    found["words"] = words[last + 1] - words[first]
    found["cue"] = [reader.cue_text(s.source) for s in said]
    speakers = _Speakers(tokens, mentions, codebook, reader)
    found[["speaker", "speaker_side", "speaker_type", "speaker_start", "speaker_end", "rule"]] = speakers.columns(said)
    spans = found[["article_id"]].assign(start=found["speaker_start"], end=found["speaker_end"])
    named = spans["start"].notna()
    found["speaker_text"] = _surfaces(articles, spans[named].astype({"start": int, "end": int}))
    return found[list(QUOTE_COLUMNS)].astype(QUOTE_COLUMNS).reset_index(drop=True)


class _QuoteReader:
    """Looks for the source of each quotation in the reporter's words around it."""

    def __init__(self, tokens, codebook):
        read = self.clauses = Clauses(tokens, codebook)
        self.stretches = read_quotation_marks(tokens)
        cues, grammar = codebook.cues, codebook.grammar
        matches = _match(tokens, cues["pattern"].tolist())
        first = matches.first
        narrated = [not read.quoted[i] and (i == read.first[i] or not read.is_a(i, "capital")) and not (
            read.glued[i] and read.word(i - 1) == "-") for i in first.tolist()]            # "Lind-branded" is no verb
        self.cues = first[narrated].tolist()
        self.cue_end = dict(zip(self.cues, matches.last[narrated].tolist()))
        pattern = matches.pattern[narrated]
        prepositions = grammar.loc[grammar["role"].eq("preposition"), "pattern"].str.split().str[0]

        def cues_of(rows):
            """Positions of the cues that these rows of cues.csv found."""
            return set(np.array(self.cues, int)[rows.to_numpy(bool)[pattern]].tolist())

        self.ambiguous = cues_of(cues["note"].str.startswith("also a noun"))
        self.labelling = cues_of(cues["note"].str.contains("label"))
        self.leading = cues_of(cues["pattern"].str.split().str[0].isin(prepositions))
        self.exchange = cues_of(cues["manner"].eq("exchange"))
        voices = _match(tokens, codebook.voices["pattern"].tolist())
        types = codebook.voices["speaker_type"].to_numpy()[voices.pattern].tolist()
        self.unnamed = [at for at, kind in zip(voices.first.tolist(), types) if kind == "unnamed"]
        self.voices = {i: t for s, e, t in zip(voices.first.tolist(), voices.last.tolist(), types) for i in range(s, e + 1)}
        self.noun_words = set(grammar.loc[grammar["role"].eq("reporting_noun"), "pattern"])
        article = _categories(tokens["article_id"]).codes.astype(np.int64)
        self.article = article.tolist()
        self.paragraph = np.cumsum(np.diff(article * 2**31 + tokens["paragraph"].to_numpy(), prepend=-1) != 0).tolist()
        self.title_marks = np.flatnonzero(tokens["part"].eq("title") & tokens["token"].isin([":", "—", "–"])).tolist()
        self.known = {}

    def cue_text(self, source):
        """The words of the cue, lower case."""
        said = source is not None and source.cue >= 0
        return " ".join(self.clauses.word(i) for i in range(source.cue, source.cue_end + 1)) if said else None

    # -- cues and their subjects

    def between(self, first, last):
        """Cues whose first token stands in first..last."""
        return self.cues[bisect_left(self.cues, first):bisect_left(self.cues, last + 1)]

    def at(self, cue, rule):
        """The Source at a cue, or None."""
        if cue not in self.known:
            self.known[cue] = self._speaking(cue)
        phrase = self.known[cue]
        return phrase and Source(phrase, cue, self.cue_end[cue], rule if cue not in self.leading else "according to")

    def _speaking(self, cue):
        read, end = self.clauses, self.cue_end[cue]
        if cue in self.leading:                                 # "according to Estburg", "in Berg's words", "as he put it"
            return self._owner(end, cue + 1) or read.phrase_after(
                (end if read.is_a(end, "preposition", "infinitive") else cue) + 1)
        if cue in self.labelling or read.is_a(cue, "subordinator") or self._noun_here(cue):
            return None                                         # "known as", "when asked", "his remarks"
        if self._passive(cue):
            return read.agent(cue)
        opens = cue == read.first[cue] and not read.is_a(cue, "ing")
        phrase = read.phrase_after(end + 1) if opens else self._inverted(cue) or read.subject(cue)
        if phrase is None or cue not in self.ambiguous or read.is_a(cue, "ing") or read.word(phrase.heads[-1]).endswith("s"):
            return phrase
        determined = any(read.is_a(i, "name", "pronoun", "determiner") for i in range(phrase.first, phrase.heads[-1] + 1))
        return phrase if determined else None                   # no "federal rules"

    def _inverted(self, cue):
        """ "The deal is done, said the spokesman.": a voice behind the verb, a clause before it; or None."""
        read, begin, first = self.clauses, self.clauses.first[cue], self.cue_end[cue] + 1
        if read.word(cue - 1) != "," or read.is_a(cue, "ing") or first > read.last[cue]:
            return None
        phrase = read.phrase_after(first)
        if phrase is None or phrase.last == read.last[cue] or not (
                read.is_a(phrase.heads[-1], "name") or phrase.heads[-1] in self.voices):
            return None
        following = phrase.last + 1
        ends = not read.is_a(following, "word") or read.is_a(following, "time", "preposition", "relative")
        return phrase if ends and self._clause_of_its_own(begin, cue - 1) else None

    def _clause_of_its_own(self, begin, comma):
        """Not "The plan, which Lind made," nor "In Norhaven,": a finite verb, or one in -s, before any relative."""
        read = self.clauses
        relative = next((i for i in range(begin, comma) if read.is_a(i, "relative")), comma)
        plain = relative == comma and not any(read.quoted[begin:comma]) and not read.is_a(
            begin, "ing", "preposition", "subordinator", "adverb")
        return any(read.finite(i) or (plain and read.is_a(i, "es") and not read.is_a(i, "name")) for i in range(begin, relative))

    def _noun_here(self, cue):
        """Is a word that may be a noun one here ("his remarks", "in reports", "the court ruling")?"""
        read = self.clauses
        if cue == read.first[cue] or cue not in self.ambiguous:
            return False
        if read.is_a(cue, "ing"):
            return read.nominal(cue - 1) and self.cue_end[cue] < read.last[cue] and read.finite(self.cue_end[cue] + 1)
        return read.is_a(cue - 1, "determiner", "genitive", "preposition") and not read.is_a(cue - 1, "adverb", "infinitive")

    def _passive(self, cue):
        """ "was described": the subject does not speak ("was quoted as saying" is one cue and no such case)."""
        read, at = self.clauses, cue - 1
        if cue != self.cue_end[cue] or not read.is_a(cue, "ed", "participle"):
            return cue in self.exchange and read.is_a(cue, "be")
        while at > read.first[cue] and read.is_a(at, "adverb", "negator"):
            at -= 1
        return at >= read.first[cue] and read.is_a(at, "be")

    def outermost(self, source):
        """ "Berg said that Estburg claims", "According to Berg, Estburg claims": Berg owns what is said."""
        read, first, begin = self.clauses, source.phrase.first, self.clauses.first[source.phrase.first]
        apart = first > begin and not read.is_a(first - 1, "opener") and (
            not read.is_a(first - 1, "word") or read.is_a(first - 1, "conjunction", "relative", "subordinator"))
        for cue in self.between(begin, first - 1):
            outer = self.at(cue, source.rule)
            if outer is None or apart and cue not in self.leading:
                continue
            following, content = self.cue_end[cue] + 1, self.content_after(outer)
            if following in (first, first - 1) or (content and content[0] <= first and source.cue <= content[1]):
                return outer
        return source

    # -- one quotation

    def edges(self, stretch):
        """First token of its sentence, token before its mark, token after its mark, last token of that sentence."""
        read, right = self.clauses, stretch.last + (2 if stretch.closed else 1)
        here = right < len(self.paragraph) and self.paragraph[right] == self.paragraph[stretch.last]
        return read.first[stretch.first], stretch.first - 2, right if here else len(self.paragraph), read.last[right] if here else -1

    def stop(self, stretch):
        """The last token inside that is no quotation mark."""
        at = stretch.last
        while at > stretch.first and self.clauses.word(at) in _MARKS:
            at -= 1
        return self.clauses.word(at)

    def after(self, stretch):
        """ "...," Berg said; "...," said Berg; "...," according to Berg."""
        read, (_, _, right, end) = self.clauses, self.edges(stretch)
        if end < 0 or (read.first[right] == right and self.stop(stretch) not in _ASKS_ON | {","}):
            return None
        while right < end and (read.word(right) in _BREAKS | _MARKS or (
                read.is_a(right, "adverb") and not read.is_a(right, "name"))):
            right += 1
        for cue in self.between(right, min(end, right + 40))[:4]:
            if any(read.quoted[right:cue]):
                return None
            if cue == right and cue not in self.leading:
                following = self.cue_end[cue] + 1
                phrase = None if read.is_a(cue, "ing") or read.is_a(following, "that") else read.phrase_after(following)
                return phrase and Source(phrase, cue, self.cue_end[cue], "named after")
            source = self.at(cue, "named after")
            if source is not None and (cue == right or self._directly(source, right)):
                return source
        return self._unlisted_after(stretch, right, end)

    def _unlisted_after(self, stretch, right, end):
        """ "...," joked Berg: any past tense before a name tells a quotation of its own."""
        read, (begin, left, _, _) = self.clauses, self.edges(stretch)
        if self.stop(stretch) not in {",", "?", "!"} or (left >= begin and read.is_a(left, "word")) or right >= end or \
                not read.is_a(right, "ed", "past") or read.is_a(right, "name", "auxiliary"):
            return None
        phrase = read.phrase_after(right + 1)
        return Source(phrase, right, right, "named after") if phrase and read.is_a(phrase.heads[-1], "name", "pronoun") else None

    def _directly(self, source, right):
        """Does the clause of the source begin here, with its verb next to the subject?"""
        read, (first, last, _) = self.clauses, source.phrase
        return right <= first <= right + read.is_a(right, "conjunction") and (
            source.cue - last < 5 or read.word(last + 1) in _BREAKS or read.is_a(last + 1, "relative"))

    def before(self, stretch):
        """Berg said: "..."; Berg told reporters that it was "..."; his claim that "..."."""
        read, (begin, left, _, _) = self.clauses, self.edges(stretch)
        if left < begin:                                        # a colon may end the paragraph before
            if left < 0 or read.word(left) != ":":
                return None
            begin = read.first[left]
        if (source := self.noun(left)) is not None:
            return source
        rule = "named before" if self.paragraph[left] == self.paragraph[stretch.first] else "colon"
        for cue in reversed(self.between(begin, left)):
            if (source := self.at(cue, rule)) is not None and not source.phrase.first > left:
                return self.outermost(source)
        if (source := self.heading(left)) is not None:
            return source
        verbs = [left - 1] if read.word(left) == "," else range(begin, left) if read.word(left) == ":" else []
        for verb in verbs:                                      # "Berg joked, ...", "Berg expressed his hope: ..."
            if verb > begin and read.finite(verb) and (phrase := read.subject(verb)) is not None:
                return Source(phrase, verb, verb, "colon" if read.word(left) == ":" else "named before")
        return None

    def heading(self, colon):
        """Nothing but a name before a colon ("Berg: ...")."""
        read, first = self.clauses, self.clauses.first[colon]
        phrase = read.phrase_before(colon - 1) if read.word(colon) == ":" and colon > first else None
        return Source(phrase, -1, -1, "colon") if phrase is not None and phrase.first == first else None

    def noun(self, at):
        """ "Lind's claim that", "his remark:" right before."""
        read, begin = self.clauses, self.clauses.first[at]
        while at > begin and (read.word(at) in ":," or read.is_a(at, "that", "of")):
            at -= 1
        at = max(begin, read._skip_time(at))
        if read.word(at) not in self.noun_words:
            return None
        owner = self._owner(at, begin)
        return owner and Source(owner, at, at, "noun")

    def _owner(self, noun, begin):
        """Whose a noun is ("Lind's claim", "in his own words"), or None."""
        read = self.clauses
        for i in range(noun - 1, max(begin, noun - 5) - 1, -1):
            if read.is_a(i, "genitive") and i > begin:
                return read.phrase_before(i - 1)
            if read.is_a(i, "possessive") and not read.is_a(i, "relative"):
                return Phrase(i, i, (i,))
            if not read.nominal(i):
                return None
        return None

    def later(self, stretch):
        """The talks were "useful" and would go on, Berg said."""
        read, (_, _, right, end) = self.clauses, self.edges(stretch)
        if end < 0 or read.first[right] == right:
            return None
        for cue in reversed(self.between(right, end)):
            source = self.at(cue, "named after")
            if source is not None and source.phrase.first > right and source.phrase.last < cue and \
                    read.word(source.phrase.first - 1) in _BREAKS:
                return source
        return None

    # -- all quotations

    def quoted(self):
        """Said for every stretch between quotation marks."""
        sources = [self.after(s) or self.before(s) or self.later(s) for s in self.stretches]
        for i in range(1, len(sources)):
            sources[i] = self.carried(sources, i)
        for i in range(len(sources) - 2, -1, -1):               # "..." and "...," he said; an opened paragraph before
            if sources[i] is None and sources[i + 1] is not None and self._goes_on(i):
                sources[i] = sources[i + 1]._replace(rule="continued")
        found = []
        for stretch, source in zip(self.stretches, sources):
            kind = self.kind(stretch, source)
            found.append(Said(stretch.first, stretch.last, kind, None if kind == "label" else source))
        return found

    def _goes_on(self, i):
        this, that = self.stretches[i], self.stretches[i + 1]
        if not this.closed:
            return self.paragraph[that.first] == self.paragraph[this.first] + 1
        return that.first - this.last <= 4 and self.clauses.first[that.first] == self.clauses.first[this.first]

    def carried(self, sources, i):
        """The speaker of the quotation before, within limits; else what is there."""
        read, this, last = self.clauses, self.stretches[i], self.stretches[i - 1]
        source, before = sources[i], sources[i - 1]
        begin, left, _, _ = self.edges(this)
        if source is None and left < begin and read.first[last.last] < read.first[max(left, 0)]:
            source = self.sentence_before(begin)
        if before is None or self.article[last.first] != self.article[this.first]:
            return source
        broken = last.last < before.cue < this.first and read.first[this.first] <= before.cue and \
            left >= begin and read.word(left) in _BREAKS
        if broken and (source is None or source.rule == "named before"):
            return before._replace(rule="continued")
        gap = self.paragraph[this.first] - self.paragraph[last.first]
        if source is None and left >= begin and gap == 0 and read.last[max(before.cue, last.last)] == begin - 1 and any(
                read.is_a(i, "auxiliary", "past") for i in range(this.first, this.last)):
            return before._replace(rule="last speaker")
        if source is not None or left >= begin:
            return source
        spoke = [s for cue in self.between(read.last[max(last.last, before.cue)] + 1, begin - 1) if (s := self.at(cue, "last speaker"))
                 and not read.is_a(s.phrase.first, "pronoun") and not read.is_a(cue, "ing")]
        if spoke:
            return spoke[-1] if gap < 2 else None
        if gap == 0 or (gap == 1 and not last.closed):
            return before._replace(rule="continued")
        return self._last_voice(sources, i)._replace(rule="last speaker") if gap == 1 else None

    def _last_voice(self, sources, i):
        """Whose words came last before a quotation that stands alone: rather whole sentences than a fragment."""
        here = self.stretches[i].first
        near = [k for k in range(max(i - 5, 0), i) if sources[k] is not None and self.article[self.stretches[k].last] ==
                self.article[here] and self.paragraph[here] - self.paragraph[self.stretches[k].last] <= 2]
        return sources[([k for k in near if self.kind(self.stretches[k], sources[k]) == "speech"] or near)[-1]]

    def sentence_before(self, begin):
        """Who spoke in the sentence before, or is its subject, if that has a name; two guesses."""
        read, at = self.clauses, begin - 1
        if at < 1 or self.article[at] != self.article[begin] or self.paragraph[begin] - self.paragraph[at] > 1:
            return None
        first = read.first[at]
        for cue in self.between(first, at):
            source = self.at(cue, "last speaker")
            if source is not None and not read.is_a(source.phrase.first, "pronoun") and not read.is_a(cue, "ing"):
                return source
        subject = read.phrase_after(first)
        named = subject and subject.last < at and read.is_a(subject.last, "name") and self.paragraph[at] < self.paragraph[begin]
        return Source(subject, -1, -1, "last subject") if named and read.finite(subject.last + 1) else None

    def kind(self, stretch, source):
        """speech, fragment or label."""
        read, (begin, left, right, end) = self.clauses, self.edges(stretch)
        inside = [i for i in range(stretch.first, stretch.last + 1) if read.is_a(i, "word")]
        apart = left < begin or not read.is_a(left, "word", "genitive")
        glossed = end >= 0 and read.word(right) == "(" and (source is None or source.rule == "last speaker")
        if glossed or (self._title(inside) and not self._introduced(stretch, source)):
            return "label"                                      # glossed: "Refoulement" (forced return), "Now!" (2019)
        whole = left < begin and self.stop(stretch) in _ASKS_ON | {"."}
        if read.first[stretch.last] != begin or (apart and (len(inside) > 3 or source is not None)) or whole:
            return "speech"
        return "fragment" if source is not None else "label"

    def _title(self, inside):
        """Capitals on all its words but the small ones."""
        read = self.clauses
        return all(read.is_a(i, "capital") or (read.bits[i] & _SMALL and k) for k, i in enumerate(inside))

    def _introduced(self, stretch, source):
        """Is the cue right next to it, with a comma or colon, or right behind?"""
        read, (begin, left, *_) = self.clauses, self.edges(stretch)
        if source is None or (left >= begin and read.is_a(left, "word", "genitive")):
            return self.stop(stretch) in _ASKS_ON
        return source.cue > stretch.last or left < begin or left - source.cue_end < 3 or read.word(left) == ":"

    # -- reported clauses

    def reported(self):
        """Said for every clause reported without quotation marks; of nested reports the outermost."""
        found, reach, read = [], -1, self.clauses
        for cue in self.cues:
            source = self.at(cue, "named before") if cue > reach else None
            after = source and self.content_after(source)
            spans = [after] if after else self.content_around(source) if source else []
            words = [i for first, last in spans for i in range(first, last + 1) if read.is_a(i, "word")]
            if len(words) < 3 or sum(read.quoted[i] for i in words) >= 0.9 * len(words):
                continue
            rule = source.rule if after or source.rule == "according to" else "named after"
            for span, rule in zip(spans, (rule, "continued")):
                found.append(Said(*span, "indirect", source._replace(rule=rule)))
            reach = max(spans[-1][1], reach)
        return found + self.headlines()

    def headlines(self):
        """Said for every headline that names a voice before a colon or after a dash ("Talks go on — negotiator")."""
        read, found = self.clauses, []
        for at in self.title_marks:
            before, after = self.heading(at), read.phrase_after(at + 1)
            source, first, last = before, at + 1, read.last[at]
            if before is None and after and after.last == last:
                source, first, last = Source(after, -1, -1, "colon"), read.first[at], at - 1
            if source and source.phrase.heads[-1] in self.voices and not any(read.quoted[first:last + 1]):
                found.append(Said(first, last, "indirect", source))
        return found

    def content_after(self, source):
        """Positions of the clause that follows the cue ("Berg said that ..."), or None."""
        read, at, end = self.clauses, source.cue_end + 1, self.clauses.last[source.cue]
        at += at < end and read.word(at) == "," and read.is_a(at + 1, "that")
        if source.rule == "according to":
            at = max(source.phrase.last, source.cue_end) + 1
            if at >= end or source.cue != read.first[source.cue]:
                return None
            if read.is_a(at, "preposition") or (read.word(at) == "," and read.is_a(at + 1, "relative")):
                at = next((i for i in range(at + 1, end) if read.word(i) == ","), at)
            return self._clause(at + (read.word(at) == ","), end, source)
        subject = read.phrase_after(at) if source.phrase.last < source.cue and at < end and not read.is_a(at, "that") else None
        verbs = range(subject.last + 1, min(subject.last + 14, end)) if subject is not None else []
        stop = next((i for i in verbs if read.finite(i) or not read.is_a(i, "word") or
                     read.is_a(i, "relative", "subordinator")), end)
        if stop < end and read.finite(stop):
            return self._clause(at, end, source)
        that = next((i for i in range(at, min(at + 7, end)) if read.is_a(i, "that") or not read.is_a(i, "word")), end)
        return self._clause(that + 1, end, source) if that < end and read.is_a(that, "that") and not read.quoted[that] else None

    def content_around(self, source):
        """Positions of the clause before ", Berg said." or ", according to Estburg.", and of the rest of it after ", Berg said,"."""
        read, begin, last = self.clauses, self.clauses.first[source.cue], self.clauses.last[source.cue]
        comma = min(source.phrase.first, source.cue) - 1
        following = max(source.phrase.last, source.cue_end) + 1
        if comma <= begin or read.word(comma) != "," or read.quoted[comma] or (
                read.is_a(source.cue, "ing") and source.rule != "according to"):
            return []
        if read.is_a(following, "name") and source.rule != "according to" and (listener := read.phrase_after(following)):
            following = listener.last + 1                       # "..., Berg told Lind on Monday"
        if following < last and read.is_a(following, "word") and not read.is_a(following, "time") and (
                not read.is_a(following, "preposition") or read.is_a(begin, "preposition", "subordinator", "adverb")):
            return []                                           # "After the talks, Berg said this"
        rest = self._rest(source, following + 1) if following < last and read.word(following) == "," else None
        if rest is None and not self._clause_of_its_own(begin, comma):
            return []
        return [span for span in (self._clause(begin, comma - 1, source), rest) if span]

    def _rest(self, source, first):
        """Positions of what goes on after an inserted "Berg said,"; no "adding this", no "the mayor of Norhaven"."""
        read, last = self.clauses, self.clauses.last[first]
        goes_on = read.is_a(first, "conjunction", "subordinator", "adverb", "preposition") or (
            source.phrase.first < source.cue and any(read.finite(i) for i in range(first, last)))
        apart = read.is_a(first, "ing", "relative") or any(read.quoted[first:last])
        return self._clause(first, last, source) if goes_on and not apart else None

    def _clause(self, first, end, source):
        """first..end without the last stop, and without a second report ("..., and Estburg said ...", "..., and warned ...")."""
        read = self.clauses
        if source.phrase.first > first:                         # "Demanding that ..., Lind"
            end = min(end, source.phrase.first - 1)
        end = next((i for i in range(first + 1, end) if read.word(i) == ";" and not read.quoted[i]), end)
        for cue in self.between(first + 1, end):
            other = self.at(cue, "named before")
            opener = other and (other.phrase.first if other.phrase.first > first else cue) - 1
            if other and (other.phrase.first > first or other.phrase == source.phrase) and read.is_a(opener, "conjunction"):
                end = opener - 1
                break
        while end > first and not read.is_a(end, "word"):
            end -= 1
        while first < end and (read.word(first) in _BREAKS or read.word(first) in _MARKS):
            first += 1
        return (first, end) if first <= end else None


class _Speakers:
    """Turns sources into actors, sides and types of speaker, through mentions and voices.csv."""

    def __init__(self, tokens, mentions, codebook, reader):
        self.clauses, self.article, self.paragraph = reader.clauses, reader.article, reader.paragraph
        self.start, self.end = tokens["start"].to_numpy(), tokens["end"].to_numpy()
        codes = _categories(tokens["article_id"])
        key = (codes.codes.astype(np.int64) << 32) + self.start
        where = codes.categories.get_indexer(mentions["article_id"]).astype(np.int64) << 32
        first = np.searchsorted(key, where + mentions["start"].to_numpy())
        last = np.searchsorted(key, where + mentions["end"].to_numpy()) - 1
        self.mention = {i: row for row, (s, e) in enumerate(zip(first.tolist(), last.tolist())) for i in range(s, e + 1)}
        self.rows = list(mentions[["actor", "side", "kind", "attributive"]].astype(object).itertuples(index=False))
        pronouns = codebook.actors[codebook.actors["pronoun"].ne("")].drop_duplicates("actor")
        self.pronoun = dict(zip(pronouns["actor"], pronouns["pronoun"]))
        persons = mentions["kind"].eq("person").to_numpy() & ~mentions["quoted"].to_numpy(bool)
        self.persons = list(zip(first[persons].tolist(), np.flatnonzero(persons).tolist()))
        roles = codebook.grammar[codebook.grammar["role"].str.startswith("pronoun_")]
        self.person_of = {p: r.removeprefix("pronoun_") for p, r in zip(roles["pattern"], roles["role"])}
        self.unnamed, self.voice = reader.unnamed, reader.voices
        self.called = defaultdict(list)                         # {(article, word): positions} of the nouns of voices
        for i in reader.voices:
            self.called[self.article[i], self.clauses.word(i)].append(i)
        self.described = {}                                     # {(article, name): side} of "Norlandic envoy Berg"
        for at, row in self.mention.items():
            phrase = self.clauses.phrase_after(at) if self.rows[row].attributive else None
            if phrase and self.clauses.is_a(phrase.heads[-1], "name"):
                self.described[self.article[at], self.clauses.word(phrase.heads[-1])] = self.rows[row].side

    def columns(self, said):
        """The speaker columns of find_quotes, one list each."""
        rows, last = [], None                   # last: head, mention row, side and type of the last speaker named
        for source in (item.source for item in said):
            row = side = kind = None
            if source is not None:
                row, side, kind, last = self._resolve(source, last)
            rows.append((None if row is None else self.rows[row].actor, side, kind, source and int(self.start[source.phrase.first]),
                         source and int(self.end[source.phrase.last]), source and self._rule(source)))
        names = ["speaker", "speaker_side", "speaker_type", "speaker_start", "speaker_end", "rule"]
        return pd.DataFrame(rows, columns=names, dtype=object).astype({name: QUOTE_COLUMNS[name] for name in names})

    def _rule(self, source):
        pronoun = self._person(source.phrase) in ("he", "she", "it", "they")
        return "pronoun" if pronoun and source.rule.startswith("named") else source.rule

    def _person(self, phrase):
        alone = phrase.first == phrase.last and not self.clauses.is_a(phrase.first, "name")     # "us", but not "US"
        return self.person_of.get(self.clauses.word(phrase.first)) if alone else None

    def _resolve(self, source, last):
        """Mention row of the speaker, side, type of speaker, and the last speaker named from here on."""
        phrase, person = source.phrase, self._person(source.phrase)
        if person is not None:
            row = self._stands_for(phrase.first, person, last) if person in ("he", "she", "it", "they") else None
            if row is None and person in ("he", "she") and last and last[1] is None and self._near(last[0], phrase.first):
                return None, last[2], last[3], last             # "a Norlandic official said ...", then "he said"
        else:
            rows = [self.mention.get(head) for head in phrase.heads]
            rows = [None if row is None or self.rows[row].attributive else row for row in rows]
            row = rows[0] if len({row is not None and self.rows[row].actor for row in rows}) == 1 else None
        side, kind = (self.rows[row].side if row is not None else self._side(phrase)), self._type(source, row)
        if row is None and person is None and self.clauses.is_a(phrase.first, "definite"):
            row, before_side, before_kind = self._met(phrase)
            side, kind = side or before_side, kind or before_kind
        elif row is None and person is None:
            side = side or self.described.get((self.article[phrase.first], self.clauses.word(phrase.heads[-1])))
        return row, side or None, kind, last if person is not None else (phrase.heads[-1], row, side or None, kind)

    def _met(self, phrase):
        """Mention row, side and type of whom "the official" was before: the nearest voice called so; no guess between two names."""
        read, head, met = self.clauses, phrase.heads[-1], (None, None, None)
        called = self.called[self.article[head], read.word(head)]
        before = bisect_left(called, phrase.first)
        for i in reversed(called[max(before - 50, 0):before]):
            opening = None if read.quoted[i] else read.phrase_before(i)
            whole = opening and read.phrase_after(opening.first)
            row = whole and self.mention.get(whole.heads[-1])
            side = whole and (self._side(whole) if row is None else self.rows[row].side)
            if side is None or (row is not None and self.rows[row].kind == "state"):
                continue
            met = met if met[1] else (row, side, self._type(Source(whole, -1, -1, ""), row))
            if met[0] is None:
                return met
            if row is not None and self.rows[row].actor != self.rows[met[0]].actor:
                return None, None, None
        return met

    def _side(self, phrase):
        """The one side that is named in the phrase ("a Norlandic official"), or None."""
        inside = {self.rows[self.mention[i]].side for i in range(phrase.first, phrase.last + 1) if i in self.mention}
        return inside.pop() if len(inside) == 1 else None

    def _stands_for(self, at, person, last):
        """Mention row of whom a pronoun stands for: the last speaker or subject that it fits, two paragraphs back at most."""
        if last is not None and not self._near(last[0], at):
            last = None
        if person in ("it", "they"):
            fits = last is not None and last[1] is not None and self.rows[last[1]].kind != "person"
            return last[1] if fits else None
        found = None
        for first, row in reversed(self.persons[:bisect_left(self.persons, (at,))]):
            if not self._near(first, at) or (found and self.clauses.first[first] != self.clauses.first[found[0]]):
                break
            if self.pronoun.get(self.rows[row].actor) == person and not self.rows[row].attributive:
                found = first, row                              # the first of its sentence is taken for the subject
        if last is not None and (found is None or last[0] >= found[0]):
            return last[1] if last[1] is not None and self.pronoun.get(self.rows[last[1]].actor) == person else None
        return found and found[1]

    def _near(self, before, at):
        return before < at and self.article[before] == self.article[at] and self.paragraph[at] - self.paragraph[before] <= 2

    def _type(self, source, row):
        """official, military, ...: from the words of the phrase, its apposition, then the actor."""
        read, (first, last, heads) = self.clauses, source.phrase
        stop = read.last[last]
        unnamed = bisect_left(self.unnamed, first)
        if not read.is_a(heads[-1], "name") and unnamed < len(self.unnamed) and self.unnamed[unnamed] <= stop:
            return "unnamed"
        if last < stop and read.word(last + 1) == ",":
            last += 1
            while last < stop and (last < source.phrase.last + 2 or read.word(last) != ",") and not read.quoted[last + 1]:
                last += 1
        near = [self.voice[i] for i in [*heads, *range(source.phrase.last, first - 1, -1), *range(source.phrase.last, last)]
                if i in self.voice]
        if near:
            return near[0]
        if row is not None:
            return "organisation" if self.rows[row].kind == "organisation" else "official"
        return None


# ---------------------------------------------------------------------------------------------------------------
# 8. Statements: who takes which stance on which issue
# ---------------------------------------------------------------------------------------------------------------

STATEMENT_COLUMNS = {
    "article_id": "str", "part": "str", "sentence": "int64", "start": "int64", "end": "int64", "term": "str", "stance": "str",
    "direction": "int64", "negated": "bool", "content_negated": "bool", "position": "int64", "conditional": "bool",
    "condition_start": "Int64", "condition_end": "Int64", "modality": "str", "holder": "str", "side": "str", "target": "str",
    "issue": "str", "source": "str", "quoted": "bool", "rule": "str"}

_CLAUSE_MARKS = {";", ":"}


class _Scope(NamedTuple):
    """Token positions that belong to one stance term: its clause, and the part of it that it governs."""

    first: int              # the clause begins here
    last: int               # and ends here
    begin: int              # the content begins after the term
    end: int                # and ends here


def find_statements(articles, tokens, mentions, quotes, codebook):
    """Find stances: who demands, offers, refuses what, from whom.

    Each word or phrase of stances.csv is read with the clause around it: the holder is the subject of the verb, the
    possessor of the noun, or the speaker of the quotation or report; the issue stands in the clause that it governs, else in
    its sentence; negation, condition and modality come from grammar.csv.
    Returns the statements frame, one row a stance, holder and issue (joint holders and joint issues give one row each):
        article_id, part, sentence, start, end (the term), term, stance, direction, negated, content_negated, position (1 for
        the issue's proposition, -1 against, 0 open), conditional, condition_start, condition_end, modality (fact, possible,
        future, past), holder, side, target, issue, source ("narrator", the holder, or who ascribes it; a
        voice that is no listed actor counts for its side's state, or else in its own words), quoted, rule.
        sign in stances.csv is that of the stance towards what it governs (agree 1, reject -1); 0 takes no side on it. What has
        neither an issue in its clause nor a holder nor a target is left out.
    Sources of the scale: Goldstein (1992), J. of Conflict Resolution 36; CAMEO and PLOVER; of the unit: core sentences after
        Kleinnijenhuis, discourse networks after Leifeld. Values are ours: -1 conflict, 0, +1 cooperation.
    """
    terms = _match(tokens, codebook.stances["pattern"].tolist())
    tokens, terms = _around(tokens, terms)                      # most sentences take no stance
    rows = _StatementReader(tokens, terms, mentions, quotes, codebook).read() if len(tokens) else []
    frame = _at(tokens, [r["first"] for r in rows], [r["last"] for r in rows]) if rows else pd.DataFrame()
    frame = pd.concat([frame, pd.DataFrame(rows)], axis=1).reindex(columns=[*STATEMENT_COLUMNS])
    frame["term"] = _surfaces(articles, frame).str.lower() if rows else frame["term"]
    once = ["article_id", "sentence", "stance", "holder", "issue"]
    return frame.astype(STATEMENT_COLUMNS).drop_duplicates(once, ignore_index=True)


class _StatementReader:
    """Reads the clause around each stance term. Positions are row numbers of tokens."""

    def __init__(self, tokens, terms, mentions, quotes, codebook):
        self.clauses = Clauses(tokens, codebook)
        self.blind = self.clauses.blind()
        article = _categories(tokens["article_id"])
        self.article, self.sentence = article.codes.tolist(), tokens["sentence"].tolist()
        self.named = set(zip(article.categories.get_indexer(mentions["article_id"]).tolist(), mentions["side"]))
        self.start, self.end = tokens["start"].tolist(), tokens["end"].tolist()
        self.stances = codebook.stances.assign(sign=_signs(codebook.stances)).to_dict("records")
        self.urging = next((row for row in self.stances if row["stance"] == "call_for" and row["holder"] == "speaker"), None)
        self.terms = terms
        self.stance_at = {first: self.stances[p]["stance"] for p, first in zip(terms.pattern, terms.first.tolist())}
        self.stance_places = sorted(self.stance_at)
        self.sign_at = {first: self.stances[p]["sign"] for p, first in zip(terms.pattern, terms.first.tolist())}
        issues = _match(tokens, codebook.issues["pattern"].tolist())
        self.issue_places, names = issues.first.tolist(), codebook.issues["issue"].tolist()
        self.issue_names = [names[p] for p in issues.pattern]
        self.issue_at = {i for first, last in zip(self.issue_places, issues.last.tolist()) for i in range(first, last + 1)}
        self.mentions = list(mentions[["actor", "side", "kind", "attributive"]].astype(object).itertuples(index=False))
        self.mention_at = _covered(tokens, mentions).tolist()
        self.quotes = list(quotes[["kind", "speaker", "speaker_side", "speaker_type", "speaker_text"]].astype(object).itertuples(index=False))
        direct = quotes["kind"].ne("indirect").to_numpy()
        self.quote_at, self.report_at = _covered(tokens, quotes, direct).tolist(), _covered(tokens, quotes, ~direct).tolist()
        state_of = _states_of_sides(codebook)
        self.states = {side: state_of.get(side, side) for side in codebook.sides["side"]}
        self.parties = codebook.sides.loc[codebook.sides["role"] == "party", "side"].tolist()
        self.allies = _allies(codebook)
        self.grammar = _grammar_places(tokens, codebook)
        for first, last in self.grammar["not_conditional"].items():     # "at once" is no condition, though "once" is
            for i in range(first, last + 1):
                self.grammar["conditional"].pop(i, None)
        self.joint, self.idiom = ({i for first, last in self.grammar[role].items() for i in range(first, last + 1)}
                                  for role in ("joint", "not_stance"))
        self.legislators = set(codebook.grammar.loc[codebook.grammar["role"] == "legislator", "pattern"])
        self.kinds = dict(zip(codebook.actors["actor"], codebook.actors["kind"]))
        self.pronouns = dict(zip(codebook.actors["actor"], codebook.actors["pronoun"]))
        voices = _match(tokens, codebook.voices["pattern"].tolist())
        self.voices = {i for first, last in zip(voices.first.tolist(), voices.last.tolist()) for i in range(first, last + 1)}
        self.subject_before = (-1, [])                          # the last verb with a subject, and whom it names
        self.taken = []                                         # rows of this article, for "these demands" and "rejected it"

    def read(self):
        """All rows, as dicts, in text order."""
        terms = zip(self.terms.pattern.tolist(), self.terms.first.tolist(), self.terms.last.tolist())
        return [row for pattern, first, last in terms for row in self.statement(self.stances[pattern], first, last)]

    def statement(self, term, first, last):
        """The rows of one stance term; term: its row of stances.csv."""
        if self.taken and self.article[self.taken[-1]["first"]] != self.article[first]:
            self.taken = []
        scope = self.scope(first, last)
        if self._takes_none(term, first, last, scope):
            return []
        holders, rule = self.holders(first, last, term)
        if not holders and term["stance"] == "demand" and term["holder"] == "speaker":
            term = self.urging or term                          # "must", said by who has no leverage
        issues = self.issues_of(first, last, scope, term)
        answered = self.taken[-1]["side"] if issues and issues[0][1] is not None else None     # whose demands "these demands" are
        if answered and answered in {side for _, side in holders}:
            issues, answered = [], None                         # nobody answers himself
        target = self.states.get(answered) or self.target(first, scope, holders, term)
        near = bisect_left(self.issue_places, scope.first) < bisect_left(self.issue_places, scope.last + 1)
        if rule == "thing" or not (near or holders or target):
            return []                                           # an issue from another sentence is not enough
        condition = self.condition(first, last, scope)
        base = {"first": first, "last": last, "stance": term["stance"], "direction": term["direction"], "sign": term["sign"],
                "negated": self.negated(first, last), "conditional": condition is not None,
                "condition_start": condition and condition[0], "condition_end": condition and condition[1],
                "modality": self.modality(first, scope), "source": self.source(first),
                "quoted": self.clauses.quoted[first], "rule": rule}
        return self._rows(base, holders or [(None, None)], issues or [(None, None, 1)], target)

    def _takes_none(self, term, first, last, scope):
        """Is no stance taken here: "these demands" points back, "US-backed" and "a possible truce" describe, "if they agree"
        supposes, "urged Lind to agree" is urged, "in hopes of" is an idiom; and a condition counts only where nothing else does."""
        read = self.blind
        if first in self.idiom or first - 1 in self.grammar["demonstrative"] or self._governed(first, scope):
            return True
        if first > read.first[first] and read.glued[first] and read.word(first - 1) in "-–":
            return True
        if term["stance"] == "condition":
            return self._other_stance(scope)
        if term.get("holder") == "speaker" and first == last < read.last[last] and \
                first not in self.grammar["modal_obligation"] and read.nominal(last + 1) and not read.is_a(last + 1, "determiner"):
            return True
        supposed = [i for i, stop in self._conditions(scope) if i < first <= stop]
        at_once = any(self.grammar["conditional"][i] == first - 1 for i in supposed)                # "only if supported"
        return bool(supposed) and (at_once or not self._passive(self._verb_of(first, last), read))

    def _governed(self, first, scope):
        """Is the term what another stance is about: "must accept", "urged Lind to agree", "accused Lind of stalling"?"""
        at = first - 1
        while at > scope.first and self.blind.is_a(at, "adverb", "negator"):
            at -= 1
        if at < scope.first:
            return False
        before = self.stance_places[bisect_left(self.stance_places, scope.first):bisect_left(self.stance_places, at)]
        object_of = self.blind.is_a(at, "link") and not self.sign_at[first] if self.blind.is_a(first, "ing") else \
            self.blind.is_a(at, "infinitive")
        return at in self.stance_at and at in self.grammar["modal_obligation"] or object_of and any(
            self.stance_at[i] != "condition" for i in before)

    def _rows(self, base, holders, issues, target):
        """One row per holder and issue. issues: (issue, position of the statement it answers or None, sign of the content)."""
        rows = []
        for holder, side in holders:
            for issue, pointed, content in issues:
                sign = 0 if base["negated"] or not issue else base["sign"]
                rows.append(base | {"holder": holder, "side": side, "target": target, "issue": issue,
                                    "content_negated": content < 0, "position": sign * (content if pointed is None else pointed)})
        self.taken += [row for row in rows if row["position"]]
        return rows

    # -- scope

    def scope(self, first, last):
        """The clause of a term and the content that it governs. A quotation of its own is a world of its own."""
        read = self.blind
        begin, end = read.first[first], read.last[first]
        quote = self.quote_at[first]
        if quote >= 0 and self.quotes[quote].kind == "speech":
            begin = next(i for i in range(begin, first + 1) if self.quote_at[i] == quote)
            end = next(i for i in range(end, last - 1, -1) if self.quote_at[i] == quote)
        left = next((i + 1 for i in range(first - 1, begin - 1, -1) if self._ends_clause(i, begin)), begin)
        right = next((i - 1 for i in range(last + 1, end + 1) if self._ends_content(i, last)), end)
        return _Scope(left, end, last + 1, right)

    def _ends_clause(self, at, begin):
        """Does another clause end here, seen from a term to the right?"""
        breaks = at in self.grammar["clause_break"] and at + 1 not in self.grammar["conditional"]     # "but only after" goes on
        return self.blind.word(at) in _CLAUSE_MARKS or (breaks and at > begin)

    def _ends_content(self, at, term):
        """Does the content of a term end before this token? At a new clause with a subject of its own, at another stance."""
        read, word = self.blind, self.blind.word(at)
        if word in _CLAUSE_MARKS or at in self.grammar["clause_break"] or at in self.grammar["conditional"]:
            return True
        if at > term + 1 and self.stance_at.get(at, "condition") != "condition" and not self._is_noun(at, at):
            return not read.is_a(at - 1, "infinitive", "negator", "adverb", "link")     # "agreed to reject", "rejected demands"
        if read.is_a(at, "and"):
            return at < read.last[at] and read.finite(at + 1)   # "wants talks and is not afraid"
        return word == "," and at < read.last[at] and (read.is_a(at + 1, "subordinator", "relative") or self._new_clause(at + 1))

    def _new_clause(self, at):
        """Does a subject with its own finite verb begin here ("..., Lind is demanding")?"""
        read = self.blind
        if at > read.last[at - 1] or read.is_a(at, "ing", "ed", "conjunction"):
            return False
        phrase = read.phrase_after(at)
        return phrase is not None and phrase.last < read.last[at] and not read.is_a(phrase.last + 1, "ing") and \
            (read.is_a(phrase.last + 1, "auxiliary", "past", "cue"))

    # -- who

    def holders(self, first, last, term):
        """([(actor, side)], rule): who takes the stance, and why we think so."""
        speaker = self.speaker(first)
        if any(first in self.grammar[role] for role in ("pronoun_we", "possessive_we")):
            found, rule = [], "we"                              # "we insist", "our offer"
        elif term.get("holder") == "speaker":
            found, rule = self._for_whom(last) or ([speaker] if speaker else self._before_colon(first)), "speaker"
            rule = rule if found or self._speech(first) or self.report_at[first] >= 0 else "thing"
        elif self._is_noun(first, last):
            found, rule = self._noun_holders(first, last)
            if not found and rule == "noun" and term["stance"] == "agree":
                found, rule = self._joined(self.blind.first[first], first), "agreed by both"
        else:
            found, rule = self._verb_holders(first, last, term)
        if rule == "we":                                        # "we" in a speaker's words is his side
            found = [(self.states.get(speaker[1], speaker[0]), speaker[1])] if speaker else []
        elif not found and rule in ("", "i"):
            found, rule = [speaker] if speaker else [], "speaker"
        return found, rule if found or rule == "thing" else ""

    def _for_whom(self, last):
        """ "unacceptable for Norhaven": who is named after the preposition."""
        return self._of_phrase(self.blind.phrase_after(last + 2) if last + 1 in self.grammar["for_whom"] else None)

    def speaker(self, at):
        """(actor, side) who says what stands here, in quotation or report: for "a Norlandic delegate" his side's state; None
        for the narrator, for a voice of no side, and for one that does not speak for its state."""
        for index in (self.report_at[at], self.quote_at[at]):
            said = self.quotes[index] if index >= 0 else None
            if said and isinstance(said.speaker, str):
                return said.speaker, said.speaker_side
            if said and isinstance(said.speaker_side, str) and said.speaker_type in ("official", "military") and not (
                    self.legislators.intersection(said.speaker_text.lower().split())):
                return self.states[said.speaker_side], said.speaker_side
        return None

    def source(self, at):
        """Who says so: an actor, the words for a voice that is none, "narrator" outside quotations and reports."""
        if speaker := self.speaker(at):
            return speaker[0]
        named = [self.quotes[i].speaker_text for i in (self.report_at[at], self.quote_at[at]) if i >= 0]
        return next((text for text in named if isinstance(text, str)), "narrator" if not self._speech(at) else None)

    def _speech(self, at):
        return (index := self.quote_at[at]) >= 0 and self.quotes[index].kind == "speech"

    def _before_colon(self, first):
        """ "Palace: meeting possible": who stands alone before a colon at the start of the sentence."""
        begin = self.blind.first[first]
        colon = next((i for i in range(begin + 1, min(begin + 6, first)) if self.blind.word(i) == ":"), None)
        return self._actors(range(begin, colon)) if colon else []

    def _is_noun(self, first, last):
        """Is the term a noun: after a determiner, a possessive or the adjective of an actor ("Estrian demands")?"""
        read = self.blind
        if first == read.first[first] or read.is_a(first, "ed") and not read.is_a(first - 1, "genitive"):
            return False
        mention = self.mention_at[first - 1]
        return read.is_a(first - 1, "determiner", "genitive") and not read.is_a(first - 1, "adverb") or \
            mention >= 0 and bool(self.mentions[mention].attributive)

    def _noun_holders(self, first, last):
        """ "the Palace's demand", "Estrian demands", "a demand by Estburg", "Lind made a demand"."""
        read = self.blind
        before = first - 1
        while before > read.first[first] and read.is_a(before, "word") and not read.is_a(
                before, "genitive", "determiner", "name", "preposition", "auxiliary", "past", "cue"):
            before -= 1
        if read.is_a(before, "genitive"):
            phrase = read.phrase_before(before - 1)
            return (self._of_phrase(phrase), "possessive") if phrase else ([], "possessive")
        if read.is_a(before, "name") and (found := self._actors([before])):
            return found, "adjective"
        for role, rule in (("possessive_we", "we"), ("possessive_i", "i")):
            if before in self.grammar[role]:
                return [], rule
        if before in self.grammar["possessive_third"]:
            return self._pronoun(before), "possessive pronoun"
        for i in range(last + 1, min(last + 4, read.last[first])):
            if i in self.grammar["agent_preposition"] and (found := self._of_phrase(read.phrase_after(i + 1))):
                return found, "by"
        back = range(before, max(read.first[first], before - 6), -1)
        verb = next((i for i in back if self.clauses.finite(i) or read.word(i) == ","), first)
        if read.word(verb) != "," and verb != first and (phrase := self.clauses.subject(verb)) is not None:
            return self._of_phrase(phrase), "subject of the noun's verb"
        return [], "noun"

    def _verb_holders(self, first, last, term):
        """The subject of the verb, or who is named after "by" if it is passive."""
        read = self.blind if self.quote_at[first] >= 0 else self.clauses
        verb = self._verb_of(first, last)
        if self._passive(verb, read):
            phrase = read.agent(verb)
            found = self._of_phrase(phrase) if phrase else []
            if found or term["stance"] != "agree":
                return found, "by"
            return self._joined(self.blind.first[first], first), "agreed by both"
        phrase = read.subject(first - 1 if read.word(first - 1) in _MARKS else verb)
        if phrase is None and read.is_a(verb - 1, "relative") and verb - 1 == read.first[verb]:
            return [], "thing"                                  # "Who rejects this ..."
        if phrase is None and (read.is_a(first - 1, "and") or read.word(first - 1) == ","):    # "Lind refuses this and wants that"
            return (self.subject_before[1], "subject") if self.subject_before[0] > read.first[first] - 1 else ([], "")
        if phrase is None or (self._speech(first) and self.quote_at[phrase.first] != self.quote_at[first]):
            return [], ""
        for role, rule in (("pronoun_we", "we"), ("pronoun_i", "i")):
            if phrase.last in self.grammar[role] and not read.is_a(phrase.last, "name"):    # "us" is no US
                return [], rule
        found = self._listed(phrase) or self._of_phrase(phrase)
        inside = range(phrase.first, phrase.last + 1)
        self.subject_before = (first, found)
        somebody = found or any(i in self.voices or read.is_a(i, "name", "pronoun", "indefinite") for i in inside)
        return found, "subject" if somebody else "thing"        # "the plan demands": nobody takes a stance

    def _listed(self, phrase):
        """ "Norland, Estria agree": both, where a headline lists its subjects with a comma."""
        read, comma = self.blind, phrase.first - 1
        if comma <= read.first[phrase.first] or read.word(comma) != "," or self.mention_at[comma - 1] < 0:
            return []
        before = read.phrase_before(comma - 1)
        opens = before is not None and before.first == read.first[phrase.first]
        return self._actors([*before.heads, *phrase.heads]) if opens and self._actors(phrase.heads) else []

    def _verb_of(self, first, last):
        """The token of a term that is its verb: the first that can be one ("is ready to", "firmly reject")."""
        return next((i for i in range(first, last + 1) if not self.blind.is_a(i, "adverb", "negator")), first)

    def _passive(self, verb, read):
        """ "was rejected", "a truce agreed upon yesterday", "a plan rejected by"; not "has rejected", "was disappointed"."""
        following = verb + 1 if verb < read.last[verb] else verb
        if not read.is_a(verb, "ed", "participle") or verb in self.grammar["state_participle"] or read.is_a(following, "infinitive"):
            return False
        at = verb - 1
        while at > read.first[verb] and read.is_a(at, "adverb", "negator"):
            at -= 1
        return read.is_a(at, "be") or read.is_a(following, "by") or at in self.issue_at and read.is_a(following, "preposition")

    def _of_phrase(self, phrase):
        """The actors that a noun phrase stands for: its head names, both parties, or whom a pronoun stands for."""
        if phrase is None:
            return []
        inside = range(phrase.first, phrase.last + 1)
        if any(i in self.joint for i in phrase.heads):
            return self._parties(phrase.last)
        if self.blind.is_a(phrase.last, "pronoun"):
            return self._pronoun(phrase.last)
        if any(i in self.grammar["ally"] for i in inside):      # "Norland and its allies"
            return list(dict.fromkeys(self._actors(inside) + self.allies))
        return self._actors(phrase.heads) or self._actors([i for i in inside if self.blind.is_a(i, "name")][:1])

    def _parties(self, at):
        """Both parties; where an article names others and not both, "the two sides" are those of another matter."""
        named = {side for article, side in self.named if article == self.article[at]}
        return [(self.states[side], side) for side in self.parties if not named or named.issuperset(self.parties)]

    def _joined(self, first, last):
        """The first actors joined to one subject ("Norland and Estria", "the two sides") among some tokens."""
        if any(i in self.joint for i in range(first, last)):
            return self._parties(first)
        named = [i for i in range(first, last) if self.mention_at[i] >= 0 and self.mention_at[i] != self.mention_at[i + 1]]
        pairs = (self._actors(pair) for pair in zip(named, named[1:])
                 if pair[1] - pair[0] < 6 and any(self.blind.is_a(i, "and") for i in range(*pair)))
        return next((pair for pair in pairs if len(pair) > 1), [])

    def _actors(self, positions):
        """Distinct (actor, side) of the mentions at these tokens."""
        found = [self.mentions[self.mention_at[i]] for i in positions if self.mention_at[i] >= 0]
        return list(dict.fromkeys((mention.actor, mention.side) for mention in found))

    def _pronoun(self, at):
        """Whom a pronoun stands for: the speaker in whose report it stands, or the first fitting actor of this sentence
        before it, or of the sentence before; "they" rather stands for two that are joined."""
        sex = next((word for word in ("he", "she") if at in self.grammar[f"pronoun_{word}"]), "")
        plural = any(at in self.grammar[role] for role in ("pronoun_they", "possessive_them"))
        kinds = {"person"} if sex or at in self.grammar["possessive_person"] else {"organisation", "bloc", "collective"}
        kinds |= set() if plural or "person" in kinds else {"state"}
        speaker = self.speaker(at) if self.report_at[at] >= 0 else None
        if speaker and self.kinds.get(speaker[0]) in kinds:
            return [speaker]                                    # "Norhaven said that it had taken note"
        begin = self.clauses.first[at]
        for first, last in ((begin, at), (self.clauses.first[begin - 1] if begin else 0, begin)):
            if plural and (found := self._joined(first, last)):
                return found
            for i in range(first, last):
                mention = self.mentions[self.mention_at[i]] if self.mention_at[i] >= 0 else None
                if not mention or self.article[i] != self.article[at]:
                    continue
                if mention.attributive and "person" in kinds and i + 1 in self.voices:       # "a Norlandic official"
                    return [(self.states[mention.side], mention.side)]
                if not mention.attributive and mention.kind in kinds and {sex, self.pronouns.get(mention.actor)} != {"he", "she"}:
                    return [(mention.actor, mention.side)]
        return []

    def target(self, first, scope, holders, term):
        """The first actor of another side in the content; before the term where no holder is known, where the stance is an
        answer, and first of all where somebody should or must; None if there is none."""
        sides = {side for _, side in holders}
        before, after = range(first - 1, scope.first - 1, -1), range(scope.begin, scope.end + 1)
        modal = term.get("holder") == "speaker" and first in self.grammar["modal_obligation"]
        answer = not holders or term["stance"] in ("take_note", "reject")
        for i in [*before, *after] if modal else [*after, *before] if answer else after:
            mention = self.mentions[self.mention_at[i]] if self.mention_at[i] >= 0 else None
            described = mention and mention.attributive and i + 1 not in self.stance_at     # but "Norlandic demands"
            if mention and mention.side not in sides and not described and not (mention.kind == "bloc" and i in self.issue_at):
                return mention.actor                            # not the NATO of "NATO membership"
        return None

    # -- what

    def issues_of(self, first, last, scope, term):
        """[(issue, position pointed back to or None)]: of the content; of what "these demands" or "it" points back to; of the
        clause, the sentence, or the quotation."""
        if pointed := self._pointed(scope):
            return pointed
        read = self.blind
        stop = next((i for i in range(scope.begin, scope.end + 1) if not read.is_a(i, "word")), scope.end + 1)
        empty = not any(read.nominal(i) and not read.is_a(i, "time", "determiner") and i not in self.grammar["pointing_noun"]
                        for i in range(scope.begin, stop))
        relative = next((i for i in range(first - 2, scope.first, -1)
                         if read.is_a(i, "relative", "opener") and not read.is_a(i, "that")), None)
        places = [(first, scope.end, "all")]
        if empty or term.get("holder") == "speaker" or self._passive(self._verb_of(first, last), read) or any(
                read.is_a(i, "pronoun") for i in range(scope.begin, min(scope.begin + 3, stop))):
            places.append((scope.first, first, "first" if empty else "last"))      # "the truce was rejected", "that it be held"
        if relative is not None:                                # "the truce, which Lind offered for"
            places.insert(0, (scope.first, relative, "last"))
        for begin, end, which in places:
            found = range(bisect_left(self.issue_places, begin), bisect_left(self.issue_places, end + 1))
            if found:
                last = max((i for i in found if self.issue_places[i] <= first), default=found[0])
                joined = [i for i in found if i == found[0] or self._coordinated(self.issue_places[i - 1], self.issue_places[i])]
                found = joined if which == "all" else [found[0] if which == "first" else last]
                named = {self.issue_names[i]: self.issue_places[i] for i in reversed(found)}
                return [(issue, None, self.content_sign(scope, named[issue])) for issue in reversed(named)]
        if term["sign"] and empty and relative is None and term.get("holder") != "speaker" and (answered := self._answered(first)):
            return answered
        return [] if term["stance"] in ("accuse", "praise") else self._next_in_quotation(last) or self._named_before(first)

    def _coordinated(self, first, last):
        """ "talks and a truce", but not "talks on a truce"."""
        return any(self.blind.is_a(i, "and") or self.blind.word(i) == "," for i in range(first, last))

    def _named_before(self, first):
        """The issue named last before a term, in its sentence or the one before: what is spoken of goes on."""
        at = bisect_left(self.issue_places, first) - 1
        near = at >= 0 and self.article[self.issue_places[at]] == self.article[first] and \
            self.sentence[first] - self.sentence[self.issue_places[at]] <= 1
        return [(self.issue_names[at], None, 1)] if near else []

    def _next_in_quotation(self, last):
        """The issue of the next sentence of the same quotation ("What remains is this. It is about the exchange.")."""
        end = self.blind.last[last] + 1
        at = bisect_left(self.issue_places, end)
        inside = at < len(self.issue_places) and self.issue_places[at] <= self.blind.last[end]
        return [(self.issue_names[at], None, 1)] if inside and self.quote_at[last] == self.quote_at[end] >= 0 else []

    def _pointed(self, scope):
        """What "these demands" in the content stand for: all demands of the holder of the nearest one before."""
        demands = [row for row in self.taken if row["stance"] == "demand"]
        pointer = any(i in self.grammar["demonstrative"] and i + 1 in self.stance_at for i in range(scope.begin, scope.end + 1))
        if not pointer or not demands:
            return []
        return list({row["issue"]: (row["issue"], row["position"], 1) for row in demands
                     if row["holder"] == demands[-1]["holder"]}.values())

    def _answered(self, first):
        """What is rejected or accepted where nothing is named ("Estburg refused", "rejected the offer"): the last statement,
        if it stands in this sentence or in the two before."""
        last = self.taken[-1]["first"] if self.taken else None
        if last is None or self.sentence[first] - self.sentence[last] > 2:
            return []
        return [(row["issue"], row["position"], 1) for row in self.taken if row["first"] == last]

    # -- how

    def negated(self, first, last):
        """Is the stance denied: "will not agree", "no ceasefire was agreed", "refused to promise"?"""
        if any(i in self.grammar["negator"] for i in range(first, last + 1)):
            return False                                        # "not convinced" is a stance of its own
        read = self.blind
        for i in range(first - 1, max(read.first[first], first - 6) - 1, -1):
            if read.word(i) in (",", ";", ":") or read.is_a(i, "subordinator") or (read.is_a(i, "and") and read.finite(i + 1)):
                break
            if i in self.grammar["not_negator"]:
                return False
            far = read.is_a(i, "preposition") and first - i > 2     # "a meeting without a truce is acceptable"
            if i in self.grammar["negator"] and not far or (i in self.grammar["negative_verb"] and i not in self.stance_at):
                return True
        return False

    def content_sign(self, scope, issue):
        """-1 where what is wanted is negative: "that Estria not join", "an end to"; "the shelling must stop"; else 1."""
        sign, near, end = 1, None, issue
        if issue < scope.begin:                                 # it stands before the term, what happens to it right after
            end = next((i - 1 for i in range(scope.begin, scope.end + 1) if not self.blind.is_a(i, "word")), scope.end)
            end = min(end, scope.begin + 3)
        for i in range(end, scope.begin - 1, -1):
            other = self.blind.is_a(i, "and") and self.blind.is_a(min(i + 1, end), "infinitive", "that")     # "and to hold talks"
            if other or i in self.grammar["not_negator"] or self.blind.word(i) == "," or (near is not None and near - i > 3):
                break                                           # the nearest "stop", and what stands right before it
            if self._turns(i):
                sign, near = -sign, i
        return sign

    def _turns(self, at):
        """Does the word turn what follows into its opposite? A negator, "stop", a governed "reject"; not "the end of August"."""
        time = any(self.blind.is_a(k, "time") for k in range(at + 2, min(at + 4, self.blind.last[at] + 1)))
        return at in self.grammar["negator"] or self.sign_at.get(at) == -1 or (
            at in self.grammar["ending_verb"] and at not in self.issue_at and not time)

    def _conditions(self, scope):
        """(first, last) token of each condition in the clause."""
        for i in range(scope.first, scope.last + 1):
            if i not in self.grammar["conditional"]:
                continue
            read, follows, then = self.blind, i > scope.first, min(i + 1, scope.last)
            later = read.is_a(i, "auxiliary") and (follows and read.is_a(i - 1, "word") or read.is_a(then, "participle", "ed"))
            adverb = follows and read.is_a(i - 1, "pronoun") and read.is_a(then, "ed")     # "they were", "he once lived"
            if not later and not adverb:
                stops = (k - 1 for k in range(i + 1, scope.last + 1) if read.word(k) in (";", ":", ",", ".", '"', "”"))
                yield i, max(next(stops, scope.last), i)

    def condition(self, first, last, scope):
        """(start, end) offsets of the condition that the stance hangs on, or None."""
        return next(((self.start[i], self.end[stop]) for i, stop in self._conditions(scope) if not i <= last <= stop), None)

    def modality(self, first, scope):
        """fact, possible, future or past, by the auxiliaries before the term and by words for earlier times."""
        before = range(max(scope.first, first - 4), first)
        for role, name in (("modal_possible", "possible"), ("modal_future", "future")):
            if any(i in self.grammar[role] for i in before):
                return name
        past = any(i in self.grammar["past_marker"] for i in before) or any(
            i in self.grammar["past_marker"] for i in range(scope.begin, min(scope.begin + 4, scope.end)))
        return "past" if past else "fact"

    def _other_stance(self, scope):
        """Does a stance other than a condition stand in the same clause?"""
        places = self.stance_places[bisect_left(self.stance_places, scope.first):bisect_left(self.stance_places, scope.last + 1)]
        return any(self.stance_at[at] != "condition" for at in places)


def _signs(stances):
    """The sign of each row of stances.csv; one without takes that of the project's own stance of its name, or 0."""
    own = _default_codebook().stances if stances["sign"].eq("").any() else stances
    known = dict(zip(own["stance"], own["sign"]))
    return [int(sign or known.get(stance) or 0) for stance, sign in zip(stances["stance"], stances["sign"])]


def _allies(codebook):
    """[(actor, side)] that "its allies" stands for: on the sides that sides.csv calls ally, the actor that most rows of
    actors.csv describe as a collective."""
    allied = codebook.sides.loc[codebook.sides["role"] == "ally", "side"]
    rows = codebook.actors[codebook.actors["side"].isin(allied)]
    collective = rows["kind"].eq("collective").groupby([rows["actor"], rows["side"]], sort=False).mean()
    return [collective.idxmax()] if len(collective) and collective.max() > 0.5 else []


def _around(tokens, matches):
    """The sentences of some matches with the one before and the one after each: (tokens, the matches in them)."""
    first, last = _sentence_edges(tokens)
    sentence = np.repeat(np.arange(len(first)), last - first + 1)
    keep = np.isin(sentence, sentence[matches.first][:, None] + [-1, 0, 1])
    place = np.cumsum(keep) - 1
    return tokens[keep].reset_index(drop=True), Matches(matches.pattern, place[matches.first], place[matches.last])


def _grammar_places(tokens, codebook):
    """{role: {first token: last token}} of the patterns of grammar.csv; roles do not exclude each other."""
    roles, names = pd.factorize(codebook.grammar["role"])
    found = _match(tokens, codebook.grammar["pattern"].tolist(), groups=roles)
    order = np.argsort(roles[found.pattern], kind="stable")
    edges = np.cumsum(np.bincount(roles[found.pattern], minlength=len(names)))[:-1]
    first, last = (np.split(places[order], edges) for places in (found.first, found.last))
    return defaultdict(dict, {name: dict(zip(f.tolist(), e.tolist())) for name, f, e in zip(names, first, last)})


def _covered(tokens, spans, keep=None):
    """int array, one entry a token: the row of the span that it lies in, -1 for none. keep: bools, which rows count."""
    article = _categories(tokens["article_id"])
    key = article.codes.astype(np.int64) * 2**32
    start, end = key + tokens["start"].to_numpy(), key + tokens["end"].to_numpy()
    base = article.categories.get_indexer(spans["article_id"]) * 2**32
    first = np.searchsorted(start, base + spans["start"].to_numpy(np.int64))
    last = np.searchsorted(end, base + spans["end"].to_numpy(np.int64), "right")
    covered = np.full(len(tokens), -1)
    for row in np.flatnonzero(np.ones(len(spans), bool) if keep is None else keep):
        covered[first[row]:last[row]] = row
    return covered


def _states_of_sides(codebook):
    """{side: its state}, for sides that have exactly one."""
    states = codebook.actors[codebook.actors["kind"] == "state"].drop_duplicates("actor").groupby("side")["actor"]
    return {side: actors.iloc[0] for side, actors in states if len(actors) == 1}


# ---------------------------------------------------------------------------------------------------------------
# 9. Tone: VADER's sentence scores, the lexicon's words changed by tone.csv
# ---------------------------------------------------------------------------------------------------------------

_STRAIGHT = str.maketrans("“”„‘’‚", "\"\"\"'''")                # VADER knows straight quotes only
_NO_PUNCTUATION = re.compile(f"[^{re.escape(string.punctuation)}]+")
_SENTENCES = 100_000                                            # scored at a time


def score_sentences(articles, tokens, codebook=None):
    """Sentiment of every sentence by VADER (Hutto and Gilbert 2014), equal to nltk's on every sentence.

    codebook: None for the plain lexicon; with one, its tone.csv changes or adds words (a valence of 0 takes one out).
    Returns the sentences frame, one row a sentence: article_id, part, paragraph, sentence, start, end, sentence_text,
    words, compound (-1 to 1), pos, neu, neg (shares), quoted_share (of its words). Quotation marks are straightened for
    scoring only.
    """
    first, last = _sentence_edges(tokens)
    found = _at(tokens, first, last)
    found.insert(2, "paragraph", tokens["paragraph"].to_numpy()[first])
    words = is_word(tokens).to_numpy()
    count, quoted = (np.add.reduceat(np.append(flags, False), first, dtype=int) for flags in (words, words & tokens["quoted"]))
    analyser = _vader(None if codebook is None else codebook.tone)
    scores = [_scored(articles, found.iloc[i:i + _SENTENCES], analyser) for i in range(0, max(len(found), 1), _SENTENCES)]
    found = pd.concat([found, pd.concat(scores)], axis=1)
    found.insert(found.columns.get_loc("compound"), "words", count)
    return found.assign(quoted_share=quoted / np.maximum(count, 1))


def _scored(articles, spans, analyser):
    """sentence_text, compound, pos, neu and neg of the sentences at spans."""
    texts = _surfaces(articles[articles["article_id"].isin(spans["article_id"].unique())], spans).rename("sentence_text")
    return pd.concat([texts, pd.DataFrame(_vader_scores(texts, analyser), spans.index)], axis=1)


def _sentence_edges(tokens):
    """Positions of the first and the last token of every sentence."""
    article, sentence = _categories(tokens["article_id"]).codes, tokens["sentence"].to_numpy()
    new = (article[1:] != article[:-1]) | (sentence[1:] != sentence[:-1])
    first = np.flatnonzero(np.append(len(tokens) > 0, new))
    return first, np.append(first[1:], len(tokens))[:len(first)] - 1


def _vader(tone=None):
    """nltk's analyser with the lexicon of the vaderSentiment package, changed by tone."""
    import nltk
    from nltk.sentiment.vader import SentimentIntensityAnalyzer

    folder = str(Path(importlib.util.find_spec("vaderSentiment").origin).parent)
    if folder not in nltk.data.path:
        nltk.data.path.append(folder)                           # nltk reads lexicons from its own path only
    analyser = SentimentIntensityAnalyzer(lexicon_file="vader_lexicon.txt")
    for word, valence in zip(tone["word"], tone["valence"]) if tone is not None else ():
        if valence:
            analyser.lexicon[word] = valence
        else:
            analyser.lexicon.pop(word, None)
    return analyser


class _VaderWords:
    """What VADER asks of a word, once per distinct chunk: arrays indexed by chunk code."""

    def __init__(self, chunks, lexicon, rules):
        chunks = [chunk if chunk.isascii() else chunk.translate(_STRAIGHT) for chunk in chunks]
        self.words = [_vader_word(chunk, rules.PUNC_LIST) for chunk in chunks]
        lower = [word.lower() for word in self.words]

        def array(values, dtype=bool):
            """One value a distinct chunk."""
            return np.fromiter(values, dtype, len(chunks))

        self.number = pd.factorize(np.array(self.words, dtype=object))[0]
        self.kept = array(len(chunk) > 1 for chunk in chunks)
        self.exclamations = array((chunk.count("!") for chunk in chunks), np.int32)
        self.questions = array((chunk.count("?") for chunk in chunks), np.int32)
        self.valence = array((lexicon.get(word, np.nan) for word in lower), float)
        self.scored = ~np.isnan(self.valence)
        self.boost = array((rules.BOOSTER_DICT.get(word, 0.0) for word in lower), float)
        self.upper = array(map(str.isupper, self.words))
        self.negates = array(word in rules.NEGATE or "n't" in word for word in lower)
        for name, words, among in [("never", self.words, {"never"}), ("so_this", self.words, {"so", "this"}),
                                   ("but", lower, {"but"}), ("least", lower, {"least"}), ("at_very", lower, {"at", "very"}),
                                   ("kind", lower, {"kind"}), ("of", lower, {"of"})]:
            setattr(self, name, array(map(among.__contains__, words)))
        self.idioms = {tuple(phrase.split()[:2]) for phrase in [*rules.SPECIAL_CASE_IDIOMS, *rules.BOOSTER_DICT] if " " in phrase}
        self.idiom_first, self.idiom_second = (array(map(set(part).__contains__, self.words)) for part in zip(*self.idioms))


def _vader_word(chunk, marks):
    """A chunk as VADER reads it: listed punctuation taken off one side."""
    word = chunk.strip(string.punctuation)
    if word == chunk or len(word) < 2 or not _NO_PUNCTUATION.fullmatch(word):
        return chunk
    before, _, after = chunk.partition(word)
    return word if (not before and after in marks) or (not after and before in marks) else chunk


def _vader_scores(texts, analyser):
    """compound, pos, neu and neg (float arrays) of texts (a str Series), all at once and equal to nltk's polarity_scores.

    The rules run on arrays of word codes instead of one word at a time; a text with one of VADER's listed idioms goes to
    nltk itself.
    """
    chunks = _cut_chunks(texts, join_digits=False)
    words = _VaderWords(chunks.types, analyser.lexicon, analyser.constants)
    n = len(texts)
    emphasis = _vader_emphasis(chunks, n, words)
    kept = words.kept[chunks.code]
    code, text = chunks.code[kept], chunks.article[kept]
    del chunks, kept                                            # as long as the text: no longer needed
    hit, valence = _vader_valences(code, text, n, words, analyser.constants)
    hit_text = text[hit]
    total = np.bincount(hit_text, valence, n).astype(float)
    total += np.sign(total) * emphasis
    positive = np.bincount(hit_text, np.where(valence > 0, valence + 1, 0), n)
    negative = np.bincount(hit_text, np.where(valence < 0, valence - 1, 0), n)
    neutral = np.bincount(text, minlength=n) - np.bincount(hit_text[valence != 0], minlength=n)
    positive, negative = (positive + np.where(positive > -negative, emphasis, 0),
                          negative - np.where(positive < -negative, emphasis, 0))
    size = positive - negative + neutral
    scores = {"compound": _rounded(total / np.sqrt(total * total + 15), 4)}
    for name, part in (("pos", positive), ("neu", neutral), ("neg", -negative)):
        scores[name] = _rounded(np.divide(part, size, out=np.zeros(n), where=size > 0), 3)
    for i in _with_idiom(code, text, words):
        for name, score in analyser.polarity_scores(texts.iloc[i].translate(_STRAIGHT)).items():
            scores[name][i] = score
    return scores


def _rounded(values, digits):
    """Python's round for arrays. NumPy's multiplies first, which may tip a value that lies half-way: those go to Python."""
    rounded, scaled = np.round(values, digits), np.abs(values) * 10**digits
    for i in np.flatnonzero(np.abs(scaled % 1 - 0.5) < 1e-6):
        rounded[i] = round(float(values[i]), digits)
    return rounded


def _with_idiom(code, text, words):
    """Texts in which two neighbouring words begin one of VADER's idioms."""
    at = np.flatnonzero(words.idiom_first[code[:-1]])
    at = at[words.idiom_second[code[at + 1]] & (text[at] == text[at + 1])]
    return sorted({text[i] for i in at if (words.words[code[i]], words.words[code[i + 1]]) in words.idioms})


def _vader_emphasis(chunks, n, words):
    """What exclamation and question marks add to each text."""
    at = np.flatnonzero((words.exclamations + words.questions > 0)[chunks.code])
    text, code = chunks.article[at], chunks.code[at]
    exclamations = np.minimum(np.bincount(text, words.exclamations[code], n), 4) * 0.292
    questions = np.bincount(text, words.questions[code], n)
    return exclamations + np.where(questions > 3, 0.96, np.where(questions > 1, questions * 0.18, 0))


def _vader_valences(code, text, n, words, rules):
    """Positions of the words in the lexicon, and the valence of each after the words around it had their say."""
    length = np.bincount(text, minlength=n)
    upper = np.bincount(text[words.upper[code]], minlength=n)
    shouting = ((upper > 0) & (upper < length))                 # some words in capitals, not all
    hit = np.flatnonzero(words.scored[code])
    # VADER looks a repeated word up at its first place in the text, so one computation serves all its places.
    key = text[hit] * np.int64(len(words.kept) + 1) + words.number[code[hit]]
    _, first, back = np.unique(key, return_index=True, return_inverse=True)
    at = hit[first]
    word, place = code[at], at - (np.cumsum(length) - length)[text[at]]
    loud = shouting[text[at]]
    valence = words.valence[word]
    valence = np.where(words.upper[word] & loud, valence + np.where(valence > 0, rules.C_INCR, -rules.C_INCR), valence)
    before = [code[np.maximum(at - distance, 0)] for distance in (1, 2, 3)]
    for distance in range(3):
        valence = _vader_context(valence, distance, before, place, loud, words, rules)
    least = (place > 0) & words.least[before[0]] & ~words.scored[before[0]] & ~((place > 1) & words.at_very[before[1]])
    valence = np.where(least, valence * rules.N_SCALAR, valence)
    after = np.minimum(at + 1, len(code) - 1)
    kind_of = words.kind[word] & words.of[code[after]] & (text[after] == text[at]) & (after > at)
    valence[kind_of | (words.boost[word] != 0)] = 0
    return hit, _vader_but(valence[back], hit, code, text, n, words)


def _vader_context(valence, distance, before, place, loud, words, rules):
    """Boosters ("very") and negators ("not") one, two or three words before."""
    word = before[distance]
    counts = (place > distance) & ~words.scored[word]
    boost = np.where(valence < 0, -words.boost[word], words.boost[word])
    shouted = words.upper[word] & loud & (boost != 0)
    boost = np.where(shouted, boost + np.where(valence > 0, rules.C_INCR, -rules.C_INCR), boost) * (1, 0.95, 0.9)[distance]
    valence = np.where(counts, valence + boost, valence)
    factor = np.where(words.negates[word], rules.N_SCALAR, 1.0)
    if distance:                                                # "never so good" strengthens instead
        never = words.never[word] & words.so_this[before[distance - 1]]
        never |= words.so_this[before[0]] if distance == 2 else False
        factor = np.where(never, (1.5, 1.25)[distance - 1], factor)
    return np.where(counts, valence * factor, valence)


def _vader_but(valence, hit, code, text, n, words):
    """Words before "but" count half, words after it half as much again."""
    but = np.full(n, -1)
    at = np.flatnonzero(words.but[code])[::-1]
    but[text[at]] = at                                          # reversed, so that the first "but" stays
    turn = but[text[hit]]
    return valence * np.select([turn < 0, hit < turn, hit > turn], [1.0, 0.5, 1.5], 1.0)
# ---------------------------------------------------------------------------------------------------------------
# 10. Tone towards somebody: the same words, by the role in the clause
# ---------------------------------------------------------------------------------------------------------------


def tone_towards(articles, tokens, spans, codebook):
    """The tone towards what stands at each span, by its role in the clause.

    spans: frame with article_id, start, end of the targets (mentions, for example).
    Returns a copy of spans with two columns more. role: "object" (of a verb of blame or praise of grammar.csv, or its subject in the
        passive), "speaker" (subject of a reporting verb) or "clause". tone, -1 to 1: the verb's own sign for an object; for a speaker
        the compound of the words of the own clause alone, since what one says is not said of one; otherwise the mean of clause and
        sentence. Beyond 0.05 counts as good or bad, as VADER's author has it.
    Source: van Atteveldt, van der Velden and Boukes (2021), Communication Methods and Measures 15, 121-140, on what dictionaries can
        and cannot do; Hamborg and Donnay (2021), NewsMTSC, on the task.
    """
    clauses = Clauses(tokens, codebook)
    first, last = _token_range(tokens, spans)
    judged, speaking = _judged_heads(tokens, codebook, clauses), _speaking_heads(tokens, codebook)
    sign = np.array([next((judged[i] for i in range(s, e + 1) if i in judged), 0) for s, e in zip(first.tolist(), last.tolist())])
    speaker = np.array([any(i in speaking for i in range(s, e + 1)) for s, e in zip(first.tolist(), last.tolist())], bool)
    start, end = tokens["start"].to_numpy(), tokens["end"].to_numpy()
    text = spans["article_id"].map(articles.set_index("article_id")["text"])
    analyser = _vader(codebook.tone)

    def compound(bounds):
        """Compound score of the words between these tokens, one a span."""
        words = [t[start[s]:end[e]] for t, (s, e) in zip(text, bounds)]
        return _vader_scores(pd.Series(words), analyser)["compound"] if words else np.zeros(0)

    clause = compound([_own_clause(clauses, s, e) for s, e in zip(first.tolist(), last.tolist())])
    sentence = compound([(clauses.first[s], clauses.last[s]) for s in first.tolist()])
    role = np.select([sign != 0, speaker], ["object", "speaker"], "clause")
    tone = np.select([sign != 0, speaker], [sign, clause], (clause + sentence) / 2)
    return spans.assign(role=pd.Series(role, spans.index, dtype="str"), tone=tone.astype(float))


def _token_range(tokens, spans):
    """Positions of the first and the last token of each span."""
    article = _categories(tokens["article_id"])
    base = article.categories.get_indexer(spans["article_id"]).astype(np.int64) << 32
    key = article.codes.astype(np.int64) << 32
    first = np.searchsorted(key + tokens["end"].to_numpy(), base + spans["start"].to_numpy(np.int64), "right")
    last = np.searchsorted(key + tokens["start"].to_numpy(), base + spans["end"].to_numpy(np.int64)) - 1
    return first, np.maximum(first, last)


def _judged_heads(tokens, codebook, clauses):
    """{head of a phrase: 1 or -1}: whom a verb of praise or blame is about, its object or, in the passive, its subject."""
    places, heads = _grammar_places(tokens, codebook), {}
    for role, sign in (("blame", -1), ("praise", 1)):
        for verb, end in places[role].items():
            if clauses.is_a(verb, "name"):
                continue
            passive = clauses.is_a(verb, "ed", "participle") and any(
                clauses.is_a(i, "be") for i in range(max(clauses.first[verb], verb - 3), verb))
            at = end + 1
            while at < clauses.last[verb] and clauses.is_a(at, "preposition") and not clauses.is_a(at, "determiner"):
                at += 1                                         # "lashed out at Lind"
            phrase = clauses.subject(verb) if passive else clauses.phrase_after(at) if at <= clauses.last[verb] else None
            heads.update(dict.fromkeys(phrase.heads, sign) if phrase else {})
    return heads


def _speaking_heads(tokens, codebook):
    """Heads of the phrases that are subject of a reporting verb."""
    reader = _QuoteReader(tokens, codebook)
    sources = (reader.at(cue, "") for cue in reader.cues)
    return {head for source in sources if source is not None for head in source.phrase.heads}


def _own_clause(clauses, first, last):
    """First and last token of the clause around a span: up to a mark, a subordinator or a conjunction with a new subject."""
    def ends(at):
        """Does another clause begin at this token?"""
        if clauses.word(at) in _CLAUSE_MARKS | _BREAKS - {"-"} | _MARKS - _SINGLE | {"(", ")"}:
            return True
        following = at < clauses.last[at] and clauses.is_a(at + 1, "pronoun", "name", "determiner")
        return clauses.is_a(at, "subordinator", "relative") or (clauses.is_a(at, "conjunction") and following)

    begin, end = first, last
    while begin > clauses.first[first] and not ends(begin - 1):
        begin -= 1
    while end < clauses.last[first] and not ends(end + 1):
        end += 1
    return begin, end


# ---------------------------------------------------------------------------------------------------------------
# 11. Reading closely: concordance, keyness, near-duplicates
# ---------------------------------------------------------------------------------------------------------------


def concordance(articles, tokens, pattern, width=60):
    """Keyword in context: every match of a word pattern with the text around it.

    pattern: words with * and ?, as in the codebook. width: characters on each side.
    Returns a frame, one row a match: article_id, part, sentence, start, end, left, node, right.
    """
    matches = _match(tokens, [pattern])
    found = _at(tokens, matches.first, matches.last)
    text = dict(zip(articles["article_id"], articles["text"]))
    spans = list(zip(found["article_id"], found["start"], found["end"]))
    for column, slices in (("left", [text[a][max(0, s - width):s] for a, s, _ in spans]),
                           ("node", [text[a][s:e] for a, s, e in spans]),
                           ("right", [text[a][e:e + width] for a, _, e in spans])):
        found[column] = pd.Series([" ".join(part.split("\n")) for part in slices], dtype="str")
    return found


def keyness(counts_a, counts_b, prior=None):
    """Words that set two groups of texts apart: weighted log-odds with an informative Dirichlet prior.

    counts_a, counts_b: Series of counts indexed by word. prior: counts of a background corpus, indexed likewise; None takes
        the two groups together.
    Returns a frame, one row a word, the most typical of a first: word, count_a, count_b, rate_a, rate_b (per 1,000 words),
        log_odds, z (log-odds over its standard error; beyond 1.96 in size unlikely by chance, one word at a time).
    Source: Monroe, Colaresi and Quinn (2008), Political Analysis 16, 372-403, equations 15, 16 and 20.
    """
    table = pd.DataFrame({"count_a": counts_a, "count_b": counts_b}).fillna(0)
    background = table.sum(axis=1) if prior is None else table.sum(axis=1) + prior.reindex(table.index).fillna(0)
    total = table.sum()
    strength = background / background.sum() * min(total.max(), 1000 + background.sum() / 100)
    odds = {}
    for column in ("count_a", "count_b"):
        count = table[column] + strength
        odds[column] = np.log(count / (total[column] + strength.sum() - count))
    spread = np.sqrt(1 / (table["count_a"] + strength) + 1 / (table["count_b"] + strength))
    table["rate_a"], table["rate_b"] = (1000 * table[c] / max(total[c], 1) for c in ("count_a", "count_b"))
    table["log_odds"] = odds["count_a"] - odds["count_b"]
    table["z"] = table["log_odds"] / spread
    table.index = table.index.astype("str").rename("word")
    return table.reset_index().sort_values(["z", "word"], ascending=[False, True], ignore_index=True)


def near_duplicates(articles, threshold=0.5, unit="article", codebook=None):
    """Texts that share long stretches of wording: wire copy, rewrites, background paragraphs.

    threshold: least share of the shorter text's distinct three-word runs that the other has too, 0 to 1.
    unit: "article", or "paragraph" for paragraphs of at least 12 words.
    Returns a frame, one row a pair: article_a, article_b, paragraph_a, paragraph_b (<NA> for articles), shared (runs), runs
        (of the shorter), overlap (shared / runs); the closest pair first.
    Source: the containment of Broder (1997), On the resemblance and containment of documents.
    """
    if unit not in ("article", "paragraph"):
        raise ValueError(f"unit is {unit!r}; allowed: article, paragraph")
    tokens = tokenize(articles, codebook)
    tokens = tokens[is_word(tokens).to_numpy()]
    keys = [tokens["article_id"].array.codes] + ([tokens["paragraph"].to_numpy()] if unit == "paragraph" else [])
    units = pd.MultiIndex.from_arrays(keys)
    number, labels = pd.factorize(units)
    runs, counts = _shingles(number, tokens["lower"].array.codes, 10 if unit == "paragraph" else 1)
    shared = _shared_runs(runs, counts)
    a, b = shared.row, shared.col
    shorter = np.minimum(counts[a], counts[b])
    frame = pd.DataFrame({"a": a, "b": b, "shared": shared.data.astype(int), "runs": shorter})
    frame = frame[(frame["runs"] > 0) & (frame["shared"] >= threshold * frame["runs"])]
    return _pairs_frame(frame, labels, tokens["article_id"].array.categories, unit)


def _shingles(number, words, least):
    """(unit, run) rows of a 0/1 matrix: the distinct three-word runs of each unit that has at least `least` of them."""
    inside = (number[2:] == number[:-2]) if len(number) > 2 else np.zeros(0, bool)
    base = np.int64(words.max(initial=0)) + 1
    run = (words[:-2].astype(np.int64) * base + words[1:-1]) * base + words[2:] if len(number) > 2 else np.zeros(0, np.int64)
    pairs = pd.DataFrame({"unit": number[:-2][inside], "run": run[inside]}).drop_duplicates()
    n = number.max(initial=-1) + 1
    counts = np.bincount(pairs["unit"], minlength=n)
    pairs = pairs[counts[pairs["unit"]] >= least]
    return pairs, np.where(counts >= least, counts, 0)


def _shared_runs(pairs, counts):
    """How many runs each two units share: a sparse matrix, upper triangle."""
    from scipy.sparse import csr_matrix, triu

    column, _ = pd.factorize(pairs["run"])
    repeated = np.bincount(column, minlength=1)[column] > 1 if len(column) else np.zeros(0, bool)
    unit, column = pairs["unit"].to_numpy()[repeated], column[repeated]
    matrix = csr_matrix((np.ones(len(unit)), (unit, column)), shape=(len(counts), max(column.max(initial=0) + 1, 1)))
    return triu(matrix @ matrix.T, k=1).tocoo()


def _pairs_frame(frame, labels, article_ids, unit):
    """Pairs of unit numbers as named pairs."""
    codes = [np.array([label[0] for label in labels], int), np.array([label[-1] for label in labels], int)]
    out = pd.DataFrame({"article_a": np.array(article_ids, dtype=object)[codes[0][frame["a"]]],
                        "article_b": np.array(article_ids, dtype=object)[codes[0][frame["b"]]]}).astype("str")
    for side in ("a", "b"):
        numbers = codes[1][frame[side]] if unit == "paragraph" else [pd.NA] * len(frame)
        out[f"paragraph_{side}"] = pd.array(numbers, dtype="Int64")
    out["shared"], out["runs"] = frame["shared"].to_numpy(), frame["runs"].to_numpy()
    out["overlap"] = out["shared"] / out["runs"]
    order = ["overlap", "article_a", "article_b", "paragraph_a", "paragraph_b"]
    return out.sort_values(order, ascending=[False, True, True, True, True], ignore_index=True)


# ---------------------------------------------------------------------------------------------------------------
# 12. Everything at once: one wide row an article
# ---------------------------------------------------------------------------------------------------------------


_ARTICLES = 500                                                 # measured at a time
_QUIET_SECONDS = 3                                              # before a progress bar shows


def measure_articles(articles, codebook, jobs=1):
    """Every measure, counted, one row an article: the form that scales and that other programs read.

    articles: one frame, or an iterator of frames (blocks) where all articles do not fit into memory, for example
        (load_articles(part) for part in parts). jobs: processes, each a fresh interpreter; the result is the same.
    Returns a frame, for blocks an iterator of frames: article_id, outlet, published, then words, sentences, quoted_words,
        tone_plain and tone (means over sentences, NaN without any), and counts named "actor: X", "side: X" (mentions),
        "stance: X" (terms), "voice: X" (words spoken by the side, quotations that are no labels), "holds: X" (statements by
        the side), "issue: X" (statements). Columns and dtypes depend on the codebook alone, so that frames can be stacked.
    """
    if not isinstance(articles, pd.DataFrame):
        return _measured_blocks(articles, codebook, jobs)
    blocks = (articles.iloc[i:i + _ARTICLES] for i in range(0, max(len(articles), 1), _ARTICLES))
    return pd.concat(_measured_blocks(blocks, codebook, jobs, len(articles)), ignore_index=True)


def _measured_blocks(blocks, codebook, jobs, total=None):
    """Each block measured, in order; with a progress bar on long work, but not in reports nor where output is no terminal."""
    from joblib import Parallel, delayed
    from tqdm.auto import tqdm

    results = Parallel(jobs, return_as="generator", pre_dispatch="2*n_jobs")(
        delayed(_measure_block)(block, codebook) for block in blocks)
    silent = "TQDM_DISABLE" in os.environ or not (sys.stderr.isatty() or "ipykernel" in sys.modules)
    with tqdm(total=total, unit=" articles", delay=_QUIET_SECONDS, leave=False, disable=silent) as bar:
        for measured in results:
            bar.update(len(measured))
            yield measured


def _measure_block(articles, codebook):
    """measure_articles for a frame that fits into memory with all its tables."""
    tokens = tokenize(articles, codebook)
    mentions = find_mentions(articles, tokens, codebook)
    quotes = find_quotes(articles, tokens, mentions, codebook)
    statements = find_statements(articles, tokens, mentions, quotes, codebook)
    terms = find_terms(tokens, codebook.stances, "stance")
    plain, adjusted = score_sentences(articles, tokens), score_sentences(articles, tokens, codebook)
    sides = codebook.sides["side"].tolist()
    spoken = quotes[quotes["kind"].isin(["speech", "fragment"])]
    ids = pd.Index(articles["article_id"])
    basic = pd.DataFrame({
        "words": plain.groupby("article_id")["words"].sum(), "sentences": plain.groupby("article_id").size(),
        "quoted_words": spoken.groupby("article_id")["words"].sum()}).reindex(ids).fillna(0).astype("int64")
    tone = pd.DataFrame({"tone_plain": plain.groupby("article_id")["compound"].mean(),
                         "tone": adjusted.groupby("article_id")["compound"].mean()}).reindex(ids).astype(float)
    counts = [
        _wide(mentions, "actor", [a for a in codebook.actors["actor"].drop_duplicates() if a != "-"], ids, "actor"),
        _wide(mentions, "side", sides, ids, "side"),
        _wide(terms, "stance", codebook.stances["stance"].drop_duplicates(), ids, "stance"),
        _wide(spoken, "speaker_side", sides, ids, "voice", "words"),
        _wide(statements.drop_duplicates(["article_id", "start", "issue", "side"]), "side", sides, ids, "holds"),
        _wide(statements.drop_duplicates(["article_id", "start", "issue"]), "issue", codebook.issues["issue"].drop_duplicates(), ids, "issue")]
    wide = pd.concat([articles.set_index("article_id")[["outlet", "published"]], basic, tone, *counts], axis=1)
    return wide.rename_axis("article_id").reset_index()


def _wide(rows, by, columns, ids, name, weight=None):
    """Counts (or sums of weight) of rows per article, one column a category, absent ones 0."""
    keys = [rows["article_id"], rows[by]]
    counts = rows.groupby(keys)[weight].sum() if weight else rows.groupby(keys).size()
    table = counts.unstack(fill_value=0).reindex(index=ids, columns=list(columns), fill_value=0)
    return table.fillna(0).astype("int64").rename(columns=lambda column: f"{name}: {column}")


# ---------------------------------------------------------------------------------------------------------------
# 13. How far a number can be trusted
# ---------------------------------------------------------------------------------------------------------------


def share(hits, total):
    """Shares of a total with 95 % intervals.

    hits: Series or list of counts; total: one count or as many. Returns a frame with the index of hits: share, low, high
        (fractions), all NaN where the total is 0.
    Raises ValueError where hits exceed the total. Source: Wilson (1927), J. Am. Stat. Assoc. 22, 209-212, by way of scipy.
    """
    from scipy.stats import binomtest

    hits = pd.Series(hits)
    totals = pd.Series(total, hits.index) if np.isscalar(total) else pd.Series(list(total), hits.index)
    if (hits > totals).any():
        raise ValueError("more hits than could have been counted: was the total filtered too?")
    rows = []
    for k, n in zip(hits, totals):
        interval = binomtest(int(k), int(n)).proportion_ci(method="wilson") if n else None
        rows.append((k / n, interval.low, interval.high) if n else (np.nan,) * 3)
    return pd.DataFrame(rows, hits.index, ["share", "low", "high"], dtype=float)


SPAN = ("article_id", "start", "end")
FEW = 10                                                        # cases: of a code with fewer no figure is given
FEW_ARTICLES = 5                                                # with fewer no interval is drawn from them


def validity(found, gold, on=SPAN, resamples=1000):
    """How well a measure finds what was coded by hand.

    found, gold: frames with the columns `on`, which together say when two rows are the same finding (a span; or a sentence
        and a stance; or these and a holder). Rows that stand twice are matched one to one. article_id must be among them.
    Returns a frame: measure (precision, recall, F1), n (rows that it divides by; for F1 both together), value, low, high
        (95 % interval, articles drawn again `resamples` times), note (why a value or an interval is missing).
    """
    on = list(on)
    counts = pd.concat([found.groupby(on, dropna=False).size().rename("found"),
                        gold.groupby(on, dropna=False).size().rename("gold")], axis=1).fillna(0)
    counts["hits"] = counts.min(axis=1)
    per_article = counts.groupby(level="article_id").sum()[["hits", "found", "gold"]].to_numpy()
    rows = []
    for measure, divisor in (("precision", [1]), ("recall", [2]), ("F1", [1, 2])):
        def rate(sums, divisor=divisor):
            """Hits over what it divides by, from sums (..., 3)."""
            with np.errstate(invalid="ignore", divide="ignore"):
                return len(divisor) * sums[..., 0] / sums[..., divisor].sum(axis=-1)

        rows.append(_with_interval(measure, per_article[:, divisor].sum(), rate, per_article, resamples))
    return pd.DataFrame(rows)


def _with_interval(measure, n, statistic, per_article, resamples=1000):
    """One row: a statistic of sums over articles, with the interval of articles drawn again; NaN where it has no value."""
    articles = len(per_article)
    row = {"measure": measure, "n": int(n), "value": np.nan, "low": np.nan, "high": np.nan, "note": ""}
    if not n:
        return row | {"note": "nothing to divide by"}
    row["value"] = float(statistic(per_article.sum(axis=0)))
    if np.isnan(row["value"]):
        return row | {"note": "only one code was used"}
    if articles < FEW_ARTICLES:
        return row | {"note": f"{articles} articles are too few for an interval"}
    drawn = np.random.default_rng(0).multinomial(articles, np.full(articles, 1 / articles), resamples) @ per_article
    row["low"], row["high"] = np.nanquantile(statistic(drawn), [0.025, 0.975])
    return row


GOLD_TABLES = {"mentions": ["actor"], "quotes": ["kind", "speaker"], "statements": ["stance", "holder", "issue", "position"],
               "evaluations": ["actor", "evaluation"], "tone": ["tone"]}
CODERS = ("coder_a", "coder_b", "adjudicated")


def load_gold(folder=None, articles=None):
    """Hand-coded answers: the articles as they were coded, and what each coder marked in them.

    folder: path; None takes $GOLD, else data/gold. It holds texts.csv (article_id, title, lead, body; where known outlet,
        published, half) and a folder each for coder_a, coder_b and adjudicated, with mentions.csv, quotes.csv, statements.csv,
        evaluations.csv and tone.csv, or some of them. Where nothing is adjudicated, the first coder's tables stand for it.
    articles: for texts.csv with a column sha256 instead of words (texts that may not be passed on), the articles to find them in.
    Returns (articles, {coder: {table: frame}}). articles has a column more: half (developing or sealed; "all" where not said).
    Raises FileNotFoundError where there is no texts.csv or no coder, ValueError where a text is not found, a column is missing
        or a row stands outside its text.
    """
    folder = Path(folder or os.environ.get("GOLD") or DATA / "gold")
    if not (folder / "texts.csv").exists():
        raise FileNotFoundError(f"no texts.csv in {folder}; it needs the columns article_id, title, lead, body")
    texts = pd.read_csv(folder / "texts.csv", dtype="str", keep_default_na=False, na_values=[""])
    if "sha256" in texts:
        texts = _with_words(texts, articles)
    coded_articles = as_articles(texts)
    coded_articles["half"] = texts["half"].fillna("all") if "half" in texts else "all"
    coded = {coder: {table: _read_gold(folder / coder / f"{table}.csv", coded_articles) for table in GOLD_TABLES
                     if (folder / coder / f"{table}.csv").exists()} for coder in CODERS if (folder / coder).is_dir()}
    if not coded:
        raise FileNotFoundError(f"no coder in {folder}; it needs a folder {', '.join(CODERS[:-1])} or {CODERS[-1]}")
    return coded_articles, {**coded, "adjudicated": coded.get("adjudicated", next(iter(coded.values())))}


def _with_words(texts, articles):
    """Title, lead and body for texts that are known by the hash of their words."""
    if articles is None:
        raise ValueError("texts.csv holds hashes, not words: load_gold needs the articles that they were taken from")
    words = articles.assign(sha256=[hashlib.sha256(text.encode()).hexdigest() for text in articles["text"].fillna("")])
    found = texts.merge(words[["sha256", "title", "lead", "body"]].drop_duplicates("sha256"), on="sha256", how="left")
    missing = found.loc[found[["title", "body"]].isna().all(axis=1), "article_id"].tolist()
    if missing:
        raise ValueError(f"{len(missing)} of {len(texts)} coded texts are not among the articles, as they were coded: "
                         f"{', '.join(missing[:5])}")
    return found


def _read_gold(path, articles):
    """One table of one coder; each row must lie in its text."""
    table, name = pd.read_csv(path, keep_default_na=False, na_values=[""]), f"{path.parent.name}/{path.name}"
    missing = [column for column in (*SPAN, *GOLD_TABLES[path.stem]) if column not in table]
    if missing:
        raise ValueError(f"{name} has no column {', '.join(missing)}")
    length = table["article_id"].map(articles.set_index("article_id")["text"].str.len())
    outside = table[~((table["start"] >= 0) & (table["start"] < table["end"]) & (table["end"] <= length))]
    for row in outside.index[:1]:
        raise ValueError(f"{name}, line {row + 2}: {outside.loc[row, 'article_id']} has no text from "
                         f"{outside.loc[row, 'start']} to {outside.loc[row, 'end']}")
    return table


def align(spans, onto, least=0.8):
    """A copy of spans, moved to those of `onto` that they mean, so that both can be compared by equality.

    spans, onto: frames with article_id, start, end. A span becomes the one with which it shares most of the characters of both
        together, if that is at least `least` of them; with least=0 any overlap will do (a word and its sentence).
    """
    distinct = onto[[*SPAN]].drop_duplicates()
    edges = distinct[["start", "end"]].to_numpy(int)
    places = {article: edges[rows] for article, rows in distinct.groupby("article_id", observed=True).indices.items()}
    moved = []
    for article, start, end in zip(spans["article_id"], spans["start"], spans["end"]):
        there = places.get(article, np.zeros((0, 2), int))
        shared = np.minimum(there[:, 1], end) - np.maximum(there[:, 0], start)
        both = np.maximum(there[:, 1], end) - np.minimum(there[:, 0], start)
        likely = np.flatnonzero((shared > 0) & (shared >= least * both))
        moved.append(there[likely[np.argmax(shared[likely] / both[likely])]] if len(likely) else (start, end))
    start, end = np.array(moved, int).reshape(-1, 2).T
    return spans.assign(start=start, end=end)


# What is compared, and by which columns besides the span: the table, the kinds of quotation, the codes that must be the same.
LEVELS = {"mentions": ("mentions", None, ["actor"]),
          "quotations": ("quotes", ["speech", "fragment"], []),
          "voices": ("quotes", ["speech", "fragment"], ["speaker"]),
          "reports": ("quotes", ["indirect"], []),
          "stances": ("statements", None, ["stance"]),
          "holders": ("statements", None, ["stance", "holder"]),
          "statements": ("statements", None, ["stance", "holder", "issue", "position"])}


def measure_as_coded(articles, codebook):
    """What the measures find, as coders would have written it: tables as of load_gold, by name.

    Statements stand at their sentence. tone has a row a sentence: compound (tone.csv applied) and plain. evaluations has a row a
    sentence and actor: tone (of tone_towards) and compound (of the sentence).
    """
    tokens = tokenize(articles, codebook)
    mentions = find_mentions(articles, tokens, codebook)
    quotes = find_quotes(articles, tokens, mentions, codebook)
    statements = find_statements(articles, tokens, mentions, quotes, codebook)
    plain = score_sentences(articles, tokens)["compound"]
    tone = score_sentences(articles, tokens, codebook)[[*SPAN, "compound"]].assign(plain=plain)
    towards = align(tone_towards(articles, tokens, mentions, codebook), tone, least=0).merge(tone, on=SPAN)
    return {"mentions": mentions, "quotes": quotes, "statements": align(statements, tone, least=0), "tone": tone,
            "evaluations": towards.groupby([*SPAN, "actor"], as_index=False)[["tone", "compound"]].mean()}


def of_articles(tables, articles):
    """The rows of some articles in each of several tables."""
    return {name: table[table["article_id"].isin(articles["article_id"])] for name, table in tables.items()}


def against_gold(found, gold, level, codebook):
    """What two sides mark, in the same columns: made for validity().

    found: of measure_as_coded, or another coder's tables. gold: a coder's tables. level: "mentions" (spans and actors),
        "quotations" (spans of direct speech, equal to four fifths), "voices" (with the speaker, where he is no actor as "other"),
        "reports" (reported clauses), "stances" (sentence and stance), "holders" (with the holder) or "statements" (with holder,
        issue and position).
    Returns (found, gold), rows without duplicates; the columns besides article_id, start, end are the codes to agree on.
    """
    name, kinds, codes = LEVELS[level]
    sides = [found[name], gold[name]]
    if name == "quotes":
        sides = [_named(rows[rows["kind"].isin(kinds)], codebook) for rows in sides]
        sides[0] = align(sides[0], sides[1])
    if name == "statements" and "tone" in found:
        sides[1] = align(sides[1], found["tone"], least=0)
    return tuple(rows[[*SPAN, *codes]].drop_duplicates(ignore_index=True) for rows in sides)


def _named(quotes, codebook):
    """Quotations whose speaker is an actor of the codebook or, of any other voice, "other"; unknown stays empty."""
    named = quotes["speaker_text" if "speaker_text" in quotes else "speaker"].notna()
    known = quotes["speaker"].where(quotes["speaker"].isin(codebook.actors["actor"]))
    return quotes.assign(speaker=known.fillna("other").where(named))


def coded_tone(gold, level):
    """Codes of one coder: of each sentence ("tone") or of each actor in it ("tone towards"; 0 where named and not evaluated)."""
    if level == "tone":
        return gold["tone"].drop_duplicates([*SPAN]).set_index([*SPAN])["tone"]
    named = align(gold["mentions"], gold["tone"], least=0).assign(evaluation=0)
    rows = pd.concat([align(gold["evaluations"], gold["tone"], least=0), named]).drop_duplicates([*SPAN, "actor"])
    return rows.set_index([*SPAN, "actor"])["evaluation"]


def tone_class(scores):
    """-1, 0 or 1: beyond 0.05 a score counts as bad or good, as VADER's author has it; codes of five points keep their sign."""
    return (scores > 0.05).astype(int) - (scores < -0.05).astype(int)


def macro_f1(measure, found, gold, article):
    """Mean F1 of the classes -1, 0 and 1 that were coded FEW times or more: a row like those of validity().

    found, gold: Series of classes, alike in order; article: whose sentence it is. Only with two such classes is there a value.
    """
    used = [c for c in (-1, 0, 1) if (gold == c).sum() >= FEW]
    marks = pd.concat([pd.DataFrame({"hit": (found == c) & (gold == c), "all": (found == c).astype(int) + (gold == c)})
                       for c in used] or [pd.DataFrame(index=gold.index)], axis=1)
    per_article = marks.astype(int).groupby(article.to_numpy()).sum().to_numpy()

    def mean(sums):
        """Mean F1 of the classes, from hits and totals side by side."""
        return (2 * sums[..., ::2] / np.maximum(sums[..., 1::2], 1)).mean(axis=-1)

    left_out = [f"{name} coded fewer than {FEW} times" for c, name in ((-1, "bad"), (0, "neither"), (1, "good")) if c not in used]
    row = _with_interval(measure, len(gold) if len(used) > 1 else 0, mean, per_article)
    return row | {"note": "; ".join(left_out + [row["note"]] * bool(row["n"] and row["note"]))}


def correlation(measure, found, gold, article):
    """Pearson's r of a score with codes: a row like those of validity()."""
    x, y = found.to_numpy(float), gold.to_numpy(float)
    sums = pd.DataFrame({"n": 1.0, "x": x, "y": y, "xx": x * x, "yy": y * y, "xy": x * y}).groupby(article.to_numpy()).sum()

    def pearson(of):
        """r from sums (..., 6) of n, x, y, their squares and their product."""
        n, x, y, xx, yy, xy = np.moveaxis(of, -1, 0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return (n * xy - x * y) / np.sqrt((n * xx - x * x) * (n * yy - y * y))

    return _with_interval(measure, len(gold), pearson, sums.to_numpy())


TONE_LEVELS = {"tone": {"tone"}, "tone towards": {"mentions", "evaluations", "tone"}}


def validity_by_level(articles, coded, codebook, levels=(*LEVELS, *TONE_LEVELS)):
    """Every measure against the adjudicated codes, half by half: the table behind notebook 08.

    articles, coded: of load_gold. levels: those wanted. Returns the columns of validity() with level, half and articles before
        them. Levels are those of against_gold, with measures precision, recall, F1 and passes (F1 of one coder against the
        other, where there are two); and "tone" and "tone towards", with measures F1 (of macro_f1), "F1, baseline" (plain VADER;
        the sentence's tone), passes and, for tone, correlation and "correlation, baseline".
    """
    everything, rows = measure_as_coded(articles, codebook), []
    for half, part in articles.groupby("half"):
        found = of_articles(everything, part)
        sides = {coder: of_articles(tables, part) for coder, tables in coded.items()}
        gold = sides["adjudicated"]
        passes = [sides[coder] for coder in CODERS[:2] if coder in sides]
        for level, (table, _, codes) in LEVELS.items():
            if table in gold and level in levels:
                scores = [validity(*against_gold(found, gold, level, codebook), on=[*SPAN, *codes])]
                if len(passes) == 2 and all(table in tables for tables in passes):
                    both = validity(*against_gold(*passes, level, codebook), on=[*SPAN, *codes])
                    scores.append(both[both["measure"] == "F1"].assign(measure="passes"))
                rows.append(pd.concat(scores).assign(level=level, half=half, articles=len(part)))
        for level, needed in TONE_LEVELS.items():
            if needed <= set(gold) and level in levels:
                two = passes if len(passes) == 2 and all(needed <= set(tables) for tables in passes) else []
                scores = _tone_scores(found, gold, two, level)
                rows.append(pd.DataFrame(scores).assign(level=level, half=half, articles=len(part)))
    columns = ["level", "half", "articles", "measure", "n", "value", "low", "high", "note"]
    return pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)


def _tone_scores(found, gold, passes, level):
    """Rows of validity_by_level for tone: the measure, its baseline, the two passes."""
    codes = coded_tone(gold, level)
    article = codes.index.get_level_values("article_id")
    table, score, baseline = ("tone", "compound", "plain") if level == "tone" else ("evaluations", "tone", "compound")
    scores = found[table].set_index(codes.index.names).reindex(codes.index).fillna(0.0)
    rows = [macro_f1(name, tone_class(scores[column]), tone_class(codes), article)
            for name, column in (("F1", score), ("F1, baseline", baseline))]
    if level == "tone":
        rows += [correlation(name, scores[column], codes, article)
                 for name, column in (("correlation", score), ("correlation, baseline", baseline))]
    if passes:
        both = pd.concat([coded_tone(tables, level) for tables in passes], axis=1, keys=["a", "b"]).fillna(0)
        rows.append(macro_f1("passes", tone_class(both["a"]), tone_class(both["b"]), both.index.get_level_values("article_id")))
    return rows


def how_well(levels, codebook, half="sealed", folder=None):
    """A sentence for a chart, one a level: how well its measure does on the hand-coded articles.

    levels: one of validity_by_level, or several. half: the half of the articles to measure on, where there are halves; "sealed"
        for figures, "developing" for looking at errors. Returns Markdown.
    """
    from IPython.display import Markdown

    levels = [levels] if isinstance(levels, str) else levels
    try:
        articles, coded = load_gold(folder)
    except FileNotFoundError:
        return say("*How well this measure does is not known: no hand-coded articles are here.*")
    part = articles[articles["half"] == half] if half in set(articles["half"]) else articles
    table = validity_by_level(part, {"adjudicated": coded["adjudicated"]}, codebook, levels)
    on = f"{len(part)} hand-coded article{'s' * (len(part) != 1)}"
    told = [_how_well(level, table[table["level"] == level].set_index("measure"), on).data for level in levels]
    return Markdown("\n\n".join(told))


def _how_well(level, rows, on):
    """The sentence about one level."""
    if not len(rows):
        return say("*How well this measure does is not known: it was not coded by hand.*")
    if rows["value"].isna()["F1"]:
        return say("*How well this measure does is not known: {note}.*", note=rows.loc["F1", "note"])
    if "precision" not in rows.index:
        return say("*How well this is measured: on {n} the sign ({level}) has a mean F1 of {f1:.2f}; "
                   "notebook 08 shows where it errs.*", n=on, level=level, f1=rows.loc["F1", "value"])
    parts = [f"{value:.0%}" + (f" ({low:.0%} to {high:.0%})" if np.isfinite(low) else "") for value, low, high in
             rows.loc[["precision", "recall"], ["value", "low", "high"]].to_numpy()]
    return say("*How well this is measured: on {n}, {p} of what it finds ({level}) is right, and it finds {r} "
               "of what is there; notebook 08 shows where it errs.*", n=on, level=level, p=parts[0], r=parts[1])


def agreement(coder_a, coder_b, on=SPAN, values=None, level="nominal", resamples=1000):
    """How far two coders agree on units that both coded.

    coder_a, coder_b: frames with the columns `on` (they name the unit; article_id among them) and the codes. values: columns
        of codes (default: all others that both have). level: nominal, ordinal or interval, for Krippendorff's alpha.
    Returns a frame, three rows a column of codes: measure ("alpha, holder", "kappa, ...", "per cent, ..."), n (units), value,
        low, high (95 % interval, articles drawn again), note (why a value or an interval is missing).
    Sources: Krippendorff (2019), Content Analysis, 4th ed., ch. 12; Cohen (1960), Educational and Psychological Measurement 20, 37-46.
    """
    on = list(on)
    values = [c for c in coder_a if c in coder_b and c not in on] if values is None else values
    both = coder_a.drop_duplicates(on).merge(coder_b.drop_duplicates(on), on=on, suffixes=("_a", "_b"))
    rows = []
    for column in values:
        pair = both[[f"{column}_a", f"{column}_b"]].astype("object").where(lambda f: f.notna(), "").to_numpy()
        codes = sorted(set(pair.ravel().tolist()), key=lambda code: (str(type(code)), code))
        scale = np.array(codes, float) if level != "nominal" else np.arange(len(codes))
        per_article = _crossed(pair, codes, both["article_id"])
        for name, statistic in (("alpha", _alpha), ("kappa", _kappa), ("per cent", _per_cent)):
            row = _with_interval(f"{name}, {column}", len(pair), lambda sums, of=statistic: of(
                sums.reshape(*sums.shape[:-1], len(codes), len(codes)), scale, level), per_article, resamples)
            rare = len(pair) and np.isfinite(row["value"]) and pair.size - pd.Series(pair.ravel()).value_counts().iloc[0] < FEW
            rows.append(row | {"note": "all codes but one are rare"} if rare else row if len(pair) else
                        row | {"note": "no unit that both coded"})
    return pd.DataFrame(rows, columns=["measure", "n", "value", "low", "high", "note"])


def _crossed(pair, codes, article):
    """Per article, how often one coder's code met which of the other's: the table row by row, flat."""
    number = {code: i for i, code in enumerate(codes)}
    cell = [number[a] * len(codes) + number[b] for a, b in pair]
    counts = pd.crosstab(article.to_numpy(), np.array(cell, int)) if cell else pd.DataFrame()
    return counts.reindex(columns=range(len(codes) ** 2), fill_value=0).to_numpy()


def _alpha(tables, scale, level):
    """Krippendorff's alpha of tables (..., codes, codes): observed disagreement over that expected by chance."""
    met = tables + np.swapaxes(tables, -1, -2)
    used = met.sum(axis=-1)
    place = used.cumsum(axis=-1) - used / 2 if level == "ordinal" else scale
    apart = np.square(place[..., :, None] - place[..., None, :])
    apart = np.minimum(apart, 1) if level == "nominal" else apart
    by_chance = (used[..., :, None] * used[..., None, :] * apart).sum(axis=(-1, -2))
    with np.errstate(invalid="ignore", divide="ignore"):
        return 1 - (used.sum(axis=-1) - 1) * (met * apart).sum(axis=(-1, -2)) / by_chance


def _kappa(tables, scale, level):
    total = tables.sum(axis=(-1, -2))
    by_chance = (tables.sum(axis=-1) * tables.sum(axis=-2)).sum(axis=-1) / total ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return (_per_cent(tables, scale, level) - by_chance) / (1 - by_chance)


def _per_cent(tables, scale, level):
    return np.trace(tables, axis1=-2, axis2=-1) / tables.sum(axis=(-1, -2))


def marked(units, spans):
    """Which units (tokens, sentences: frame with article_id, start, end) a span touches: a Series of bool."""
    touched = pd.Series(False, units.index)
    for article, rows in units.groupby("article_id", observed=True):
        inside = np.zeros(rows["end"].max() + 1, int)
        for start, end in spans.loc[spans["article_id"] == article, ["start", "end"]].to_numpy(int):
            inside[start:end] = 1
        before = np.append(0, inside.cumsum())
        touched[rows.index] = before[rows["end"]] > before[rows["start"]]
    return touched


def coder_agreement(articles, coder_a, coder_b, codebook):
    """Agreement of two coders' tables of load_gold, as the manual defines the units: the columns of agreement().

    Mentions and quotations: is a word marked? Statements: is a stance there in a sentence? Codes on spans that both marked (of
    statements, sentence and stance; negation and the like where holder and issue are the same too). Tone is ordinal.
    """
    tokens = tokenize(articles, codebook)
    words, shared, rows = tokens.loc[is_word(tokens), [*SPAN]], set(coder_a) & set(coder_b), []
    coders = (coder_a, coder_b)
    for code, name, kinds in (("mentioned", "mentions", None), ("quoted", "quotes", ["speech", "fragment"]),
                              ("reported", "quotes", ["indirect"])):
        if name in shared:
            spans = [coder[name][coder[name]["kind"].isin(kinds)] if kinds else coder[name] for coder in coders]
            rows.append(agreement(*(words.assign(**{code: marked(words, s)}) for s in spans), values=[code]))
    if {"statements", "tone"} <= shared:
        on = [*SPAN, "stance"]
        cells = coder_a["tone"][[*SPAN]].merge(codebook.stances[["stance"]].drop_duplicates(), how="cross")
        taken = [cells.merge(coder["statements"][on].drop_duplicates(), on=on, how="left", indicator="stance taken")
                 for coder in coders]
        rows.append(agreement(*taken, on=on, values=["stance taken"]))
    stance = [*SPAN, "stance"]
    row = [*stance, "holder", "issue"]
    matched = [("mentions", SPAN, ["actor", "attributive"], "nominal"),
               ("quotes", SPAN, ["kind", "speaker", "speaker_type"], "nominal"),
               ("statements", stance, ["holder", "issue"], "nominal"), ("statements", row, ["position"], "ordinal"),
               ("statements", row, ["negated", "content_negated", "conditional", "modality"], "nominal"),
               ("evaluations", [*SPAN, "actor"], ["evaluation"], "ordinal"), ("tone", SPAN, ["tone"], "ordinal")]
    for name, on, values, level in matched:
        if name in shared:
            there = [value for value in values if value in coder_a[name] and value in coder_b[name]]
            rows.append(agreement(coder_a[name], coder_b[name], on=on, values=there, level=level))
    return pd.concat(rows, ignore_index=True) if rows else agreement(pd.DataFrame(columns=SPAN), pd.DataFrame(columns=SPAN))


SHEET_CELLS = {"mentions": ["words", "actor"], "quotes": ["words", "kind", "speaker"],
               "statements": ["stance", "holder", "issue", "position"], "tone": ["tone"]}
SHEET_CODES = {"kind": ["speech", "fragment", "indirect", "label"], "position": ["-1", "0", "1", ""], "tone": ["-2", "-1", "0", "1", "2"]}


def coding_sheet(articles, n, seed=0, codebook=None):
    """A sheet for coding by hand: n articles drawn at random, from each outlet in proportion, one row a sentence.

    Returns a frame to save as CSV once for each coder: article_id, start, end, outlet, sentence, and the cells to fill: mentions
        ("words = actor"), quotes ("words = kind = speaker"), statements ("stance = holder = issue = position"), tone (-2 to 2);
        several in one cell are parted by |, what the text leaves open stays empty.
    """
    rng, outlet = np.random.default_rng(seed), articles["outlet"].fillna("")
    rank = pd.Series(rng.permutation(len(articles)), articles.index).groupby(outlet).rank()
    first = outlet.map(dict(zip(outlet.unique(), rng.random(outlet.nunique()))))     # where an outlet's turn begins, 0 to 1
    drawn = ((rank - first) / outlet.map(outlet.value_counts())).sort_values(kind="stable").index[:n]
    chosen = articles.loc[drawn].sort_index().reset_index(drop=True)
    sheet = _sentence_bounds(tokenize(chosen, codebook)).rename(columns={"end_sentence": "end"})
    about = chosen.set_index("article_id")
    sheet["outlet"] = sheet["article_id"].map(about["outlet"])
    sheet["sentence"] = _surfaces(chosen, sheet)
    return sheet.assign(**dict.fromkeys(SHEET_CELLS, ""))


def write_gold(folder, articles, sheets):
    """Write filled coding sheets as a folder that load_gold reads; a column that nobody filled is taken as not coded.

    articles: that the sheets were drawn from. sheets: {"coder_a": frame, "coder_b": frame}, and "adjudicated" where differences
        are settled. Raises ValueError for a cell that cannot be read: coder, row, what was found, what is allowed.
    """
    texts = articles[articles["article_id"].isin(pd.concat(sheets.values())["article_id"])]
    Path(folder).mkdir(parents=True, exist_ok=True)
    texts[["article_id", "outlet", "published", "title", "lead", "body"]].to_csv(Path(folder) / "texts.csv", index=False)
    text = texts.set_index("article_id")["text"]
    coded = [cell for cell in SHEET_CELLS if any(sheet[cell].fillna("").ne("").any() for sheet in sheets.values())]
    for coder, sheet in sheets.items():
        (Path(folder) / coder).mkdir(exist_ok=True)
        for cell in coded:
            fields = SHEET_CELLS[cell]
            rows = [found for number, row in enumerate(sheet.fillna("").to_dict("records"), 2)
                    for found in _sheet_cell(row, cell, fields, text[row["article_id"]], f"{coder}, row {number}, {cell}")]
            columns = [*SPAN, *(field for field in fields if field != "words")]
            pd.DataFrame(rows, columns=columns).to_csv(Path(folder) / coder / f"{cell}.csv", index=False)


def _sheet_cell(row, cell, fields, text, where):
    """What one cell of a coding sheet says, as dicts; words are looked for from left to right, each after the one before."""
    at = start = int(row["start"])
    for item in filter(str.strip, str(row[cell]).split("|")):
        parts = [part.strip() for part in item.split("=")]
        said = dict(zip(fields, parts))
        lost = "words" in said and not start <= text.find(said["words"], at) < int(row["end"])
        codes = {field: SHEET_CODES[field] for field in fields if field in SHEET_CODES}
        if len(parts) != len(fields) or lost or any(said[field] not in codes[field] for field in codes):
            raise ValueError(f"{where}: found {item.strip()!r}; allowed: {' = '.join(fields)}, several parted by |"
                             + ", words as they stand in the sentence" * ("words" in fields)
                             + "".join(f", {field} one of {' '.join(allowed)}" for field, allowed in codes.items()))
        span = (start, int(row["end"]))
        if words := said.pop("words", None):
            at = text.find(words, at) + len(words)
            span = (at - len(words), at)
        yield {"article_id": row["article_id"], "start": span[0], "end": span[1]} | said


# ---------------------------------------------------------------------------------------------------------------
# 14. Showing: the sentences behind a number, pictures with their words, answers to exercises
# ---------------------------------------------------------------------------------------------------------------


def evidence(articles, spans, n=5, codebook=None, by=None):
    """The sentences behind a number, with what was counted marked.

    spans: any frame with article_id, start and end (mentions, quotes, statements, terms; several spans of one sentence are
        shown together). n: at most so many sentences, spread evenly over the spans, so that the first is not the only kind
        seen; None shows all. by: a column of spans; its values, in order of appearance, are folded lists of n sentences each,
        so that every bar of a chart has its own.
    Returns an HTML object for display in a notebook; everything that comes from an article is escaped.
    """
    from IPython.display import HTML

    columns = ["article_id", "start", "end"]
    spans = spans[columns + [by] * (by is not None)].dropna().drop_duplicates().astype({"start": "int64", "end": "int64"})
    if not len(spans):
        return HTML('<p class="evidence">No sentence was counted here.</p>')
    about = articles[articles["article_id"].isin(spans["article_id"])].set_index("article_id")
    sentences = _sentence_bounds(tokenize(about.reset_index(), codebook)).sort_values("start", kind="stable")
    if by is None:
        return HTML(f'<div class="evidence">{_sentence_list(about, sentences, spans, n)}</div>')
    folded = [f"<details><summary>{inert(value)}</summary>{_sentence_list(about, sentences, group, n)}</details>"
              for value, group in spans.groupby(by, sort=False)]
    return HTML('<div class="evidence">' + "\n".join(folded) + "</div>")


def _sentence_list(about, sentences, spans, n):
    """The sentences in which spans stand, as HTML: their number, then at most n of them in the order of the articles."""
    marked = pd.merge_asof(spans.sort_values("start", kind="stable").rename(columns={"start": "at"}), sentences,
                           left_on="at", right_on="start", by="article_id", suffixes=("", "_sentence"))
    order = {a: i for i, a in enumerate(about.index)}
    marked = marked.sort_values(["article_id", "start"], key=lambda c: c.map(order) if c.name == "article_id" else c)
    groups = list(marked.groupby(["article_id", "start"], sort=False))
    chosen = range(len(groups)) if n is None else sorted({round(i) for i in np.linspace(0, len(groups) - 1, min(n, len(groups)))})
    items = [_evidence_item(about.loc[groups[i][0][0]], groups[i][1]) for i in chosen]
    count = f"{len(items)} of {len(groups)} sentence{'s' * (len(groups) != 1)}"
    return f"<p><small>{count}</small></p>\n" + "\n".join(items) + "\n"


def _sentence_bounds(tokens):
    """article_id, start, end of every sentence."""
    first, last = _sentence_edges(tokens)
    return _at(tokens, first, last)[["article_id", "start", "end"]].astype({"start": "int64"}).rename(columns={"end": "end_sentence"})


def _evidence_item(article, spans):
    """One sentence as HTML: marked words, then outlet, day and title."""
    text, at = article["text"], spans["start"].iloc[0]
    end, out = max(spans["end_sentence"].iloc[0], spans["end"].max()), []
    for start, stop in sorted(zip(spans["at"], spans["end"])):
        if start >= at:
            out += [inert(text[at:start]), "<mark>", inert(text[start:stop]), "</mark>"]
            at = stop
    words = "".join(out) + inert(text[at:end])
    day = "" if pd.isna(article["published"]) else f"{article['published'].day} {article['published']:%b %Y}"
    source = ", ".join(inert(s) for s in (article["outlet"], day, article["title"]) if isinstance(s, str) and s)
    return f"<blockquote><p>{words}</p><footer><small>{source or inert(article.name)}</small></footer></blockquote>"


_INERT = {ord(mark): f"&#{ord(mark)};" for mark in "&<>\"'$\\`*_[]~#|"}


def inert(text):
    """Text from an article, inert wherever it is shown: in HTML, Markdown and mathematics. Line breaks become spaces."""
    return str(text).translate(_INERT).replace("\n", " ")


def show(fig, alt, articles=None, width=700):
    """Show a figure as a sharp, small picture that carries its words, and close it.

    alt: what the chart shows, for those who do not see it. articles: where given and some are composed for teaching, the
    picture's foot says so. width: in CSS pixels. With a folder in $FIGURES the figure is also kept there, as PNG and SVG.
    """
    import matplotlib.pyplot as plt
    from IPython.display import display

    for text in fig.findobj(lambda artist: hasattr(artist, "set_parse_math")):
        text.set_parse_math(False)                              # two dollar signs in a name are no formula
    if articles is not None and (count := int(articles["composed"].sum())):
        fig.supxlabel(f"{count} of {len(articles)} articles are composed for teaching; their outlets do not exist.",
                      x=0.01, ha="left", fontsize=7, color="#595959")
    png = _png(fig)
    fig.set_layout_engine("none")                               # laid out once, for all formats
    if folder := os.environ.get("FIGURES"):
        _save_figure(fig, png, Path(folder))
    display({"image/png": png}, raw=True, metadata={"image/png": {"alt": alt, "width": width}})
    plt.close(fig)


def _save_figure(fig, png, folder):
    """The figure as PNG (its bytes are given) and SVG, named after its title; a report keeps them for other uses."""
    import matplotlib.pyplot as plt

    title = next((axes.get_title(loc) for axes in fig.axes for loc in ("left", "center") if axes.get_title(loc)), "chart")
    stem, number = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:60] or "chart", 1
    folder.mkdir(parents=True, exist_ok=True)
    while (path := folder / (f"{stem}-{number}" if number > 1 else stem)).with_suffix(".svg").exists():
        number += 1
    with plt.rc_context({"svg.hashsalt": "across-the-table", "svg.fonttype": "none"}):
        fig.savefig(path.with_suffix(".svg"), metadata={"Date": None, "Creator": None})
    path.with_suffix(".png").write_bytes(png)


def _png(fig):
    """PNG bytes at 200 dots an inch in 128 colours, the same bytes for the same figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    canvas, small = FigureCanvasAgg(fig), io.BytesIO()
    fig.set_dpi(200)
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    picture.quantize(128, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(small, "png", optimize=True)
    return small.getvalue()


def save_table(frame, path):
    """Write a table as CSV for a spreadsheet: UTF-8 with a mark, and no cell can be taken for a formula.

    frame: any DataFrame. path: file to write; its folder must exist. A text that begins with = + - or @ gets an apostrophe.
    """
    table = frame.copy()
    for column in table.columns[[dtype.kind not in "biufM" for dtype in table.dtypes]]:
        values = table[column].astype("object")
        risky = [isinstance(value, str) and value.lstrip().startswith(("=", "+", "-", "@")) for value in values]
        table[column] = values.where(~np.array(risky, bool), "'" + values.map(str))
    table.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\n")


def say(sentence, **values):
    """A computed sentence for a notebook: Markdown, with the values filled in.

    sentence: a format string; values: numbers as they are, words (names of actors, outlets) made inert first.
    """
    from IPython.display import Markdown

    return Markdown(sentence.format(**{k: inert(v) if isinstance(v, str) else v for k, v in values.items()}))


def check(answer, cases):
    """Try an exercise's answer; say which cases fail without giving the method away, and never raise.

    answer: a function, called with each key of cases (a tuple is several arguments); or a value, compared with cases.
    cases: {arguments: expected}, or the expected value.
    """
    if not callable(answer):
        print("Right." if _equal(answer, cases) else "Not yet." if answer is not ... else "Nothing filled in yet.")
        return
    wrong = []
    for given, expected in cases.items():
        try:
            got = answer(*given) if isinstance(given, tuple) else answer(given)
        except Exception as error:                              # an exercise in progress may fail in any way
            got = error
        if got is ...:
            print("Nothing filled in yet.")
            return
        if isinstance(got, Exception) or not _equal(got, expected):
            wrong.append(f"  {given!r}: expected {expected!r}, got {got!r}")
    print("Right, in all cases." if not wrong else f"{len(wrong)} of {len(cases)} cases differ:\n" + "\n".join(wrong))


def _equal(got, expected):
    """Equal, with room for rounding in numbers."""
    try:
        if isinstance(expected, (pd.DataFrame, pd.Series)):
            return bool(got.equals(expected))
        if isinstance(expected, float) and not isinstance(got, str):
            return got is not None and bool(np.isclose(got, expected, rtol=1e-3, atol=1e-6, equal_nan=True))
        return bool(got == expected)
    except Exception:
        return False

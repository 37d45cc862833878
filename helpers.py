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
from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from functools import cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import nltk
import numpy as np
import pandas as pd
from nltk.tokenize import RegexpTokenizer

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
    "stances": {"stance": "required", "direction": "-1|0|1|+1", "pattern": "pattern", "note": "optional"},
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
            tables[name] = pd.DataFrame({column: pd.Series(dtype="str") for column in CODEBOOK_COLUMNS[name]})
        else:
            raise FileNotFoundError(f"the codebook in {folder} has no {name}.csv; it needs the columns "
                                    + ", ".join(CODEBOOK_COLUMNS[name]))
    _check_sides(folder / "actors.csv", tables["actors"], tables["sides"])
    _check_unique(folder, tables)
    return Codebook(**{name: table.drop(columns="line") if "line" in table else table for name, table in tables.items()})


@cache
def _default_codebook():
    """The project's own codebook, read once: tokenize needs its abbreviations even where no codebook is given."""
    return load_codebook(DATA / "codebook")


def _read_codebook_table(path):
    """One codebook file as a DataFrame of checked cells, with the line each row stands on."""
    lines = ["" if line.startswith("#") else line for line in path.read_text("utf-8-sig").splitlines()]
    header = next((line for line in lines if line.strip()), "")
    reader = csv.reader(lines, delimiter=";" if header.count(";") > header.count(",") else ",", skipinitialspace=True)
    rows = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(cell.strip() for cell in row)]
    columns, rules = (rows[0][1] if rows else []), CODEBOOK_COLUMNS[path.stem]
    needed = [c for c, rule in rules.items() if rule not in ("optional", "date") and "" not in rule.split("|")]
    if missing := [c for c in needed if c not in columns]:
        raise ValueError(f"{path.name}, line {rows[0][0] if rows else 1}: no column {', '.join(missing)}; "
                         f"the columns are {', '.join(rules)}")
    records = []
    for line, cells in rows[1:]:
        if len(cells) > len(columns):
            raise ValueError(f"{path.name}, line {line}: {len(cells)} cells under {len(columns)} columns; "
                             f"put quotation marks around a cell that contains the separator")
        record = dict.fromkeys([*rules, *columns], "") | dict(zip(columns, cells))
        records.append({c: _checked(path.name, line, c, v, rules.get(c, "optional")) for c, v in record.items()}
                       | {"line": line})
    return _typed_table(records, rules)


def codebook_table(name, rows):
    """One codebook table from a few rows (dicts): for trying a measure in miniature. Cells left out are empty."""
    rules = CODEBOOK_COLUMNS[name]
    records = [{c: _checked(name, i, c, str(row.get(c, "")), "optional" if c not in row else rule) if rule != "date"
                else pd.to_datetime(row.get(c)) for c, rule in rules.items()} for i, row in enumerate(rows, 1)]
    return _typed_table(records, rules)


def _typed_table(records, rules):
    """Records as a frame: dates as dates, numbers as numbers, all else text, also where there is no row."""
    frame = pd.DataFrame(records, columns=[*dict.fromkeys([*rules, *(records[0] if records else ())])])
    text = {c: "str" for c in frame if rules.get(c, "optional") not in ("date", "number", "-1|0|1|+1") and c != "line"}
    return frame.astype(text | {c: "datetime64[us]" for c, rule in rules.items() if rule == "date"})


def _checked(file, line, column, value, rule):
    """One cell, converted by its rule, or a ValueError that says where and what is allowed."""
    where = f"{file}, line {line}, column {column}: found {value!r}"
    if rule == "date":
        date = pd.to_datetime(value or None, format="%Y-%m-%d", errors="coerce")
        if value and pd.isna(date):
            raise ValueError(f"{where}; allowed: a date such as 2025-05-16, or nothing")
        return date
    if rule == "number" or column == "direction":
        try:
            number = float(value)
        except ValueError:
            number = np.nan
        if not np.isfinite(number) or (column == "direction" and number not in (-1, 0, 1)):
            raise ValueError(f"{where}; allowed: {'-1, 0 or 1' if column == 'direction' else 'a number'}")
        return int(number) if number == int(number) and column != "valence" else number
    if rule == "required" and not value:
        raise ValueError(f"{where}; allowed: a word or words, not nothing")
    if rule == "pattern" and not _pattern_words(value):
        raise ValueError(f"{where}; allowed: one or more words, * for any letters, ? for one")
    if "|" in rule and value not in rule.split("|"):
        raise ValueError(f"{where}; allowed: {', '.join(w or 'nothing' for w in rule.split('|'))}")
    return value


def _check_sides(path, actors, sides):
    unknown = actors[~actors["side"].isin(sides["side"]) & (actors["actor"] != "-")]
    for row in unknown.itertuples():
        raise ValueError(f"{path.name}, line {row.line}, column side: found {row.side!r}; "
                         f"allowed, from sides.csv: {', '.join(sides['side'])}")


def _check_unique(folder, tables):
    """The same pattern may not stand for two things in one file (dated offices may: their dates differ)."""
    for name, by in {"actors": "actor", "stances": "stance", "issues": "issue"}.items():
        table = tables[name]
        first = {}
        for row in table.itertuples():
            case = getattr(row, "case", "")
            key = (_pattern_words(row.pattern if case else row.pattern.lower()), case, str(getattr(row, "since", "")))
            if key in first:
                raise ValueError(f"{name}.csv, line {row.line}, column pattern: found {row.pattern!r}, which line "
                                 f"{first[key].line} has already ({getattr(first[key], by)}); allowed: each pattern once")
            first[key] = row


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

    The first block is the title. The second is the lead if furniture follows it, if the body repeats it, or if the
    head calls it so; a block with a dateline opens the body. A page of one block is all body.
    """
    if title:
        blocks = [title] + [block for block in blocks if not _same(block, title)]
    if len(blocks) < 2:
        return "", "", blocks
    second, rest = blocks[1], blocks[2:]
    copies = [block for block in rest if _same(block, second)]
    reading = [block for block in rest if furniture.line(block) is None and block not in copies]
    told = copies or _same(second, lead) or (rest and furniture.line(rest[0]) is not None)
    is_lead = told and reading and furniture.line(second) is None and furniture.start(second) is None
    return (blocks[0], second, rest) if is_lead else (blocks[0], "", blocks[1:])


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
# ranges ("1.000", "1000-for-1000", "2-3", "17th"); words, with inner apostrophes ("O'Brien"); marks.
_LETTER = r"[^\W\d_]"
_GROUPS = r"\d+(?:[.,]\d+|[\u00a0\u2009\u202f]\d{3}(?!\d))*"
TOKEN_PATTERN = (
    rf"(?i:{_LETTER}+(?=n['’]t(?!\w))|n['’]t(?!\w)|['’](?:s|m|d|ll|re|ve)(?!\w))"
    rf"|(?:{_LETTER}{{1,2}}\.){{2,}}|(?:{_LETTER}\.){{1,9}}{_LETTER}(?!\w)"
    rf"|{_GROUPS}(?:[-–](?:{_LETTER}{{1,9}}[-–])?{_GROUPS})*{_LETTER}*"
    rf"|(?:[^\W_]|[\u0300-\u036f])+(?:['’](?!(?i:s|m|d|ll|re|ve)(?!\w))[^\W_]+)*"
    r"|\.{2,}|''|``|--+|\S"
)
_TOKENIZER = RegexpTokenizer(TOKEN_PATTERN)
_CLITIC = re.compile(r"(?i)(?:n't|'(?:s|m|d|ll|re|ve))$")
_CLOSERS, _OPENERS = "\"'”’»)]›", "\"'“‘«([‹„`–—-"
_SPACES = np.array([chr(i).isspace() for i in range(0x3002)])
_DIGIT_GLUE = [0x00A0, 0x2009, 0x202F]
_GLUED_SENTENCES = re.compile(r"(?<=[a-z]{2})[.!?…][\"'”’)\]]{0,2}(?=[\"'“‘(\[]?[A-Z][a-z])")
_BLOCK = 4_000_000                                             # characters worked on at a time


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
    codebook = codebook or _default_codebook()
    chunks = _cut_glued(_cut_chunks(articles["text"].fillna("").tolist()))
    breaks = _sentence_breaks(chunks, codebook)
    row, vocabulary, code, start, end = _cut_tokens(chunks)
    article, paragraph = chunks.article[row], _numbered(chunks.paragraph, chunks.article)[row]
    lead_start, body_start = _part_starts(articles)
    part = (start >= lead_start[article]).astype(np.int8) + (start >= body_start[article])
    tokens = pd.DataFrame({
        "article_id": pd.Categorical.from_codes(article, pd.Index(articles["article_id"], dtype="str")),
        "part": pd.Categorical.from_codes(part, pd.Index(["title", "lead", "body"], dtype="str")),
        "paragraph": paragraph, "sentence": _numbered(breaks, chunks.article)[row], "start": start, "end": end,
        "token": pd.Categorical.from_codes(code, pd.Index(vocabulary, dtype="str")),
    }, copy=False)
    lower, lowered = pd.factorize(np.array([t.lower().replace("’", "'") for t in vocabulary], dtype=object))
    tokens["lower"] = pd.Categorical.from_codes(lower[code].astype(np.int32), pd.Index(lowered, dtype="str"))
    tokens["quoted"] = _inside_quotes(tokens)
    return tokens


def _cut_chunks(texts, join_digits=True):
    """Cut texts at white space; each distinct chunk is stored once and known by its code."""
    known = defaultdict()
    known.default_factory = known.__len__                      # a new chunk gets the next number
    parts = []
    for first, block in _text_blocks(texts):
        joined = "\n".join(block)
        characters = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), np.uint32)
        space = _SPACES[np.minimum(characters, len(_SPACES) - 1)]
        glue = _digit_glue(characters) if join_digits else []
        space[glue] = False
        edges = np.flatnonzero(np.diff(space, prepend=True, append=True))
        start, end = edges[::2], edges[1::2]
        words = [joined[s:e] for s, e in zip(start, end)] if len(glue) else joined.split()
        code = np.fromiter(map(known.__getitem__, words), np.int32, len(words))
        paragraph = np.zeros(len(start) + 1, bool)
        paragraph[np.searchsorted(start, np.flatnonzero((characters == 10) | (characters == 13)))] = True
        offset = np.cumsum([0] + [len(text) + 1 for text in block[:-1]])
        article = np.searchsorted(offset, start, "right") - 1
        parts.append((code, (article + first).astype(np.int32), (start - offset[article]).astype(np.int32), paragraph[:-1]))
    empty = [np.zeros(0, np.int32)] * 3 + [np.zeros(0, bool)]
    return Chunks(*(np.concatenate(p) for p in zip(*(parts or [empty]))), list(known))


def _text_blocks(texts):
    """(position of the first text, texts) in runs of about _BLOCK characters."""
    first, size = 0, 0
    for i, text in enumerate(texts):
        size += len(text) + 1
        if size > _BLOCK or i == len(texts) - 1:
            yield first, texts[first:i + 1]
            first, size = i + 1, 0


def _digit_glue(characters):
    """Positions of no-break and thin spaces that join the digits of one number ("1 000")."""
    at = np.flatnonzero(np.isin(characters, _DIGIT_GLUE))
    at = at[(at > 0) & (at < len(characters) - 1)]
    digit = (characters >= 48) & (characters <= 57) if len(at) else characters
    return at[digit[at - 1] & digit[at + 1]] if len(at) else at


def _spread(codes, counts):
    """For chunks whose type has counts[type] pieces: (position of the chunk, number of the piece in a flat list of all
    types' pieces), one entry a piece."""
    repeats = counts[codes]
    row = np.repeat(np.arange(len(codes), dtype=np.int32), repeats)
    first_piece = (np.cumsum(counts) - counts)[codes] - (np.cumsum(repeats) - repeats)
    return row, np.repeat(first_piece, repeats) + np.arange(len(row))


def _cut_glued(chunks):
    """Where the space between two sentences is missing ("agreed.The"), one chunk becomes two."""
    cuts = {code: [m.end() for m in _GLUED_SENTENCES.finditer(word)] for code, word in enumerate(chunks.types)
            if not word.isalpha() and "/" not in word and "@" not in word}
    if not any(cuts.values()):
        return chunks
    types = defaultdict(None, zip(chunks.types, range(len(chunks.types))))
    types.default_factory = types.__len__
    pieces = [list(zip([0, *cuts.get(code, [])], [*cuts.get(code, []), len(word)])) for code, word in enumerate(chunks.types)]
    piece_code = np.array([types[word[s:e]] for word, spans in zip(chunks.types, pieces) for s, e in spans], np.int32)
    piece_start = np.array([s for spans in pieces for s, _ in spans], np.int32)
    row, piece = _spread(chunks.code, np.array([len(spans) for spans in pieces]))
    paragraph = chunks.paragraph[row] & (piece_start[piece] == 0)
    return Chunks(piece_code[piece], chunks.article[row], chunks.start[row] + piece_start[piece], paragraph, list(types))


def _sentence_breaks(chunks, codebook):
    """bool per chunk: does a sentence begin here? A stop ends one if the next chunk can begin one."""
    kinds = dict(zip(codebook.abbreviations["abbreviation"], codebook.abbreviations["kind"]))
    starters = {word.capitalize() for word in codebook.stopwords["word"]}
    features = np.array([_sentence_role(chunk, kinds, starters) for chunk in chunks.types] or np.zeros((0, 5)), bool)
    ends, capital, digit, starter, soft = features[chunks.code].T if len(chunks.code) else features.T
    before_number = np.array([_abbreviation(chunk, kinds) == "number" for chunk in chunks.types], bool)[chunks.code]
    breaks = chunks.paragraph.copy()
    breaks[1:] |= ends[:-1] & ((~soft[:-1] & capital[1:]) | (soft[:-1] & starter[1:]) | (digit[1:] & ~before_number[:-1] & ~soft[:-1]))
    return breaks


def _abbreviation(chunk, kinds):
    """The kind of abbreviation that a chunk is, "" for none; single and dotted initials count too."""
    word = chunk.lstrip(_OPENERS).rstrip(",;:" + _CLOSERS)
    if word in kinds or word.lower() in kinds:
        return kinds.get(word) or kinds[word.lower()]
    if len(word) == 2 and word[0].isupper() and word[1] == ".":
        return "title"
    dotted = len(word) > 3 and len(word) % 2 == 0 and set(word[1::2]) == {"."} and word[::2].isalpha()
    return "other" if dotted else ""


def _sentence_role(chunk, kinds, starters):
    """(may end a sentence, begins with a capital, begins with a digit, begins with a capitalised stopword, ends one
    only before such a stopword)."""
    bare, opened = chunk.rstrip(_CLOSERS), chunk.lstrip(_OPENERS)
    kind = _abbreviation(chunk, kinds) if bare.endswith(".") else ""
    word = opened.rstrip(".,;:!?…" + _CLOSERS)
    return (bare.endswith((".", "!", "?", "…")) and kind != "title", opened[:1].isupper() or (not opened and bool(chunk)),
            opened[:1].isdigit(), word in starters, kind == "other")


def _numbered(breaks, article):
    """Number the stretches that begin at breaks, from 0 in each article."""
    new_article = np.diff(article, prepend=-1) != 0
    count = np.cumsum(breaks | new_article, dtype=np.int32)
    first = np.flatnonzero(new_article)
    return count - np.repeat(count[first], np.diff(np.append(first, len(article))))


def _part_starts(articles):
    """Offsets at which lead and body begin in each text."""
    length = {part: articles[part].str.len().fillna(0).to_numpy(int) for part in ("title", "lead")}
    lead_start = length["title"] + 2 * (length["title"] > 0)
    return lead_start, lead_start + length["lead"] + 2 * (length["lead"] > 0)


def _cut_tokens(chunks):
    """Tokens of all chunks: position of the chunk, vocabulary, code, start and end, one entry a token."""
    known = defaultdict()
    known.default_factory = known.__len__
    code, offset, length, counts = [], [], [], []
    for chunk in chunks.types:
        spans = [(0, len(chunk))] if chunk.isalpha() else list(_TOKENIZER.span_tokenize(chunk))
        counts.append(len(spans))
        for start, end in spans:
            code.append(known[chunk[start:end]])
            offset.append(start)
            length.append(end - start)
    row, piece = _spread(chunks.code, np.array(counts, np.int32))
    start = chunks.start[row] + np.array(offset, np.int32)[piece]
    return row, list(known), np.array(code, np.int32)[piece], start, start + np.array(length, np.int32)[piece]


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


class Quotation(NamedTuple):
    """A stretch between quotation marks, by token positions: first..last are the words inside."""

    first: int
    last: int
    closed: bool            # False: its mark was lost, or it goes on in the next paragraph


def read_quotation_marks(tokens):
    """Pair the quotation marks of each paragraph.

    tokens: tokens frame with the default index order. Returns a list of Quotation in text order; quotes inside quotes
        are part of the outer one. A mark that is lost or mistyped damages its own paragraph only.
    """
    token = _categories(tokens["token"])
    is_mark = np.array([t in _MARKS for t in token.categories], bool)[token.codes]
    at = np.flatnonzero(is_mark)
    article = _categories(tokens["article_id"]).codes.astype(np.int64)
    paragraph = article * (2**31) + tokens["paragraph"].to_numpy()
    start, end = tokens["start"].to_numpy(), tokens["end"].to_numpy()
    edge = np.append(np.flatnonzero(np.diff(paragraph, prepend=-1)), len(tokens))       # first token of each paragraph
    following = edge[np.searchsorted(edge, at, "right")]                                # first token after this paragraph
    glued_left = (at > 0) & (end[at - 1] == start[at]) & (paragraph[at - 1] == paragraph[at])
    after = np.minimum(at + 1, len(tokens) - 1)
    glued_right = (after > at) & (end[at] == start[after]) & (paragraph[after] == paragraph[at])
    left, right = token[np.maximum(at - 1, 0)], token[after]
    marks = list(zip(at.tolist(), token[at], glued_left.tolist(), glued_right.tolist(), left, right))
    found = []
    for stop, group in groupby(zip(marks, following.tolist()), key=itemgetter(1)):
        found += _pair_marks([mark for mark, _ in group], stop)
    return found


def _pair_marks(marks, stop):
    """Quotations of one paragraph; stop: the token position after its last."""
    found, opened, single_end = [], None, -1
    for i, (at, mark, glued_left, glued_right, left, right) in enumerate(marks):
        if at <= single_end:
            continue
        opens = (not glued_left or left in "([—–-/" or left in _MARKS) and (glued_right or mark in _DOUBLE_OPEN)
        if mark in _SINGLE_OPEN or mark in _SINGLE:
            if opened is None and opens and mark != "’" and (single_end := _single_close(marks, i)) > at:
                found.append(Quotation(at + 1, single_end - 1, True))
            continue
        if opened is None:
            if opens or (mark not in _DOUBLE_CLOSE and not glued_left):
                opened = at
        elif mark in _DOUBLE_OPEN and not glued_left and glued_right:
            continue                                            # a quote inside the quote
        else:
            found.append(Quotation(opened + 1, at - 1, True))
            opened = None
    if opened is not None and opened + 1 < stop:
        found.append(Quotation(opened + 1, stop - 1, False))
    return [q for q in found if q.last >= q.first]


def _single_close(marks, i):
    """Token position of the mark that closes the single quote opened by marks[i], or -1. An apostrophe after a
    plural ("the prisoners' families") is passed over if a better mark follows."""
    best = -1
    for at, mark, glued_left, glued_right, left, right in marks[i + 1:]:
        if mark in _SINGLE_OPEN and not glued_left:
            break
        if mark in _SINGLE and glued_left and not (glued_right and right[:1].isalnum()):
            if left[-1:] in ".,!?…" or not left.lower().endswith("s"):
                return at
            best = at if best < 0 else best
    return best


def _inside_quotes(tokens):
    depth = np.zeros(len(tokens) + 1, np.int32)
    for quotation in read_quotation_marks(tokens):
        depth[quotation.first] += 1
        depth[quotation.last + 1] -= 1
    return np.cumsum(depth[:-1]) > 0
# ---------------------------------------------------------------------------------------------------------------
# 5. Terms and mentions: globs on words, longest match first, leftmost wins
# ---------------------------------------------------------------------------------------------------------------

_STAR, _ONE = "\ua66e", "\u046b"        # two rare letters that stand for * and ? while a pattern is cut into tokens


def _pattern_words(pattern):
    """A pattern cut into tokens as text is: "cease-fire*" -> ("cease", "-", "fire*")."""
    text = pattern.replace("’", "'").replace("*", _STAR).replace("?", _ONE)
    words = [chunk[s:e] for chunk in text.split() for s, e in _TOKENIZER.span_tokenize(chunk)]
    return tuple(word.replace(_STAR, "*").replace(_ONE, "?") for word in words)


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
    candidates = [_find_all(tokens, "token" if case else "lower", {
        i: w if case else tuple(x.lower() for x in w) for i, w in enumerate(words) if exact[i] == case}) for case in (False, True)]
    pattern, first, last = (np.concatenate(part) for part in zip(*candidates))
    group = np.zeros(len(pattern), int) if groups is None else np.asarray(groups, int)[pattern]
    order = np.lexsort((pattern, -last, first, group))
    kept, reach, current = [], -1, -1
    for i, g, s, e in zip(order.tolist(), group[order].tolist(), first[order].tolist(), last[order].tolist()):
        if s > reach or g != current:
            kept.append(i)
            reach, current = e, g
    kept = np.array(kept, int)
    kept = kept[np.argsort(first[kept], kind="stable")]
    return Matches(pattern[kept], first[kept], last[kept])


def _find_all(tokens, column, patterns):
    """All matches of {row: words} in one column, overlapping ones too. Each pattern is looked for at its rarest word."""
    empty = np.zeros(0, int)
    if not patterns or not len(tokens):
        return empty, empty, empty
    words = _categories(tokens[column])
    codes, vocabulary = words.codes, _Vocabulary(words.categories)
    frequency = np.bincount(codes, minlength=len(words.categories))
    ids = {word: vocabulary.ids(word) for pattern in patterns.values() for word in pattern}
    anchors = {row: min(range(len(p)), key=lambda k: frequency[ids[p[k]]].sum()) for row, p in patterns.items()}
    wanted = np.zeros(len(words.categories), bool)
    for row, pattern in patterns.items():
        wanted[ids[pattern[anchors[row]]]] = True
    at = np.flatnonzero(wanted[codes])
    at = at[np.argsort(codes[at], kind="stable")]              # positions grouped by word
    groups = np.searchsorted(codes[at], np.arange(len(words.categories) + 1))
    sentence = _categories(tokens["article_id"]).codes.astype(np.int64) * 2**31 + tokens["sentence"].to_numpy()
    found = []
    for row, pattern in patterns.items():
        starts = np.concatenate([at[groups[i]:groups[i + 1]] for i in ids[pattern[anchors[row]]]] or [empty]) - anchors[row]
        starts = starts[(starts >= 0) & (starts + len(pattern) <= len(codes))]
        for k, word in enumerate(pattern):
            if k != anchors[row]:
                starts = starts[np.isin(codes[starts + k], ids[word])]
        starts = starts[sentence[starts] == sentence[starts + len(pattern) - 1]]
        found.append((np.full(len(starts), row), starts, starts + len(pattern) - 1))
    return tuple(np.concatenate(part) for part in zip(*found))


class _Vocabulary:
    """Distinct words, sorted, so that a glob is tried only on the words that begin as it does."""

    def __init__(self, words):
        self.code = {word: i for i, word in enumerate(words)}
        self.sorted = sorted(self.code)

    def ids(self, glob):
        """Codes of the words that a glob matches."""
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
    words = np.array(lower.categories, dtype=object)
    return [" ".join(words[lower.codes[s:e + 1]]) for s, e in zip(matches.first.tolist(), matches.last.tolist())]


def find_mentions(articles, tokens, codebook):
    """Find who is named, by the patterns of actors.csv.

    Returns the mentions frame, one row a mention: article_id, part, sentence, start, end, surface, actor, side, kind,
    form, attributive ("Ukrainian delegation", "Kremlin spokesman"), quoted. A dated office is whoever held it on the
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
    """Leave out matches that follow a word after which the name is a place ("talks in Moscow")."""
    places = [frozenset(words.lower().split("|")) - {""} for words in unless_after]
    before = np.array(lower.categories, dtype=object)[lower.codes[matches.first - 1]] if len(matches.first) else []
    keep = np.array([word not in places[p] or not first for p, first, word in zip(matches.pattern, matches.first, before)], bool)
    return Matches(*(part[keep] for part in matches))


def _holders(codebook, groups, pattern, published):
    """Row of actors.csv for each match, -1 for none: the one row of its pattern, or the one whose office it was then."""
    actors = codebook.actors
    rows = {group: np.flatnonzero(groups == group) for group in np.unique(pattern)}
    states = {group: _state_of(codebook, actors["pattern"].iloc[r[0]]) for group, r in rows.items() if len(r) > 1}
    since, until = actors["since"].to_numpy(), actors["until"].to_numpy()
    found = np.full(len(pattern), -1)
    for i, (group, day) in enumerate(zip(pattern.tolist(), published)):
        choice = rows[group]
        if len(choice) > 1 or not np.isnat(since[choice[0]]) or not np.isnat(until[choice[0]]):
            on = ~(day < since[choice]) & ~(day >= until[choice]) if not np.isnat(day) else np.ones(len(choice), bool)
            held = choice[on]
            found[i] = held[0] if len(held) == 1 else states.get(group, -1) if len(choice) > 1 else -1
        else:
            found[i] = choice[0]
    return found


def _state_of(codebook, pattern):
    """Row of the state that the words of an office name ("French president" -> France), -1 for none."""
    actors, words = codebook.actors, _pattern_words(pattern.lower())
    states = actors.index[actors["kind"].eq("state") & ~actors["form"].eq("role")]
    for row in states:
        name = _pattern_words(actors["pattern"].iloc[row].lower())
        if any(words[i:i + len(name)] == name for i in range(len(words))):
            return row
    return -1


def _attributive(tokens, codebook, matches, demonym):
    """Does the name stand before a noun that it describes? A demonym does before any lower-case word that is no
    stopword; another name only before a noun of voices.csv ("Kremlin spokesman") or a hyphen ("US-led")."""
    after = np.minimum(matches.last + 1, len(tokens) - 1)
    token, lower = _categories(tokens["token"]), _categories(tokens["lower"])
    stopwords = set(codebook.stopwords["word"])
    plain = np.array([t.islower() and t.isalpha() and t not in stopwords for t in token.categories], bool)
    voice_starts = _match(tokens, codebook.voices["pattern"].tolist()).first
    same = (tokens["sentence"].to_numpy()[after] == tokens["sentence"].to_numpy()[matches.last]) & (after > matches.last)
    small = np.array([t.islower() for t in token.categories], bool)[token.codes[np.minimum(after + 1, len(tokens) - 1)]]
    hyphen = np.array([t == "-" for t in token.categories], bool)[token.codes[after]] & small \
        & (tokens["start"].to_numpy()[after] == tokens["end"].to_numpy()[matches.last])
    singular = np.array([not t.endswith("s") for t in lower.categories], bool)[lower.codes[matches.last]]
    return same & ((demonym & singular & plain[token.codes[after]]) | np.isin(after, voice_starts) | hyphen)


# ---------------------------------------------------------------------------------------------------------------
# 8. Tone: VADER's sentence scores, the lexicon's words changed by tone.csv
# ---------------------------------------------------------------------------------------------------------------

_STRAIGHT = str.maketrans("“”„‘’‚", "\"\"\"'''")                # VADER knows straight quotes only


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
    found["sentence_text"] = _surfaces(articles, found)
    edges = np.append(first, len(tokens))
    words = is_word(tokens).to_numpy()
    count = np.diff(np.append(0, np.cumsum(words))[edges])
    quoted = np.diff(np.append(0, np.cumsum(words & tokens["quoted"].to_numpy()))[edges])
    found["words"] = count
    scores = _vader_scores(found["sentence_text"].tolist(), _vader(None if codebook is None else codebook.tone))
    for column in ("compound", "pos", "neu", "neg"):
        found[column] = scores[column]
    found["quoted_share"] = quoted / np.maximum(count, 1)
    return found


def _sentence_edges(tokens):
    """Positions of the first and the last token of every sentence."""
    article, sentence = _categories(tokens["article_id"]).codes, tokens["sentence"].to_numpy()
    new = (np.diff(article, prepend=-1) != 0) | (np.diff(sentence, prepend=-1) != 0)
    first = np.flatnonzero(new)
    return first, np.append(first[1:], len(tokens))[:len(first)] - 1


def _vader(tone=None):
    """nltk's analyser with the lexicon of the vaderSentiment package, changed by tone."""
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
        words = [_vader_word(chunk.translate(_STRAIGHT), rules) for chunk in chunks]
        lower = [word.lower() for word in words]

        def array(values, dtype=bool):
            return np.fromiter(values, dtype, len(words))

        self.kept = array(len(chunk) > 1 for chunk in chunks)
        self.exclamations = array((chunk.count("!") for chunk in chunks), np.int32)
        self.questions = array((chunk.count("?") for chunk in chunks), np.int32)
        self.valence = array((lexicon.get(word, np.nan) for word in lower), float)
        self.scored = ~np.isnan(self.valence)
        self.boost = array((rules.BOOSTER_DICT.get(word, 0.0) for word in lower), float)
        self.upper = array(word.isupper() for word in words)
        self.negates = array(word in rules.NEGATE or "n't" in word for word in lower)
        self.number = pd.factorize(np.array(words, dtype=object))[0].astype(np.int64) if words else np.zeros(0, np.int64)
        for name, group, among in [("never", words, ("never",)), ("so_this", words, ("so", "this")), ("but", lower, ("but",)),
                                   ("least", lower, ("least",)), ("at_very", lower, ("at", "very")),
                                   ("kind", lower, ("kind",)), ("of", lower, ("of",))]:
            setattr(self, name, array(word in among for word in group))
        phrases = [p.split() for p in [*rules.SPECIAL_CASE_IDIOMS, *rules.BOOSTER_DICT] if " " in p]
        self.idiom_first = array(word in {p[0] for p in phrases} for word in lower)
        self.idiom_second = array(word in {p[1] for p in phrases} for word in lower)


def _vader_word(chunk, rules):
    """A chunk as VADER reads it: listed punctuation taken off one side."""
    word = chunk.strip(string.punctuation)
    if word == chunk or len(word) < 2 or any(c in string.punctuation for c in word):
        return chunk
    before, after = chunk[:(at := chunk.index(word))], chunk[at + len(word):]
    marks = rules.PUNC_LIST
    return word if (not before and after in marks) or (not after and before in marks) else chunk


def _vader_scores(texts, analyser):
    """compound, pos, neu and neg (float arrays) of texts, all at once and equal to nltk's polarity_scores.

    The rules run on arrays of word codes instead of one word at a time; a text with one of VADER's listed idioms goes to
    nltk itself.
    """
    chunks = _cut_chunks(texts, join_digits=False)
    words = _VaderWords(chunks.types, analyser.lexicon, analyser.constants)
    n = len(texts)
    kept = words.kept[chunks.code]
    code, text = chunks.code[kept], chunks.article[kept]
    hit, valence = _vader_valences(code, text, n, words, analyser.constants)
    hit_text = text[hit]
    emphasis = _vader_emphasis(chunks, n, words)
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
        for name, score in analyser.polarity_scores(texts[i].translate(_STRAIGHT)).items():
            scores[name][i] = score
    return scores


def _rounded(values, digits):
    """Python's round, which NumPy's differs from in the last digit."""
    return np.array([round(value, digits) for value in values.tolist()], float)


def _with_idiom(code, text, words):
    """Texts in which two neighbouring words may begin one of VADER's idioms."""
    pair = words.idiom_first[code[:-1]] & words.idiom_second[code[1:]] & (text[:-1] == text[1:])
    return np.unique(text[:-1][pair])


def _vader_emphasis(chunks, n, words):
    """What exclamation and question marks add to each text."""
    exclamations = np.minimum(np.bincount(chunks.article, words.exclamations[chunks.code], n), 4) * 0.292
    questions = np.bincount(chunks.article, words.questions[chunks.code], n)
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
# 9. Reading closely: concordance, keyness, near-duplicates
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
# 10. Everything at once: one wide row an article
# ---------------------------------------------------------------------------------------------------------------


def measure_articles(articles, codebook):
    """Every measure, counted, one row an article: the form that scales and that other programs read.

    Returns a frame: article_id, outlet, published, then words, sentences, quoted_words, tone_plain and tone (means over
        sentences, NaN without any), and counts named "actor: X", "side: X" (mentions), "stance: X" (terms),
        "voice: X" (words spoken by the side, quotations that are no labels), "holds: X" (statements by the side),
        "issue: X" (statements). Columns and dtypes depend on the codebook alone, so that frames can be stacked.
    """
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
# 11. How far a number can be trusted
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


def validity(found, gold, on=SPAN, resamples=1000):
    """How well a measure finds what was coded by hand.

    found, gold: frames with the columns `on`, which together say when two rows are the same finding (a span; or a sentence
        and a stance; or these and a holder). Rows that stand twice are matched one to one. article_id must be among them.
    Returns a frame: measure (precision, recall, F1), n (rows that it divides by; for F1 both together), value, low, high
        (95 % interval, articles drawn again `resamples` times), note (why a value is missing).
    """
    on = list(on)
    counts = pd.concat([found.groupby(on, dropna=False).size().rename("found"),
                        gold.groupby(on, dropna=False).size().rename("gold")], axis=1).fillna(0)
    counts["hits"] = counts.min(axis=1)
    per_article = counts.groupby(level="article_id").sum()[["hits", "found", "gold"]]
    drawn = _resample(per_article.to_numpy(), resamples)
    total = per_article.sum().to_numpy()
    rows = []
    for measure, divisor in (("precision", [1]), ("recall", [2]), ("F1", [1, 2])):
        scale = len(divisor)
        rows.append(_with_interval(measure, total[divisor].sum(), total[0] * scale, drawn[:, 0] * scale, drawn[:, divisor].sum(axis=1)))
    return pd.DataFrame(rows)


def _resample(per_article, resamples):
    """Sums of the rows of per_article over articles drawn with replacement: one row a draw, the same at every run."""
    n = len(per_article)
    weights = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), resamples) if n else np.zeros((resamples, 0))
    return weights @ per_article


def _with_interval(measure, n, hits, drawn_hits, drawn_n):
    """One row: a share with the interval of its draws, or NaN and the reason."""
    if not n:
        return {"measure": measure, "n": 0, "value": np.nan, "low": np.nan, "high": np.nan, "note": "nothing to divide by"}
    values = drawn_hits[drawn_n > 0] / drawn_n[drawn_n > 0]
    low, high = np.quantile(values, [0.025, 0.975])
    return {"measure": measure, "n": int(n), "value": hits / n, "low": low, "high": high, "note": ""}


def agreement(coder_a, coder_b, on=SPAN, values=None, level="nominal", resamples=300):
    """How far two coders agree on units that both coded.

    coder_a, coder_b: frames with the columns `on` (they name the unit; article_id among them) and the codes. values: columns
        of codes (default: all others that both have). level: nominal, ordinal or interval, for Krippendorff's alpha.
    Returns a frame, three rows a column of codes: measure ("alpha, holder", "kappa, ...", "per cent, ..."), n (units), value,
        low, high (95 % interval, articles drawn again), note (why a value is missing).
    Sources: Krippendorff (2019), Content Analysis, 4th ed., ch. 12, by way of the package krippendorff; Cohen (1960),
        Educational and Psychological Measurement 20, 37-46.
    """
    on = list(on)
    values = [c for c in coder_a if c in coder_b and c not in on] if values is None else values
    both = coder_a.drop_duplicates(on).merge(coder_b.drop_duplicates(on), on=on, suffixes=("_a", "_b"))
    rows = []
    for column in values:
        pair = both[[f"{column}_a", f"{column}_b"]].astype("object").where(lambda f: f.notna(), "")
        for name, statistic in (("alpha", _alpha), ("kappa", _kappa), ("per cent", _per_cent)):
            rows.append(_agreement_row(f"{name}, {column}", pair, both["article_id"], level, statistic, resamples))
    return pd.DataFrame(rows, columns=["measure", "n", "value", "low", "high", "note"])


def _agreement_row(measure, pair, article, level, statistic, resamples):
    """One statistic with its interval; without two different codes there is nothing to agree about by chance."""
    row = {"measure": measure, "n": len(pair), "value": np.nan, "low": np.nan, "high": np.nan, "note": ""}
    codes = sorted(set(pair.to_numpy().ravel().tolist()), key=lambda code: (str(type(code)), code))
    if not len(pair) or (len(codes) < 2 and statistic is not _per_cent):
        return row | {"note": "no unit that both coded" if not len(pair) else "only one code was used"}
    numbers = np.array([[codes.index(c) for c in column] for column in pair.to_numpy().T])
    scale = np.array(codes, float) if level != "nominal" else np.arange(len(codes))
    rows = [np.flatnonzero(article == a) for a in article.unique()]
    rng = np.random.default_rng(0)
    draws = [numbers[:, np.concatenate([rows[i] for i in rng.integers(0, len(rows), len(rows))])] for _ in range(resamples)]
    values = np.array([statistic(draw, scale, level) for draw in draws])
    low, high = np.nanquantile(values, [0.025, 0.975]) if np.isfinite(values).any() else (np.nan, np.nan)
    return row | {"value": statistic(numbers, scale, level), "low": low, "high": high}


def _alpha(numbers, scale, level):
    import krippendorff

    counts = np.zeros((numbers.shape[1], len(scale)), int)
    for coder in numbers:
        counts[np.arange(numbers.shape[1]), coder] += 1
    used = counts.sum(axis=0) > 0
    return krippendorff.alpha(value_counts=counts[:, used], value_domain=scale[used], level_of_measurement=level) \
        if used.sum() > 1 else np.nan


def _kappa(numbers, scale, level):
    agreed = (numbers[0] == numbers[1]).mean()
    shares = [np.bincount(codes, minlength=len(scale)) / len(codes) for codes in numbers]
    by_chance = (shares[0] * shares[1]).sum()
    return (agreed - by_chance) / (1 - by_chance) if by_chance < 1 else np.nan


def _per_cent(numbers, scale, level):
    return float((numbers[0] == numbers[1]).mean())


# ---------------------------------------------------------------------------------------------------------------
# 12. Showing: the sentences behind a number, pictures with their words, answers to exercises
# ---------------------------------------------------------------------------------------------------------------


def evidence(articles, spans, n=5, codebook=None):
    """The sentences behind a number, with what was counted marked.

    spans: any frame with article_id, start and end (mentions, quotes, statements, terms; several spans of one sentence are
        shown together). n: at most so many sentences, spread evenly over the spans, so that the first is not the only kind
        seen; None shows all.
    Returns an HTML object for display in a notebook; everything that comes from an article is escaped.
    """
    from IPython.display import HTML

    spans = spans[["article_id", "start", "end"]].drop_duplicates().astype({"start": "int64", "end": "int64"})
    if not len(spans):
        return HTML('<p class="evidence">No sentence was counted here.</p>')
    needed = articles[articles["article_id"].isin(spans["article_id"])]
    sentences = _sentence_bounds(tokenize(needed, codebook))
    marked = pd.merge_asof(spans.sort_values("start").rename(columns={"start": "at"}), sentences.sort_values("start"),
                           left_on="at", right_on="start", by="article_id", suffixes=("", "_sentence"))
    order = {a: i for i, a in enumerate(articles["article_id"])}
    marked = marked.sort_values(["article_id", "start"], key=lambda c: c.map(order) if c.name == "article_id" else c)
    groups = list(marked.groupby(["article_id", "start"], sort=False))
    chosen = range(len(groups)) if n is None else sorted({round(i) for i in np.linspace(0, len(groups) - 1, min(n, len(groups)))})
    about = needed.set_index("article_id")
    items = [_evidence_item(about.loc[groups[i][0][0]], groups[i][1]) for i in chosen]
    count = f"{len(items)} of {len(groups)} sentence{'s' * (len(groups) != 1)}"
    return HTML(f'<div class="evidence"><p><small>{count}</small></p>\n' + "\n".join(items) + "\n</div>")


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
            out += [_escape(text[at:start]), "<mark>", _escape(text[start:stop]), "</mark>"]
            at = stop
    words = "".join(out) + _escape(text[at:end])
    day = "" if pd.isna(article["published"]) else f"{article['published'].day} {article['published']:%b %Y}"
    source = ", ".join(_escape(s) for s in (article["outlet"], day, article["title"]) if isinstance(s, str) and s)
    return f"<blockquote><p>{words}</p><footer><small>{source or _escape(article.name)}</small></footer></blockquote>"


_INERT = {ord(mark): f"&#{ord(mark)};" for mark in "&<>\"'$\\`*_[]~#|"}


def _escape(text):
    """Text from an article, inert in HTML, Markdown and mathematics."""
    return str(text).translate(_INERT).replace("\n", " ")


def show(fig, alt, articles=None, width=700):
    """Show a figure as a sharp, small picture that carries its words, and close it.

    alt: what the chart shows, for those who do not see it. articles: where given and some are composed for teaching, the
    picture's foot says so. width: in CSS pixels.
    """
    import matplotlib.pyplot as plt
    from IPython.display import display

    for text in fig.findobj(lambda artist: hasattr(artist, "set_parse_math")):
        text.set_parse_math(False)                              # two dollar signs in a name are no formula
    if articles is not None and (count := int(articles["composed"].sum())):
        fig.supxlabel(f"{count} of {len(articles)} articles are composed for teaching; their outlets do not exist.",
                      x=0.01, ha="left", fontsize=7, color="#595959")
    display({"image/png": _png(fig)}, raw=True, metadata={"image/png": {"alt": alt, "width": width}})
    plt.close(fig)


def _png(fig):
    """PNG bytes at 200 dots an inch in 128 colours, the same bytes for the same figure."""
    from PIL import Image

    buffer, small = io.BytesIO(), io.BytesIO()
    fig.savefig(buffer, format="png", dpi=200, metadata={"Software": None})
    Image.open(buffer).convert("RGB").quantize(128, method=Image.Quantize.MEDIANCUT).save(small, "png", optimize=True)
    return small.getvalue()


def say(sentence, **values):
    """A computed sentence for a notebook: Markdown, with the values filled in.

    sentence: a format string; values: numbers as they are, words (names of actors, outlets) made inert first.
    """
    from IPython.display import Markdown

    return Markdown(sentence.format(**{k: _escape(v) if isinstance(v, str) else v for k, v in values.items()}))


def check(answer, cases):
    """Try an exercise's answer; say which cases fail without giving the method away, and never raise.

    answer: a function, called with each key of cases (a tuple is several arguments); or a value, compared with cases.
    cases: {arguments: expected}, or the expected value.
    """
    if not callable(answer):
        print("Right." if _same(answer, cases) else "Not yet." if answer is not ... else "Nothing filled in yet.")
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
        if isinstance(got, Exception) or not _same(got, expected):
            wrong.append(f"  {given!r}: expected {expected!r}, got {got!r}")
    print("Right, in all cases." if not wrong else f"{len(wrong)} of {len(cases)} cases differ:\n" + "\n".join(wrong))


def _same(got, expected):
    """Equal, with room for rounding in numbers."""
    try:
        if isinstance(expected, (pd.DataFrame, pd.Series)):
            return bool(got.equals(expected))
        if isinstance(expected, float) and not isinstance(got, str):
            return got is not None and bool(np.isclose(got, expected, rtol=1e-3, atol=1e-6, equal_nan=True))
        return bool(got == expected)
    except Exception:
        return False

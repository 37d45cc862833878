"""What collect and convert share: the folder they fill, with its articles.csv, and the reading of text and tables."""

import csv
import io
import re
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
SHEET = "articles.csv"
COLUMNS = ["file", "outlet", "published", "url", "fetched", "status"]


class WrongSetting(Exception):
    """A setting that cannot be used; its text is the one line the reader sees."""


def checked_folder(into):
    """The folder INTO as a Path; raises WrongSetting where it is a file, lies in data/ or has a sheet of another kind."""
    folder = Path(into).expanduser().absolute()
    if DATA in (folder.resolve(), *folder.resolve().parents):
        raise WrongSetting(f"INTO={into}: this is inside data/, where nothing is collected")
    if folder.exists() and not folder.is_dir():
        raise WrongSetting(f"INTO={into}: this is a file, a folder is needed")
    if (folder / SHEET).exists():
        with open(folder / SHEET, encoding="utf-8-sig", newline="") as sheet:
            if next(csv.reader(sheet), []) != COLUMNS:
                raise WrongSetting(f"INTO={into}: its {SHEET} has other columns than {', '.join(COLUMNS)}; take a new folder")
    return folder


def read_sheet(folder):
    """The rows of INTO/articles.csv, as dicts; none where it is not there. A last row cut off while written is no row."""
    if not (folder / SHEET).exists():
        return []
    text = (folder / SHEET).read_bytes().decode("utf-8-sig", "replace")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    if rows and not text.endswith("\n") and None in rows[-1].values():
        rows.pop()
    return [{name: row[name] or "" for name in COLUMNS} for row in rows]


def add_to_sheet(folder, rows):
    """Append rows to INTO/articles.csv, which is made where missing."""
    _append(folder / SHEET, rows)


def forget(folder, outdated):
    """Take the rows for which outdated(row) is true out of INTO/articles.csv."""
    part = folder / f".{SHEET}.part"
    part.unlink(missing_ok=True)
    _append(part, [row for row in read_sheet(folder) if not outdated(row)])
    part.replace(folder / SHEET)


def _append(file, rows):
    new = not file.exists()
    with open(file, "a", encoding="utf-8", errors="replace", newline="") as sheet:
        writer = csv.writer(sheet)
        writer.writerows([COLUMNS] * new)
        writer.writerows([_harmless(row.get(name, "")) for name in COLUMNS] for row in rows)


def _harmless(cell):
    """One line that no spreadsheet takes for a formula."""
    line = " ".join(cell.split())
    return f"'{line}" if line[:1] in tuple("=+-@") else line


# ---------------------------------------------------------------- text and tables

def decoded(raw):
    """Bytes as text: UTF-16 and UTF-8 by their marks, UTF-8, else Windows-1252."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def table(text):
    """A CSV or TSV text as (names of its columns in small letters and digits alone, rows as (line, {name: cell}))."""
    first = text.split("\n", 1)[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
    names = [re.sub(r"[\W_]", "", name).lower() for name in next(reader, [])]
    return names, ((reader.line_num, dict(zip(names, row))) for row in reader if any(row))

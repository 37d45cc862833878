"""Turn exports that hold texts into files that load_articles reads.

    python -m collecting.convert FROM INTO

FROM: an export, or a folder of them: Nexis Uni (.docx, full documents, one or many articles a file), RIS (.ris), Zotero CSV
(.csv), a mailbox of newsletters (.mbox). INTO: a folder outside data/, which gets one .jsonl an export; what is there
already is not overwritten. What could not be read is listed, and kept as rows of INTO/articles.csv without a file.
Exit status: 0 at least one article was read or is there, 1 none, 2 a wrong setting.
"""

import argparse
import json
import mailbox
import re
import sys
from email import message_from_binary_file, policy
from functools import partial
from pathlib import Path

import docx
import lxml.html
import rispy

from collecting.folder import WrongSetting, add_to_sheet, checked_folder, decoded, forget, table

FORMATS = "Nexis Uni .docx, .ris, Zotero .csv, .mbox"


# ---------------------------------------------------------------- Nexis Uni

# The date line, which stands third, below title and source; a weekday may stand on either side of the date.
NEXIS_DATE = re.compile(r"(?:\w+,? )?(\w+ \d{1,2}, \d{4}|\d{1,2}\.? \w+ \d{4})\b")
NEXIS_END = "End of Document"
NEXIS_BELOW = re.compile(r"(?:Classification|Graphic|Notes)$|Load-Date:")


def read_nexis(file, note):
    """Articles of a Nexis Uni download. Each is: title, source, date, labelled lines, Body, text, Classification, end."""
    lines = [" ".join(line.split()) for paragraph in docx.Document(file).paragraphs for line in paragraph.text.split("\n")]
    article, number = [], 0
    for line in [*filter(None, lines), NEXIS_END]:
        if line != NEXIS_END:
            article.append(line)
        elif article:
            number += 1
            where = f"article {number}"
            if "Body" in article:
                yield where, _nexis_article(article, partial(note, where))
            else:
                note(where, "no line 'Body'", "downloads of full documents")
            article = []


def _nexis_article(lines, note):
    """The article in the lines between two ends. Above the first of a file stands a cover page."""
    body = lines.index("Body")
    below = next((i for i in range(body, len(lines)) if NEXIS_BELOW.match(lines[i])), len(lines))
    labels = dict(line.split(": ", 1) for line in lines[:body] if re.match(r"(?:Byline|Highlight): ", line))
    article = {"author": labels.get("Byline", ""), "lead": labels.get("Highlight", ""),
               "text": "\n\n".join(lines[body + 1:below])}
    day = next((i for i in range(2, body) if NEXIS_DATE.match(lines[i])), None)
    if day is None:
        note("no title, source and date found above the text", "a date such as May 17, 2025 on the third line")
        return article
    return article | {"title": lines[day - 2], "outlet": lines[day - 1], "published": NEXIS_DATE.match(lines[day])[1]}


# ---------------------------------------------------------------- reference managers

def read_ris(text, note):
    """Records of a RIS file; each is handed to rispy alone, so that one without its end does not swallow the next."""
    line = 1
    for part in re.split(r"^(?=TY  -)", text, flags=re.MULTILINE):
        where, line = f"line {line}", line + part.count("\n")
        if not part.startswith("TY  -"):
            if part.strip():
                note(where, "not a RIS record", "records that begin with TY and end with ER")
            continue
        said = rispy.loads(part.replace("\r", "") + "\nER  - \n")[0]
        first = partial(_first_of, said)
        date = first("date", "year", "publication_year")
        day = re.match(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})", date)
        if date and not day:
            note(where, f"a date without a day: {date!r}", "YYYY/MM/DD")
        yield where, {
            "title": first("title", "primary_title"), "outlet": first("secondary_title", "journal_name", "alternate_title3"),
            "published": "{}-{:0>2}-{:0>2}".format(*day.groups()) if day else "", "url": first("urls"),
            "author": "; ".join(said.get("authors") or said.get("first_authors") or []),
            "text": max(first("abstract"), first("notes_abstract"), "\n\n".join(said.get("notes", [])), key=len)}


def _first_of(said, *names):
    """The first value under these names, of a list its first; "" where there is none."""
    value = next((said[name] for name in names if said.get(name)), "")
    return value[0] if isinstance(value, list) else value


def read_zotero(text, note):
    """Records of a table that Zotero exported; other tables become one problem."""
    names, rows = table(text)
    if not {"itemtype", "title"} <= set(names):
        addresses = {"url", "link"} & set(names)
        note("the table", "addresses, no export of Zotero" if addresses else "not an export of Zotero",
             "make collect LINKS=this file fetches them" if addresses else "a table with texts is read without converting")
        return
    ours = {"title": "title", "outlet": "publicationtitle", "published": "date", "url": "url", "author": "author",
            "text": "abstractnote"}
    for line, row in rows:
        yield f"line {line}", {name: row.get(theirs, "") for name, theirs in ours.items()}


# ---------------------------------------------------------------- newsletters

BLOCKS = {"address", "article", "blockquote", "br", "div", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "p", "section",
          "table", "td", "th", "tr"}


def read_mbox(file, note):
    """Mails of a mailbox, an article each."""
    box = mailbox.mbox(file, factory=partial(message_from_binary_file, policy=policy.default), create=False)
    for number, key in enumerate(box.iterkeys(), start=1):
        where = f"mail {number}"
        try:
            yield where, _mail(box[key])
        except Exception as error:  # whatever is wrong with one mail, the others are read
            note(where, f"could not be read: {type(error).__name__}: {error}", "mails as RFC 5322 has them")


def _mail(mail):
    """A mail as an article: its plain text, else the words of its HTML; the sender's name is the outlet."""
    body = mail.get_body(("plain", "html"))
    text = body.get_content() if body else ""
    sender = next(iter(mail["From"].addresses), None) if mail["From"] else None
    return {"title": str(mail["Subject"] or ""), "outlet": (sender.display_name or sender.domain) if sender else "",
            "published": str(mail["Date"] or ""),
            "text": html_lines(text) if body and body.get_content_subtype() == "html" else text}


def html_lines(page):
    """The words of a page, a line a block. The layout of mails is made of tables, which readers of articles pass over."""
    root = lxml.html.fromstring(page)
    for element in list(root.iter()):
        if not isinstance(element.tag, str) or element.tag in ("head", "script", "style"):
            element.drop_tree() if element.getparent() is not None else None
        elif element.tag in BLOCKS:
            element.tail = "\n" + (element.tail or "")
            element.text = "\n" + (element.text or "")
    lines = (" ".join(line.split()) for line in root.text_content().split("\n"))
    return "\n\n".join(filter(None, lines))


# ---------------------------------------------------------------- the command

def read_export(file):
    """(records, problems) of one export. Records: dicts of title, lead, text, outlet, published, author, url, as far as known;
    problems: dicts of file, where, problem, allowed, url."""
    records, problems = [], []

    def note(where, problem, allowed, url=""):
        problems.append({"file": file.name, "where": where, "problem": problem, "allowed": allowed, "url": url})

    try:
        for where, record in _read(file, note):
            if record["text"].strip():
                records.append(record)
            elif record.get("url"):
                note(where, "an address without text", "make collect LINKS=this file fetches it", record["url"])
            else:
                note(where, "neither text nor address", "a text, an abstract, a note or an address")
    except Exception as error:  # whatever is wrong with one file, the others are read
        note("the file", f"could not be read: {type(error).__name__}: {error}", FORMATS)
    if not records and not problems:
        note("the file", "nothing found in it", FORMATS)
    return records, problems


def _read(file, note):
    """The reader for a file, by its suffix; mail programs often give mailboxes none."""
    kind = file.suffix.lower()
    if kind == ".docx":
        return read_nexis(file, note)
    if kind == ".ris":
        return read_ris(decoded(file.read_bytes()), note)
    if kind == ".csv":
        return read_zotero(decoded(file.read_bytes()), note)
    with open(file, "rb") as opened:
        if opened.read(5) == b"From ":
            return read_mbox(file, note)
    return note("the file", f"not an export that is read ({kind or 'no suffix'})", FORMATS) or ()


def convert(files, into):
    """Write INTO/<name of the export>.jsonl for each file that has none yet; returns (articles, files there, problems)."""
    into.mkdir(parents=True, exist_ok=True)
    articles, there, problems = 0, 0, []
    for file in files:
        target = into / f"{file.name}.jsonl"
        if target.exists():
            there += 1
            continue
        records, found = read_export(file)
        lines = "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        if records:
            target.write_text(lines, encoding="utf-8", errors="replace")
        forget(into, lambda row: row["status"].startswith(f"{file.name}, "))
        add_to_sheet(into, [{"url": row["url"], "status": in_words(row)} for row in found])
        articles, problems = articles + len(records), problems + found
    return articles, there, problems


def in_words(row):
    return f"{row['file']}, {row['where']}: {row['problem']}; allowed: {row['allowed']}"


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("source", metavar="from", help="export, or folder of exports: " + FORMATS)
    parser.add_argument("into", help="folder for the articles")
    given = parser.parse_args(arguments)
    try:
        source, into = Path(given.source).expanduser(), checked_folder(given.into)
        if not source.exists():
            raise WrongSetting(f"FROM={given.source}: there is no such file or folder")
    except WrongSetting as wrong:
        print(wrong, file=sys.stderr)
        return 2
    files = sorted(f for f in source.rglob("*") if f.is_file() and f.name[0] != ".") if source.is_dir() else [source]
    articles, there, problems = convert(files, into)
    print(f"{len(files)} files: {articles} articles read, {there} files already there, {len(problems)} problems.")
    for row in problems:
        print(f"  {in_words(row)}")
    return 0 if articles or there else 1


if __name__ == "__main__":
    sys.exit(main())

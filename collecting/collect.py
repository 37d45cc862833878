"""Fetch the pages of a list of addresses into a folder that load_articles reads.

    python -m collecting.collect LINKS INTO [--limit N] [--local] [--contact WORDS]

LINKS: a file or an address: a table (.csv, .tsv) with a column `url`, a text with an address a line, a sitemap, an RSS or
Atom feed, a RIS file. INTO: a folder outside data/. Each page is kept as it came, as .html.gz; INTO/articles.csv gets a row
an address: file (empty where there is none), outlet, published, url, fetched, status (200, or the reason why not). What is
there already is neither fetched again nor overwritten: the same command goes on where it stopped.
Exit status: 0 at least one page is there, 1 none, 2 a wrong setting, 130 stopped by hand.
"""

import argparse
import csv
import gzip
import hashlib
import io
import re
import sys
import zlib
from collections import Counter
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from lxml import etree
from tqdm import tqdm

from collecting.convert import read_ris
from collecting.fetch import Client, Refused
from collecting.folder import WrongSetting, add_to_sheet, checked_folder, decoded, forget, read_sheet, table
from helpers import COMMON_NAMES

LARGEST_LIST = 50_000_000  # bytes, as the sitemap protocol has it
COLUMNS = {ours: COMMON_NAMES[ours] for ours in ("url", "outlet", "published")}
COLUMNS["outlet"] = [*COLUMNS["outlet"], "publicationtitle"]  # as Zotero calls it
XML_DATES = ("{*}news/{*}publication_date", "{*}pubDate", "{*}date", "{*}published")
XML_OUTLET = "{*}news/{*}publication/{*}name"


# ---------------------------------------------------------------- the list

def read_links(source, client):
    """The links of a list: dicts of url, outlet, published ("" where unknown), and reason where one cannot be followed.

    source: path or address. Each address once, fragments left out. Raises WrongSetting where no address can be read.
    """
    try:
        links = list(_links_in(*_read(source, client), client))
    except (Refused, OSError, EOFError, zlib.error, csv.Error, etree.XMLSyntaxError) as error:
        raise WrongSetting(f"LINKS={source}: {error}") from None
    once = {}
    for link in links:
        plain = {name: " ".join((link.get(name) or "").split()) for name in (*COLUMNS, "reason")}
        plain["url"] = plain["url"].partition("#")[0]
        if plain["url"]:
            once.setdefault(plain["url"], plain)
    if not once:
        raise WrongSetting(f"LINKS={source}: no address in it; a table needs a column url, a text has an address a line")
    return list(once.values())


def _read(source, client):
    """(bytes, base for relative addresses) of a list."""
    if re.match("https?://", source, re.IGNORECASE):
        return _fetched_list(source, client)
    return _unpacked(Path(source).expanduser().read_bytes()), ""


def _fetched_list(url, client):
    page = client.get(url, LARGEST_LIST)
    return _unpacked(page.body), page.url


def _unpacked(raw):
    return gzip.open(io.BytesIO(raw)).read(LARGEST_LIST) if raw.startswith(b"\x1f\x8b") else raw


def _links_in(raw, base, client):
    """The links of a list of any form; the form shows in how it begins."""
    text = decoded(raw)
    if "\0" in text[:4096]:
        raise Refused("not text; of a spreadsheet, save the table as CSV")
    if text.lstrip().startswith("<"):
        return _links_in_xml(raw, base, client)
    if text.lstrip().startswith("TY  -"):
        return (record for _, record in read_ris(text, note=lambda *problem: None))
    names, rows = table(text)
    if set(names) & set(COLUMNS["url"]):
        return _links_in_table(rows)
    return ({"url": line} for line in map(str.strip, text.splitlines()) if line and not line.startswith("#"))


def _links_in_table(rows):
    for _, row in rows:
        yield {ours: next((row[name] for name in theirs if row.get(name)), "") for ours, theirs in COLUMNS.items()}


def _links_in_xml(raw, base, client, depth=0):
    """The links of a feed, of a sitemap, or of an index of sitemaps (each is fetched; no index in an index)."""
    root = etree.fromstring(raw, etree.XMLParser(resolve_entities=False, no_network=True, recover=True))
    if root is None or etree.QName(root).localname not in ("urlset", "sitemapindex", "rss", "RDF", "feed"):
        raise Refused("neither a sitemap nor a feed")
    for entry in root.iter("{*}url", "{*}item", "{*}entry"):
        links = (link for link in entry.iterchildren("{*}loc", "{*}link") if link.get("rel", "alternate") == "alternate")
        url = next(filter(None, (link.get("href") or link.text for link in links)), "")
        published = next(filter(None, map(entry.findtext, XML_DATES)), "")
        yield {"url": urljoin(base, url.strip()), "outlet": entry.findtext(XML_OUTLET), "published": published}
    for sitemap in root.iter("{*}sitemap") if depth == 0 else ():
        url = urljoin(base, sitemap.findtext("{*}loc", "").strip())
        try:
            yield from _links_in_xml(*_fetched_list(url, client), client, depth=1)
        except (Refused, OSError, EOFError, zlib.error, etree.XMLSyntaxError) as error:
            yield {"url": url, "reason": str(error)}


# ---------------------------------------------------------------- the folder

def collect(links, into, client, show=iter):
    """Fetch the links that are not there yet; returns their rows of INTO/articles.csv, failures and all.

    into: folder (Path), made where missing. show: wraps the list while it is worked through, as tqdm does.
    """
    into.mkdir(parents=True, exist_ok=True)
    there = {row["url"] for row in read_sheet(into) if row["file"] and (into / row["file"]).is_file()}
    todo = [link for link in links if link["url"] not in there]
    again = {link["url"] for link in todo}
    forget(into, lambda row: row["url"] in again)
    rows = []
    for link in show(taking_turns(todo)):
        name = page_name(link["url"])
        try:
            status = _keep_page(link, into / name, client)
        except Refused as refused:
            name, status = "", str(refused)
        fetched = datetime.fromtimestamp(client.clock(), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        rows.append({"file": name, "outlet": link["outlet"] or site(link["url"]), "published": link["published"],
                     "url": link["url"], "fetched": fetched, "status": status})
        add_to_sheet(into, rows[-1:])
    return rows


def _keep_page(link, file, client):
    """Fetch one page and keep it; returns its status. A page without its row, from a run that was cut off, is taken over."""
    if file.exists():
        return "200 (fetched by an earlier run)"
    if link["reason"]:
        raise Refused(link["reason"])
    try:
        page = client.get(link["url"])
    except (Refused, KeyboardInterrupt):
        raise
    except Exception as error:  # whatever is wrong with one page, the others are fetched
        raise Refused(f"{type(error).__name__}: {error}") from error
    if page.kind not in ("", "text/html", "application/xhtml+xml"):
        raise Refused(f"not a web page but {page.kind}")
    if not page.body.strip():
        raise Refused("the page is empty")
    part = file.with_name(f".{file.name}.part")  # hidden: no half page is ever read
    part.write_bytes(gzip.compress(_with_charset(page), mtime=0))
    part.rename(file)
    return "200" if page.url == link["url"] else f"200 (redirected to {page.url})"


def _with_charset(page):
    """The page as it came; where only the header of the response named its encoding, a comment in front of it does."""
    head = page.body[:4096]
    named = page.charset != "utf-8" and re.fullmatch(r"[\w-]{2,30}", page.charset)
    if not named or b"charset=" in head.lower() or b"\0" in head:  # zeros: UTF-16, which needs no name
        return page.body
    return f"<!-- charset={page.charset} -->\n".encode() + page.body


def taking_turns(links):
    """The links in an order in which hosts alternate: the pause for one is used for the others."""
    seen = Counter()
    turns = []
    for link in links:
        turns.append(seen[site(link["url"])])
        seen[site(link["url"])] += 1
    return [link for _, link in sorted(zip(turns, links), key=lambda pair: pair[0])]


def site(url):
    """The host of an address without www, or "" where it has none."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def page_name(url):
    """A file name for an address: its host, the words of its path, and a digest that tells it from all others."""
    words = [re.sub(r"[^a-z0-9.]+", "-", unquote(part).lower()).strip("-.") 
             for part in (site(url), url.rstrip("/").rsplit("/", 1)[-1])]
    digest = hashlib.sha256(url.encode("utf-8", "replace")).hexdigest()[:10]
    return f"{words[0][:60] or 'page'}_{words[1][:60] or 'index'}_{digest}.html.gz"


# ---------------------------------------------------------------- the command

def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("links", help="file or address: table, text, sitemap, feed or RIS")
    parser.add_argument("into", help="folder for the pages")
    parser.add_argument("--limit", type=int, help="no more than so many addresses, from the top of the list")
    parser.add_argument("--local", action="store_true", help="allow addresses of the local network")
    parser.add_argument("--contact", default="", help="how you can be reached; added to the user agent")
    given = parser.parse_args(arguments)
    try:
        into, client = checked_folder(given.into), Client(given.contact, given.local)
        links = read_links(given.links, client)[:given.limit]
        rows = collect(links, into, client, lambda todo: tqdm(todo, unit="page", disable=None))
    except WrongSetting as wrong:
        print(wrong, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on from here.", file=sys.stderr)
        return 130
    failed = [row for row in rows if not row["file"]]
    print(f"{len(links)} addresses: {len(rows) - len(failed)} pages fetched, {len(links) - len(rows)} already there, "
          f"{len(failed)} failed.")
    for row in failed:
        print(f"  {row['url']}\n    {row['status']}")
    return 0 if len(links) > len(failed) else 1


if __name__ == "__main__":
    sys.exit(main())

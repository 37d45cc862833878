"""Run the notebooks and turn them into a small static site.

    python reporting/build.py               run copies, write OUT/index.html, a page a notebook, and what they are made of:
                                            OUT/notebooks, OUT/tables, OUT/figures
    python reporting/build.py --in-place    run them on the articles of data/ and save them where they are

Settings come from the environment, as `make report NAME=value` hands them on:
ARTICLES, CODEBOOK, GOLD (paths), OUT (folder, else reports/), TITLE, ONLY (03,05).
Exit status: 0 all well, 1 a notebook or a table failed, 2 a wrong setting.

What a notebook says with cell tags: `finding` (its output is lifted under the title and
onto the front page), `state-of-play` (its output opens the front page), `main-chart` (its
picture is the thumbnail), `evidence` (folded), `exercise` and `solution` (left out of reports).
"""

import argparse
import ast
import base64
import hashlib
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import jinja2
import lxml.html
import nbformat
from lxml.etree import ParserError
from markupsafe import Markup
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter
from nbconvert.filters.highlight import Highlight2HTML
from traitlets.config import Config

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = Path(__file__).resolve().parent / "template"
PATHS = ("ARTICLES", "CODEBOOK", "GOLD")
LEFT_OUT = {"exercise", "solution"}
VERSIONS = ("pandas", "matplotlib", "nltk", "vaderSentiment", "nbconvert")


class WrongSetting(Exception):
    """A setting that cannot be used; its text is the one line the reader sees."""


# ---------------------------------------------------------------- settings

def read_settings(env, notebooks):
    """Check what the environment asks for; return (settings, notebook paths).

    Paths become absolute, and empty settings are removed from env, so that the
    notebooks see either a usable value or none. Raises WrongSetting.
    """
    for name in (*PATHS, "OUT", "TITLE", "ONLY"):
        if not env.get(name, "").strip():
            env.pop(name, None)
    for name in PATHS:
        if name in env:
            path = Path(env[name]).expanduser().absolute()
            if not path.exists():
                raise WrongSetting(f"{name}={env[name]}: there is no such file or folder")
            env[name] = str(path)
    for name in ("CODEBOOK", "GOLD"):
        if name in env and not Path(env[name]).is_dir():
            raise WrongSetting(f"{name}={env[name]}: this must be a folder")
    out = Path(env.get("OUT", ROOT / "reports")).expanduser().absolute()
    if out.exists() and not out.is_dir():
        raise WrongSetting(f"OUT={out}: this is a file, a folder is needed")
    if notebooks.resolve() in (out.resolve(), *out.resolve().parents):
        raise WrongSetting(f"OUT={out}: this is inside the folder of the notebooks")
    settings = {"out": out, "title": env.get("TITLE", "Across the Table").strip()}
    return settings, choose(sorted(notebooks.glob("*.ipynb")), env.get("ONLY"), notebooks)


def choose(paths, only, folder):
    """The notebooks that ONLY names, by number or by name; all without it."""
    if not paths:
        raise WrongSetting(f"no notebook in {folder}")
    if not only:
        return paths
    chosen = set()
    for word in re.split(r"[,\s]+", only.strip(", ")):
        hits = [p for p in paths if word in (p.stem, p.name, p.stem.split("_")[0])]
        if not hits:
            names = ", ".join(p.stem for p in paths)
            raise WrongSetting(f"ONLY={only}: no notebook {word}; there are {names}")
        chosen.update(hits)
    return sorted(chosen)


# ---------------------------------------------------------------- running

def run_notebook(path, scratch, figures=None):
    """Run a copy of one notebook from a fresh kernel; its charts are kept in the folder figures, if one is given.

    Returns (notebook, failure, seconds); failure is None or a dict with cell
    (position from the top, 1 is the first), line (its first line) and error.
    """
    started = time.monotonic()
    failure = notebook = None
    try:
        notebook = nbformat.read(path, as_version=4)
        client = NotebookClient(
            notebook, config=kernel_config(scratch / path.stem), kernel_name="python3", timeout=3600,
            record_timing=False, store_widget_state=False, coalesce_streams=True,
            resources={"metadata": {"path": str(scratch)}})
        path_list = os.pathsep.join([str(ROOT), *filter(None, [os.getenv("PYTHONPATH")])])
        client.execute(  # what a kernel mutters while it shuts down is no concern of the reader
            stderr=subprocess.DEVNULL, env={
                **os.environ, "PYTHONHASHSEED": "0", "PYTHONPATH": path_list, "TQDM_DISABLE": "1",
                "IPYTHONDIR": str(scratch / "ipython"), "FIGURES": str(figures or "")})
    except CellExecutionError as error:
        failure = {"error": f"{error.ename}: {first_line(error.evalue)}"}
    except Exception as error:  # an unreadable file, a dead kernel, a cell that never ends
        failure = {"error": f"{type(error).__name__}: {first_line(str(error))}"}
    if failure and notebook:
        failure.update(where_it_stopped(notebook))
    return notebook or nbformat.v4.new_notebook(), failure, time.monotonic() - started


def kernel_config(stem):
    """A kernel is spoken to through files where the system has them: no port can be taken twice."""
    manager = {"transport": "ipc", "connection_file": f"{stem}.json"} if os.name == "posix" else {}
    return Config({"AsyncKernelManager": manager})


def first_line(text):
    return text.strip().split("\n")[0][:300]


def where_it_stopped(notebook):
    """Cell position and first line of the code cell that ran last."""
    ran = [(number, cell) for number, cell in enumerate(notebook.cells, 1)
           if cell.cell_type == "code" and (cell.execution_count or cell.outputs)]
    bad = [pair for pair in ran if any(o.output_type == "error" for o in pair[1].outputs)]
    number, cell = (bad or ran or [(0, {"source": ""})])[-1]
    return {"cell": number, "line": first_line(cell["source"])}


def fresh(notebook_path, scratch, figures):
    """run_notebook on a notebook whose old outputs are forgotten first."""
    notebook, failure, seconds = run_notebook(notebook_path, scratch, figures)
    return notebook_path, normalise(notebook, notebook_path.stem), failure, seconds


def run_all(paths, figures=None):
    """Run every notebook, two at a time, a line of progress each: yields (path, notebook, failure) as each is done.

    figures: a folder for the charts.
    """
    with tempfile.TemporaryDirectory(prefix="att") as scratch, ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(fresh, path, Path(scratch), figures and figures / path.stem) for path in paths]
        for job in as_completed(jobs):
            path, notebook, failure, seconds = job.result()
            print(f"{path.stem:<24} {'FAILED' if failure else 'ok':<6} {seconds:4.0f} s", flush=True)
            yield path, notebook, failure


def report_failures(failures):
    """List what failed, on standard error: file, cell, its first line, the error."""
    for name, failure in failures.items():
        where = f", cell {failure['cell']} ({failure['line']})" if failure.get("cell") else ""
        print(f"FAILED {name}{where}: {failure['error']}", file=sys.stderr)


# ---------------------------------------------------------------- saving

def normalise(notebook, name):
    """Take out of a run what differs from one run to the next; same notebook, changed in place."""
    notebook.metadata = nbformat.from_dict({
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"}})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    seen = set()
    for number, cell in enumerate(notebook.cells):
        if not cell.get("id") or cell.id in seen:
            cell.id = hashlib.sha256(f"{name}/{number}".encode()).hexdigest()[:8]
        seen.add(cell.id)
        cell.metadata = nbformat.from_dict({k: v for k, v in cell.metadata.items() if k in ("tags", "jupyter")})
        if cell.cell_type == "code":
            cell.outputs = [o for o in map(settled, cell.outputs) if o]
    return notebook


def settled(output):
    """One output without widgets and memory addresses; None if nothing is left."""
    if "data" in output:
        if any("widget-view" in kind for kind in output.data):
            return None
        for kind, value in output.data.items():
            if kind.startswith("text/") and isinstance(value, str):
                output.data[kind] = without_addresses(value)
    if "text" in output:
        output.text = without_addresses(output.text)
    return output


def without_addresses(text):
    return re.sub(r" at 0x[0-9a-fA-F]{4,16}", "", text)


def save_in_place(results):
    """Write the notebooks that ran through; leave files alone that would not change."""
    for path, notebook, failure in results:
        text = nbformat.writes(notebook) + "\n"
        if not failure and path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8", newline="\n")


# ---------------------------------------------------------------- what it was made from

def made_from(helpers, articles):
    """Facts for the footer: counts, dates, hashes, versions. No clock: same input, same facts."""
    dates = articles["published"].dropna()
    facts = {
        "articles": len(articles), "outlets": int(articles["outlet"].nunique()),
        "undated": int(articles["published"].isna().sum()), "composed": int(articles["composed"].sum()),
        "first": day(dates.min()) if len(dates) else None, "newest": day(dates.max()) if len(dates) else None,
        "corpus": corpus_hash(articles), "codebook": codebook_hash(helpers),
        "versions": [("Python", platform.python_version())]}
    for package in ("across-the-table", *VERSIONS):
        try:
            facts["versions"].append((package, version(package)))
        except PackageNotFoundError:
            continue
    return facts


def day(date):
    return f"{date.day} {date:%B %Y}"


def corpus_hash(articles):
    """Twelve hexadecimal digits that change when any article does."""
    digest = hashlib.sha256()
    columns = articles[["article_id", "outlet", "published", "text"]].astype("string").fillna("")
    for row in columns.itertuples(index=False):
        digest.update("\x1f".join(row).encode("utf-8", "replace") + b"\x1e")
    return digest.hexdigest()[:12]


def codebook_hash(helpers):
    """Twelve hexadecimal digits over the CSV files of the codebook, the default's where one's own lacks them."""
    default = Path(helpers.__file__).resolve().parent / "data" / "codebook"
    files = {path.name: path for folder in (default, Path(os.environ.get("CODEBOOK", default)))
             for path in folder.glob("*.csv")}
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(name.encode() + b"\x1f" + files[name].read_bytes() + b"\x1e")
    return digest.hexdigest()[:12]


# ---------------------------------------------------------------- tables

def write_tables(helpers, articles, codebook, folder):
    """Write the tables of helpers as CSV, each as soon as it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in make_tables(helpers, articles, codebook):
        helpers.save_table(table, folder / f"{name}.csv")


def make_tables(helpers, articles, codebook):
    """(name, table) in the order in which data flows."""
    yield "articles", articles
    tokens = helpers.tokenize(articles, codebook)
    yield "sentences", helpers.score_sentences(articles, tokens, codebook)
    mentions = helpers.find_mentions(articles, tokens, codebook)
    yield "mentions", mentions
    quotes = helpers.find_quotes(articles, tokens, mentions, codebook)
    yield "quotes", quotes
    yield "statements", helpers.find_statements(articles, tokens, mentions, quotes, codebook)


# ---------------------------------------------------------------- making HTML safe and plain

TAGS = frozenset(
    "a abbr b blockquote br caption cite code dd del details div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i "
    "img ins kbd li mark ol p pre q s samp section small span strong sub summary sup table tbody td tfoot th thead "
    "time tr u ul var".split())
DROPPED = frozenset(
    "applet audio base button canvas embed form frame frameset head iframe input link math meta noembed noframes "
    "noscript object plaintext script select source style svg template textarea title track video xmp".split())
ATTRIBUTES = frozenset("alt class colspan datetime height href id lang open rowspan scope src start title width".split())
NUMBER = re.compile(r"[-+−±]?[\d.,\u00a0\u202f ]{1,24}%?|NaN|nan|NaT|None|<NA>|–|-|")


class Tidy:
    """Makes the HTML of one page safe, its headings orderly and its tables scroll.

    outline collects (level, id, text) of the headings in prose, for the contents.
    """

    def __init__(self, pages=()):
        self.pages, self.outline, self.ids = set(pages), [], {"top", "main", "code-switch"}
        self.level, self.tables, self.title = 1, 0, None

    def prose(self, html):
        return self.clean(html, prose=True)

    def clean(self, html, prose=False):
        """Markup holding nothing but what the lists above allow; html: any text, trusted or not."""
        try:
            root = lxml.html.fragment_fromstring(str(html).replace("\x00", ""), create_parent="div")
        except ParserError:
            return Markup()
        for element in list(root.iterdescendants()):
            if not isinstance(element.tag, str) or element.tag in DROPPED:
                element.drop_tree()
            elif element.tag not in TAGS:
                element.drop_tag()
            else:
                self.attributes(element)
        for element in list(root.iterdescendants("h1", "h2", "h3", "h4", "h5", "h6", "img", "table")):
            if element.tag == "table":
                self.table(element)
            elif element.tag != "img":
                self.heading(element, prose)
            elif not element.get("src"):
                element.tail = (element.get("alt") or "") + (element.tail or "")
                element.drop_tree()
        return Markup(lxml.html.tostring(root, encoding="unicode")[5:-6] if len(root) or root.text else "")

    def attributes(self, element):
        """Keep allowed attributes; a link leads to the web, a page of the report or a place in this page."""
        for name in list(element.attrib):
            if name not in ATTRIBUTES:
                del element.attrib[name]
        if element.get("id") in self.ids:
            del element.attrib["id"]
        elif element.get("id"):
            self.ids.add(element.get("id"))
        if element.tag == "img" and not re.match(r"data:image/(png|jpeg|gif);base64,", element.get("src", "")):
            element.attrib.pop("src", None)
        if element.tag == "a":
            self.link(element)

    def link(self, element):
        href = element.attrib.pop("href", "").strip()
        page = re.fullmatch(r"(?:\./)?([\w-]+)\.ipynb(#[\w-]*)?", href)
        if page and page[1] in self.pages:
            element.set("href", f"{page[1]}.html{page[2] or ''}")
        elif re.match(r"https?://[^\s\\]+$", href):
            element.set("href", href)
            element.set("rel", "noopener noreferrer")
        elif re.fullmatch(r"#[\w-]+", href):
            element.set("href", href)
        else:
            element.tag = "span"

    def heading(self, element, prose):
        """The first title becomes the page's; the others follow without a gap and can be linked to."""
        text = " ".join(element.text_content().split())
        if prose and self.title is None and element.tag == "h1":
            self.title = text
            return element.drop_tree()
        self.level = max(2, min(int(element.tag[1]), self.level + 1))
        element.tag = f"h{self.level}"
        slug = stem = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:40] or "part"
        number = 1
        while slug in self.ids:
            number += 1
            slug = f"{stem}-{number}"
        self.ids.add(slug)
        element.set("id", slug)
        if prose and text:
            self.outline.append((self.level, slug, text))

    def table(self, table):
        """Put a table into a box of its own that scrolls; name its headers; numbers to the right."""
        one_header(table)
        rows = [list(row) for row in table.iter("tr")]
        body = [row for row in rows if any(cell.tag == "td" for cell in row)]
        for cell in table.iter("th", "td"):
            head = next(cell.iterancestors("thead"), None) is not None
            if cell.tag == "th" and not cell.text_content().strip():
                cell.tag = "td"
            elif cell.tag == "th" and not cell.get("scope"):
                cell.set("scope", "col" if head else "row")
        for column in range(max(map(len, rows), default=0)):
            cells = [row[column] for row in body if column < len(row)]
            if cells and all(NUMBER.fullmatch(cell.text_content().strip()) for cell in cells):
                for row in rows:
                    if column < len(row):
                        row[column].set("class", "number")
        if next(table.iterancestors("table"), None) is None:
            self.tables += 1
            box = lxml.html.Element("div", {"class": "scroll", "tabindex": "0", "role": "region",
                                            "aria-label": f"Table {self.tables}"})
            table.addprevious(box)
            box.tail, table.tail = table.tail, None
            box.append(table)


def one_header(table):
    """Move the name of the index, which pandas writes in a row of its own, into the empty corner above it."""
    rows = list(table.iterfind("thead/tr"))
    if len(rows) == 2 and len(rows[0]) == len(rows[1]):
        (corner, *_), (name, *rest) = rows
        if not corner.text_content().strip() and not any(cell.text_content().strip() for cell in rest):
            corner.text = name.text_content().strip()
            rows[1].drop_tree()


# ---------------------------------------------------------------- pages

ENDING = re.compile(r"^#{2,6} [^\n]*\s*\Z", re.MULTILINE)  # a heading with nothing after it


def tags(cell):
    return set(cell.metadata.get("tags", ()))


def for_readers(notebook):
    """The cells a report shows: no exercises, no heading left without text, code joined where nothing shows between."""
    cells = []
    for cell in notebook.cells:
        if tags(cell) & LEFT_OUT or not cell.source.strip():
            continue
        before = cells[-1] if cells else None
        if (before and cell.cell_type == before.cell_type == "code" and not before.outputs
                and not tags(before) & {"finding", "main-chart", "evidence"}):
            cell = nbformat.from_dict({**cell, "source": f"{before.source}\n\n{cell.source}"})
            cells.pop()
        cells.append(cell)
    while cells and cells[-1].cell_type == "markdown" and (ending := ENDING.search(cells[-1].source)):
        last = cells.pop()
        if rest := last.source[:ending.start()].strip():
            cells.append(nbformat.from_dict({**last, "source": rest}))
    return nbformat.from_dict({**notebook, "cells": cells})


@cache
def exporter():
    """nbconvert's exporter with the template of this folder; it needs the filters of a page."""
    html = HTMLExporter(template_name="cells", extra_template_basedirs=[str(TEMPLATES)])
    html.register_filter("highlight_code", Highlight2HTML(pygments_lexer="ipython3", parent=html))
    html.exclude_anchor_links = True
    html.display_data_priority = ["text/html", "text/markdown", "image/png", "image/jpeg", "text/plain"]
    return html


def make_page(path, notebook, failure, pages):
    """Everything a page and its card show, as a dict of plain values and safe markup."""
    shown, tidy = for_readers(notebook), Tidy(pages)
    exporter().register_filter("tidy", tidy.clean)
    exporter().register_filter("tidy_prose", tidy.prose)
    body, _ = super(HTMLExporter, exporter()).from_notebook_node(shown)     # its own parses the page again, to no use
    findings = [cell for cell in shown.cells if "finding" in tags(cell) and cell.cell_type == "code"]
    play = lifted([cell for cell in shown.cells if "state-of-play" in tags(cell)], pages, headings=True)
    thumbnail = next((image for cell in shown.cells if "main-chart" in tags(cell) for image in images(cell)), None)
    return {
        "name": path.stem, "number": path.stem.split("_")[0], "title": tidy.title or path.stem.replace("_", " "),
        "question": question(shown), "finding": lifted(findings, pages), "first_finding": lifted(findings[:1], pages), "state_of_play": play if "<li" in play else "",
        "thumbnail": thumbnail, "outline": tidy.outline, "body": Markup(body), "failure": failure}


def images(cell):
    """(picture as base64, alt text, width or None) of each picture a cell shows."""
    for output in cell.get("outputs", ()):
        if "image/png" in output.get("data", ()):
            about = output.metadata.get("image/png", {})
            yield {"png": output.data["image/png"].replace("\n", ""), "alt": about.get("alt", ""),
                   "width": about.get("width")}


def lifted(cells, pages, headings=False):
    """What some cells show, as safe HTML; empty where there is none. headings: keep them, else they become paragraphs."""
    shown, tidy = [], Tidy(pages)
    tidy.level = 2
    for output in (output for cell in cells for output in cell.outputs):
        data = output.get("data", {"text/plain": output.get("text", "")})
        if "text/markdown" in data:
            html = HTMLExporter().markdown2html({}, data["text/markdown"])
        else:
            html = data.get("text/html") or f"<p>{Markup.escape(plain(data.get('text/plain', '')))}</p>"
        shown.append(tidy.clean(html if headings else re.sub(r"<(/?)h[1-6]\b", r"<\1p", html)))
    return Markup("\n").join(shown)


def plain(text):
    """A finding that is the repr of a string, without its quotation marks."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
    return value if isinstance(value, str) else text


def question(notebook):
    """The paragraph that begins with **Question, else the first one under the title."""
    prose = "\n\n".join(cell.source for cell in notebook.cells[:3] if cell.cell_type == "markdown")
    prose = re.sub(r"^#{1,6} .*$", "\n", prose, flags=re.MULTILINE)
    paragraphs = [" ".join(p.split()) for p in prose.split("\n\n")]
    paragraphs = [p for p in paragraphs if p and p[0] not in "<|-"]
    asked = [p for p in paragraphs if re.match(r"\**(The )?[Qq]uestion", p)]
    chosen = re.sub(r"^\*\*(The )?[Qq]uestion[.:]?\*\*[.:]?\s*", "", (asked or paragraphs or [""])[0])
    html = HTMLExporter(exclude_anchor_links=True).markdown2html({}, chosen)
    return Tidy().clean(html).striptags()


def write_pages(pages, settings, facts):
    """Write a page a notebook (of make_page) and the front page; return nothing. Other files in OUT stay."""
    env = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES / "site"), autoescape=True,
                             trim_blocks=True, lstrip_blocks=True)
    script = (TEMPLATES / "site" / "switch.js").read_text(encoding="utf-8")
    common = {"site": settings["title"], "facts": facts, "pages": pages, "script": Markup(script),
              "style": Markup((TEMPLATES / "site" / "style.css").read_text(encoding="utf-8")),
              "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}
    out = settings["out"]
    out.mkdir(parents=True, exist_ok=True)
    for number, page in enumerate(pages):
        around = {"before": pages[number - 1] if number else None,
                  "after": pages[number + 1] if number + 1 < len(pages) else None}
        write(out / f"{page['name']}.html", env.get_template("page.html").render(page=page, **around, **common))
    write(out / "index.html", env.get_template("index.html").render(**common))


def write(path, text):
    path.write_text(text, encoding="utf-8", errors="replace", newline="\n")


# ---------------------------------------------------------------- the two jobs

def build_report(settings, paths):
    """Run copies, write pages and tables; return the failures by file name."""
    sys.path.insert(0, str(ROOT))
    import helpers
    try:
        articles, codebook = helpers.load_articles(), helpers.load_codebook()
    except Exception as error:
        raise WrongSetting(first_line(str(error))) from error
    for path in paths:  # figures of an earlier run of the same notebook would be taken for a second chart of one title
        for old in (settings["out"] / "figures" / path.stem).glob("*.[ps][nv]g"):
            old.unlink()
    (settings["out"] / "notebooks").mkdir(parents=True, exist_ok=True)
    pages, failures, names = {}, {}, [path.stem for path in paths]
    for path, notebook, failure in run_all(paths, settings["out"] / "figures"):
        write(settings["out"] / "notebooks" / path.name, nbformat.writes(notebook) + "\n")
        pages[path] = make_page(path, notebook, failure, names)         # while the next ones run
        failures |= {path.name: failure} if failure else {}
    failures = {path.name: failures[path.name] for path in paths if path.name in failures}
    write_pages([pages[path] for path in paths], settings, made_from(helpers, articles))
    try:
        write_tables(helpers, articles, codebook, settings["out"] / "tables")
    except Exception as error:
        failures["tables"] = {"error": f"{type(error).__name__}: {first_line(str(error))}"}
    print(f"report: {settings['out'] / 'index.html'}")
    return failures


def main():
    parser = argparse.ArgumentParser(description="Run the notebooks and write the report.")
    parser.add_argument("--in-place", action="store_true", help="save the executed notebooks instead")
    parser.add_argument("--notebooks", type=Path, default=ROOT / "notebooks", help="folder of the notebooks")
    arguments = parser.parse_args()
    if arguments.in_place:
        for name in (*PATHS, "OUT", "TITLE"):
            os.environ.pop(name, None)
    try:
        settings, paths = read_settings(os.environ, arguments.notebooks)
        if arguments.in_place:
            results = list(run_all(paths))
            save_in_place(results)
            failures = {path.name: failure for path, _, failure in results if failure}
        else:
            failures = build_report(settings, paths)
    except WrongSetting as error:
        print(error, file=sys.stderr)
        return 2
    report_failures(failures)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

"""The report: safe, self-contained, accessible, the same every time."""

import re

import nbformat
import pandas as pd
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from helpers import save_table
from reporting.build import Tidy, WrongSetting, choose, normalise, plain, question, read_settings

ARTICLE = "Talks resume in Istanbul\n\nRussia and Ukraine met again.\n\nUkraine asked Russia for a truce on Friday.\n"
HOSTILE = ('<script>document.title="taken"</script><img src="https://example.org/x.png" onerror="document.title=1">'
           '<svg onload=alert(1)></svg><iframe src="https://example.org"></iframe>'
           '<a href="java\tscript:alert(1)">a</a><style>*{display:none}</style>'
           '<form action="https://example.org"><button>b</button></form><p style="background:url(//example.org)">seen')
PLAY = """HTML('<section class="state-of-play"><h3>Moved</h3><ul><li>One line<details><summary>1 article</summary>'
     '<p>A sentence.</p></details></li></ul></section>')"""
CHART = """import matplotlib.pyplot as plt
from helpers import show
fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
ax.bar(["a", "b"], [1, 2])
show(fig, alt="Two bars, the second twice as high.")"""


def tagged(cell, *tags):
    cell.metadata["tags"] = list(tags)
    return cell


def small_notebook(*more):
    return new_notebook(cells=[
        new_markdown_cell("# Who is named?\n\n**Question.** Which side comes first?", id="a1"),
        new_code_cell("from helpers import load_articles\narticles = load_articles()", id="a2"),
        new_code_cell("articles[['title', 'outlet']]", id="a3"),
        new_markdown_cell("## The chart", id="a4"),
        tagged(new_code_cell(CHART, id="a5"), "main-chart"),
        tagged(new_code_cell("from IPython.display import HTML, Markdown\nMarkdown('**Two** of two.')", id="a6"), "finding"),
        *more,
        new_markdown_cell("## Limits\nFew articles.\n\n## Exercises", id="a8"),
        tagged(new_markdown_cell("Count the kettles.", id="a9"), "exercise")])


@pytest.fixture(scope="session")
def small(shared_folder, tmp_path_factory, build):
    """A report of one article by three small notebooks, one of which fails and one of which is hostile."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "notebooks").mkdir()
    notebooks = {
        "01_good": small_notebook(tagged(new_code_cell(PLAY, id="p1"), "state-of-play")),
        "02_bad": small_notebook(new_code_cell("1 / 0", id="b1")),
        "03_hostile": small_notebook(tagged(new_code_cell(f"HTML({HOSTILE!r})", id="c1"), "evidence"),
                                     new_code_cell(f"print({HOSTILE!r})", id="c2"),
                                     new_markdown_cell(f"## {HOSTILE}\n\n![x](https://example.org/y.png)", id="c3"))}
    for name, notebook in notebooks.items():
        nbformat.write(notebook, folder / "notebooks" / f"{name}.ipynb")
    (folder / "article.txt").write_text(ARTICLE, encoding="utf-8")
    settings = {"ARTICLES": folder / "article.txt", "TITLE": "A <b>bold</b> title"}
    runs = [build("--notebooks", folder / "notebooks", OUT=folder / out, **settings) for out in ("one", "two")]
    return folder, runs[0]


def opened(browser, path, width=1280, scheme="light"):
    """A page of the report in a browser without network; what it asked for and complained of is in .complaints."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.complaints = []
    page.on("console", lambda m: page.complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))

    def only_files(route):
        if route.request.url.startswith("file:"):
            return route.continue_()
        page.complaints.append(f"asked for {route.request.url}")
        return route.abort()
    page.route(re.compile("^(?!data:)"), only_files)
    page.goto(path.as_uri())
    return page


def faults(page):
    """What is wrong with the page in front of us, as a list of lines."""
    from axe_playwright_python.sync_playwright import Axe

    found = list(page.complaints)
    found += page.eval_on_selector_all("img", "all => all.filter(i => !i.alt.trim()).map(i => 'no alt text')")
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
        found.append("scrolls sideways")
    levels = page.eval_on_selector_all("h1,h2,h3,h4,h5,h6", "all => all.map(h => +h.tagName[1])")
    if levels[:1] != [1] or levels.count(1) != 1 or any(b > a + 1 for a, b in zip(levels, levels[1:])):
        found.append(f"headings out of order: {levels}")
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    page.evaluate("document.querySelectorAll('blockquote').forEach((q, i) => { if (i > 40) q.remove(); })")     # all alike
    found += [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in Axe().run(page).response["violations"]]
    return found


@pytest.mark.parametrize("width, scheme", [(1280, "light"), (1280, "dark"), (400, "light"), (400, "dark")])
def test_every_page_of_the_report_is_sound(report, browser, width, scheme):
    found = {}
    for path in sorted(report.glob("*.html")):
        page = opened(browser, path, width, scheme)
        found[path.name] = faults(page)
        page.close()
    assert found and not {name: what for name, what in found.items() if what}


def test_report_is_complete_and_light(report):
    pages = {path.name for path in report.glob("*.html")}
    for link in re.findall(r'<h2><a href="([^"]+)"', (report / "index.html").read_text(encoding="utf-8")):
        assert link in pages
    assert {p.stem for p in (report / "tables").glob("*.csv")} == {
        "articles", "mentions", "quotes", "statements", "sentences"}
    assert all(path.stat().st_size < 1.5e6 for path in report.glob("*.html"))
    charts = sorted((report / "figures").rglob("*.png"))
    assert charts and all(chart.with_suffix(".svg").exists() for chart in charts)


def test_links_of_the_report_lead_somewhere(report, browser):
    for path in sorted(report.glob("*.html")):
        page = opened(browser, path)
        broken = page.evaluate("""[...document.querySelectorAll('a[href^="#"]')].map(a => a.getAttribute('href'))
                                  .filter(h => !document.getElementById(h.slice(1)))""")
        local = page.eval_on_selector_all("a[href]", "all => all.map(a => a.getAttribute('href'))")
        page.close()
        assert not broken, (path.name, broken)
        for link in (href for href in local if not href.startswith(("#", "http"))):
            assert (report / link.partition("#")[0]).exists(), (path.name, link)


def test_one_switch_shows_all_code(small, browser):
    folder, _ = small
    page = opened(browser, folder / "one" / "01_good.html")
    shown = "[...document.querySelectorAll('details.code')].map(d => d.open)"
    assert not any(page.evaluate(shown))
    page.click("#code-switch")
    assert all(page.evaluate(shown)) and page.get_attribute("#code-switch", "aria-pressed") == "true"
    page.click("#code-switch")
    assert not any(page.evaluate(shown))
    page.close()


def test_a_failing_notebook_does_not_hide_the_others(small):
    folder, run = small
    assert run.returncode == 1
    assert "02_bad.ipynb, cell 7 (1 / 0): ZeroDivisionError: division by zero" in run.stderr
    assert re.search(r"01_good +ok", run.stdout) and re.search(r"02_bad +FAILED", run.stdout)
    pages = {p.stem: p.read_text(encoding="utf-8") for p in (folder / "one").glob("*.html")}
    assert set(pages) == {"index", "01_good", "02_bad", "03_hostile"}
    assert "This page is not complete." in pages["02_bad"] and "not complete" not in pages["01_good"]


def test_same_input_gives_the_same_bytes(small):
    folder, _ = small
    one, two = ({p.relative_to(folder / out): p.read_bytes() for p in (folder / out).rglob("*.*") if p.stem != "02_bad"}
                for out in ("one", "two"))
    assert one == two and len(one) == 3 + 5 + 6 + 2             # pages, tables, a figure as PNG and SVG by each notebook, notebooks that ran through


def test_hostile_text_changes_nothing(small, browser):
    folder, _ = small
    for name in ("03_hostile", "index"):
        page = opened(browser, folder / "one" / f"{name}.html")
        title, wrong = page.title(), faults(page)
        page.close()
        assert not wrong and "A <b>bold</b> title" in title
    html = (folder / "one" / "03_hostile.html").read_text(encoding="utf-8")
    body = html.split("<article>")[1].split("</article>")[0]
    assert not re.search(r"<(script|img src=.http|svg|iframe|style|form|button)|<[^>]+ on\w+=|<[^>]+javascript:", body)
    assert "seen" in body


def test_hostile_articles_change_no_page(tmp_path, build, browser):
    """Markup, mathematics, formulas and link tricks in title, text and outlet, through every notebook and the tables."""
    tricks = [HOSTILE, "$$\\frac{1}{0}$$ and $x$", "=HYPERLINK(1)", "[click](javascript:alert(1)) **bold** `code`", "<b>Norland</b>"]
    rows = pd.DataFrame({"title": [f"Norland demands a truce {t}" for t in tricks], "outlet": tricks, "published": "2025-05-16",
                         "text": [f'Norland will not meet Estria, a spokesman said. "We demand {t} a truce," he said.' for t in tricks]})
    rows.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    run = build(ARTICLES=tmp_path / "a.jsonl", OUT=tmp_path / "out")
    assert run.returncode == 0, run.stderr
    for path in sorted((tmp_path / "out").glob("*.html")):
        page = opened(browser, path)
        wrong, links = faults(page), page.eval_on_selector_all("article a[href]", "all => all.map(a => a.getAttribute('href'))")
        bold = page.eval_on_selector_all("article b, article strong", "all => all.map(b => b.textContent)")
        page.close()
        assert not wrong and "bold" not in bold and "Norland" not in bold, (path.name, wrong, bold)
        assert all(re.match(r"#|[\w-]+\.html|https?://", link) for link in links), path.name
    assert not (pd.read_csv(tmp_path / "out" / "tables" / "articles.csv", dtype="str").stack().str.match(r"[=+@-]")).any()


def test_what_a_page_shows(small):
    folder, _ = small
    html = (folder / "one" / "01_good.html").read_text(encoding="utf-8")
    opening = html.split("<article>")[0]
    assert "<h1>Who is named?</h1>" in opening and "<strong>Two</strong> of two." in opening
    assert "kettles" not in html and "Exercises" not in html and "Few articles." in html
    assert 'alt="Two bars, the second twice as high."' in html and 'width="700"' in html
    front = (folder / "one" / "index.html").read_text(encoding="utf-8")
    assert "Which side comes first?" in front and "Two bars" in front and "1 article" in front
    assert '<h2 id="play">State of play</h2>' in front and "<h3 id=\"moved\">Moved</h3>" in front and "A sentence." in front


def test_without_a_state_of_play_the_findings_open_the_front_page(tmp_path, build):
    (tmp_path / "notebooks").mkdir()
    nbformat.write(small_notebook(tagged(new_code_cell("Markdown('No parties here.')", id="p1"), "state-of-play")),
                   (folder := tmp_path / "notebooks") / "01_a.ipynb")
    (tmp_path / "article.txt").write_text(ARTICLE, encoding="utf-8")
    assert build("--notebooks", folder, OUT=tmp_path / "out", ARTICLES=tmp_path / "article.txt").returncode == 0
    front = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "The main findings" in front and "No parties here." not in front and "<strong>Two</strong> of two." in front


def test_report_prints_to_clean_pages(report, browser, tmp_path):
    """Every page becomes a PDF with its folded sentences and no button or code; the front page prints its lines alone."""
    from pypdf import PdfReader

    for path in sorted(report.glob("*.html")):
        page = opened(browser, path)
        page.pdf(path=tmp_path / "page.pdf", format="A4", prefer_css_page_size=True)
        printed = ".play h3" if path.name == "index.html" else "div.evidence blockquote p, details.evidence blockquote p"
        printed = page.eval_on_selector_all(printed, "all => all.map(p => p.textContent)")
        page.close()
        words = re.sub(r"\s+", "", "".join(sheet.extract_text() for sheet in PdfReader(tmp_path / "page.pdf").pages))
        assert "Showcode" not in words and "Showallcode" not in words
        assert not printed or re.sub(r"\s+", "", printed[0])[:30] in words, path.name


@pytest.mark.parametrize("html, clean", [
    ("a < b & c", "a &lt; b &amp; c"),                                    # plain text stays text
    ("<b onclick=x()>b</b>", "<b>b</b>"),                                 # no handlers
    ("<scr<script>ipt>alert(1)</script>", "ipt&gt;alert(1)"),                         # a tag inside a tag
    ('<a href="JaVaScRiPt:x()">a</a>', "<span>a</span>"),                 # a link that runs
    ('<a href="//example.org">a</a>', "<span>a</span>"),
    ("<blink>b</blink>", "b"),                                            # unknown tags go, their text stays
    ("<math><mtext><style><img src=x onerror=x()></style></mtext></math>b", "b"),
    ("<!-- note -->b", "b"),
    ("<details open><summary>s</summary>t</details>", '<details open><summary>s</summary>t</details>'),
    ("", "")])
def test_tidy_keeps_only_what_is_safe(html, clean):
    assert str(Tidy().clean(html)) == clean


def test_tidy_orders_headings_and_keeps_ids_single():
    tidy = Tidy()
    out = tidy.prose("<h1>T</h1><h4>Deep</h4><h2>Deep</h2>") + tidy.clean('<h6>Deep</h6><p id="main">x</p>')
    assert tidy.title == "T" and tidy.outline == [(2, "deep", "Deep"), (2, "deep-2", "Deep")]
    assert out == '<h2 id="deep">Deep</h2><h2 id="deep-2">Deep</h2><h3 id="deep-3">Deep</h3><p>x</p>'


def test_tables_scroll_in_a_box_and_name_their_headers():
    html = str(Tidy().clean(pd.DataFrame({"side": ["R"], "n": [3]}).to_html()))
    assert html.startswith('<div class="scroll" tabindex="0" role="region" aria-label="Table 1"><table')
    assert '<th scope="col" class="number">n</th>' in html and '<td class="number">3</td>' in html
    assert "<th></th>" not in html and "border=" not in html
    named = str(Tidy().clean(pd.DataFrame({"n": [3]}, index=pd.Index(["R"], name="side")).to_html()))
    assert named.count("<tr>") == 2 and '>side</' in named


def test_no_cell_of_a_table_is_a_formula(tmp_path):
    table = pd.DataFrame({"text": ["=1+1", "@x", "-y", " +z", "plain", None], "n": [-1, 2, 3, 4, 5, 6]})
    save_table(table, tmp_path / "t.csv")
    out = pd.read_csv(tmp_path / "t.csv", encoding="utf-8-sig")
    assert out["text"].tolist()[:5] == ["'=1+1", "'@x", "'-y", "' +z", "plain"] and out["text"].isna()[5]
    assert out["n"].tolist() == table["n"].tolist() and table["text"][0] == "=1+1"


@pytest.mark.parametrize("name, value", [("ARTICLES", "nowhere"), ("CODEBOOK", "a.ipynb"), ("OUT", "a.ipynb"),
                                         ("ONLY", "77")])
def test_a_wrong_setting_is_named(tmp_path, name, value):
    (tmp_path / "01_a.ipynb").write_text("{}")
    (tmp_path / "a.ipynb").write_text("{}")
    value = value if name == "ONLY" else str(tmp_path / value)
    with pytest.raises(WrongSetting, match=f"^{name}=.*{value}"):
        read_settings({name: value}, tmp_path)


def test_only_takes_numbers_and_names(tmp_path):
    paths = [tmp_path / f"{stem}.ipynb" for stem in ("01_a", "02_b", "03_c")]
    assert choose(paths, "03, 01_a", tmp_path) == [paths[0], paths[2]]


def test_empty_settings_count_as_none(tmp_path):
    (tmp_path / "01_a.ipynb").write_text("{}")
    env = {"ARTICLES": "", "TITLE": " "}
    settings, _ = read_settings(env, tmp_path)
    assert env == {} and settings["title"] == "Across the Table"


def test_saved_notebooks_hold_nothing_that_changes():
    cell = new_code_cell("x", id="same", metadata={"execution": {"iopub": "12:00"}, "tags": ["finding"]})
    cell.outputs = [nbformat.v4.new_output("stream", text="<f at 0x7f00aa>"),
                    nbformat.v4.new_output("display_data", {"application/vnd.jupyter.widget-view+json": {}})]
    twin = new_markdown_cell("y", id="other")
    notebook = new_notebook(cells=[cell, twin], metadata={"language_info": {"name": "python", "version": "3.11"}})
    twin.id = "same"
    out = normalise(notebook, "n")
    assert [o.text for o in out.cells[0].outputs] == ["<f>"] and out.cells[0].metadata == {"tags": ["finding"]}
    assert out.metadata.language_info == {"name": "python"} and out.cells[1].id != "same"


def test_in_place_is_stable(tmp_path, build):
    path = tmp_path / "01_a.ipynb"
    nbformat.write(small_notebook(), path)
    saved = []
    for _ in range(2):
        run = build("--in-place", "--notebooks", tmp_path, ARTICLES="nowhere", OUT=path)
        assert run.returncode == 0, run.stderr
        saved.append(path.read_bytes())
    assert saved[0] == saved[1] and b'"execution_count": 4' in saved[0]


@pytest.mark.parametrize("text, said", [("'a'", "a"), ("a b", "a b"), ("3", "3")])
def test_plain_takes_quotation_marks_off(text, said):
    assert plain(text) == said


def test_question_is_found_in_the_first_cells():
    assert question(new_notebook(cells=[new_markdown_cell("# T\n\nIntro.\n\n**Question.** Who *is* it?")])) == "Who is it?"
    assert question(new_notebook(cells=[new_markdown_cell("# T\nIntro & more.")])) == "Intro & more."

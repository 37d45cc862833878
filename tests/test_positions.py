"""Notebooks 04 and 05 on a small made-up negotiation whose moves, blocks, offers and conditions are known."""

import contextlib
import io
import json
import os
import re
import shutil
from pathlib import Path

import lxml.html
import nbformat
import pytest
from nbclient import NotebookClient

from helpers import check

ROOT = Path(__file__).resolve().parent.parent
HOSTILE = "<script>alert(1)</script>"
SIDES = """side,role,order,label,colour,marker
Norland,party,1,Norland,#D55E00,o
Estria,party,2,Estria,#0072B2,s
"""
ACTORS = """actor,side,kind,form,pattern,case,since,until,unless_after,pronoun,note
Norland,Norland,state,name,Norland,,,,,it,
Estria,Estria,state,name,Estria,,,,,it,
"""
ISSUES = "issue,proposition,pattern,note\n" + "".join(f"{i},,{i},\n" for i in ("truce", "swap", "talks", "harbour", "ferry"))
EVENTS = "event,date,label,round\nfirst,2030-03-01,The first round,1\nsecond,2030-04-01,The second round,2\n"
RECALLED = "Estria demanded the ferry in the long and cold winter of the year before the first of all these rounds began."
MARCH = ["Norland rejects a truce.", "Estria demands a swap.", RECALLED]
APRIL = {  # what each outlet reports after the second round
    "A": ["Norland demands a truce.", "Estria rejects the swap.", "Norland demands the harbour.", "Estria proposed talks."],
    "B": ["Norland demands a truce.", "Estria demands a swap.", "Estria rejects the harbour.", "Estria proposed talks."],
    "C": ["Norland demands a truce.", "Estria demands a swap.", "Estria rejects the harbour.",
          "Norland will agree to the swap only after a thaw.", RECALLED.replace("demanded", "rejected")]}


def run(name, folder):
    """The notebook after a run on the articles and the codebook of folder."""
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4)
    env = os.environ | {"ARTICLES": str(folder / "articles.json"), "CODEBOOK": str(folder / "codebook"), "GOLD": "",
                        "MPLBACKEND": "agg"}
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(folder)}},
                   extra_arguments=["--log-level=50"]).execute(env=env)
    return notebook


@pytest.fixture(scope="module")
def talks(tmp_path_factory):
    """A folder with articles.json and codebook/: three outlets, two rounds, a hostile title."""
    folder = tmp_path_factory.mktemp("talks")
    (folder / "codebook").mkdir()
    for name, text in (("sides", SIDES), ("actors", ACTORS), ("issues", ISSUES), ("events", EVENTS)):
        (folder / "codebook" / f"{name}.csv").write_text(text, "utf-8")
    shutil.copy(ROOT / "data" / "codebook" / "stances.csv", folder / "codebook")
    articles = [{"title": f"Round {month} {HOSTILE}", "outlet": outlet, "published": f"2030-{month:02}-{day:02}",
                 "body": "\n\n".join([*body, "“The sea is calm,” Norland said."])}
                for outlet, april in APRIL.items() for day in (5, 6) for month, body in ((3, MARCH), (4, april))]
    (folder / "articles.json").write_text(json.dumps(articles), "utf-8")
    return folder


@pytest.fixture(scope="module")
def positions(talks):
    return run("05_positions", talks)


@pytest.fixture(scope="module")
def play(positions):
    """{heading: [(line without its sentences, its sentences)]} of the State of play, and its HTML under None."""
    output, = [o for cell in positions.cells if "state-of-play" in cell.metadata.get("tags", ()) for o in cell.outputs]
    section = lxml.html.fragment_fromstring(output.data["text/html"])
    assert (section.tag, section.get("class")) == ("section", "state-of-play")
    found = {None: output.data["text/html"]}
    for heading in section.iter("h3"):
        lines = heading.getnext().findall("li") if heading.getnext().tag == "ul" else []
        found[heading.text] = [(line.text_content().split("The sentences")[0], line.find("details").text_content())
                               for line in lines]
    return found


def test_moved_is_what_two_outlets_report_otherwise_than_before(play):
    (line, sentences), = play["Moved"]                          # not the swap, which one outlet alone reports otherwise
    assert "Norland on truce: reported against between rounds 1 and 2, for after round 2." in line
    assert "5 Mar 2030 to 6 Apr 2030; A, B, C; 12 articles" in line
    assert "Norland rejects a truce." in sentences and "Norland demands a truce." in sentences


def test_blocked_is_where_the_latest_positions_are_opposed(play):
    assert [line.split(" (")[0] for line, _ in play["Blocked"]] == ["harbour"]
    assert "Norland reported for it, Estria against" in play["Blocked"][0][0]


def test_an_offer_without_an_answer_says_so(play):
    (line, sentences), = play["Offered and answered"]
    assert line.startswith("Estria makes an offer on talks (4 articles). Answers reported: none.") and "proposed" in sentences


def test_a_condition_stands_in_the_words_of_the_article(play):
    (line, _), = play["Conditions"]
    assert line.startswith("Norland on swap, lately: “only after a thaw”.") and "C; 2 articles" in line


def test_recurring_paragraphs_are_shown_apart(play):
    assert "ferry" not in "".join(line for lines in list(play.values())[1:] for line, _ in lines)
    assert re.search(r"Left out: \d+ statements in paragraphs", play[None]) and "the ferry in the long" in play[None]


def test_every_cell_of_the_matrix_leads_to_its_sentences(positions):
    page, = [o.data["text/html"] for cell in positions.cells for o in cell.get("outputs", ())
             if "#cell-" in o.get("data", {}).get("text/html", "")]
    root = lxml.html.fragment_fromstring(page, create_parent="div")
    links = [a.get("href")[1:] for a in root.iter("a")]
    assert len(links) == len(set(links)) >= 7
    for link in links:
        cell, = root.xpath(f"//details[@id='{link}']")
        assert cell.get("open") is not None and cell.findall(".//blockquote")


@pytest.mark.parametrize("name", ["04_voices", "05_positions"])
def test_words_of_articles_stay_words(name, talks, positions):
    notebook = positions if name == "05_positions" else run(name, talks)
    shown = [text for cell in notebook.cells for o in cell.get("outputs", ())
             for kind, text in o.get("data", {}).items() if kind in ("text/html", "text/markdown")]
    assert not any("<script" in text.lower() for text in shown)
    assert any("&#60;script&#62;" in text for text in shown)


def test_without_parties_and_dates_the_state_of_play_says_why(talks, tmp_path):
    shutil.copytree(talks / "codebook", tmp_path / "codebook")
    (tmp_path / "codebook" / "sides.csv").write_text(SIDES.replace("party", "other"), "utf-8")
    articles = [{**article, "published": ""} for article in json.loads((talks / "articles.json").read_text("utf-8"))]
    (tmp_path / "articles.json").write_text(json.dumps(articles), "utf-8")
    cell, = [c for c in run("05_positions", tmp_path).cells if "state-of-play" in c.metadata.get("tags", ())]
    html = cell.outputs[0].data["text/html"]
    assert "No article has a date, so nothing can be seen to move." in html
    assert "The codebook names no parties, so nothing can be blocked between them." in html
    assert "Estria</b> makes an offer" in html


@pytest.mark.parametrize("name", ["04_voices", "05_positions"])
def test_folded_solutions_solve_the_exercises(name):
    cells = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", as_version=4).cells
    solved = 0
    for cell, after in zip(cells, cells[1:]):
        code = re.search(r"<details><summary>Solution</summary>\s*```python\n(.*?)```", after.source, re.DOTALL)
        if cell.cell_type == "code" and code:
            checks = cell.source[cell.source.index("check("):]
            with contextlib.redirect_stdout(io.StringIO()) as said:
                exec(code[1] + "\n" + checks, {"check": check})
            assert said.getvalue() == "Right, in all cases.\n", cell.source
            solved += 1
    assert solved == 3

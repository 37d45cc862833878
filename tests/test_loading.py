"""Loading: files in every form and encoding, furniture, leads, problems. All texts here are made up for the tests."""

import gzip
import json
import tempfile
import time
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import helpers
from helpers import as_articles, problems

REAL = Path(__file__).resolve().parents[1].parent / "shared" / "real"
COLUMNS = ["article_id", "outlet", "published", "title", "lead", "body", "text", "dateline", "url", "author", "views",
           "comments", "machine_translated", "composed", "furniture", "source_file"]
BODY = ["The delegations met for two hours in the old town hall.",
        "A spokesman called the meeting useful and said that another one would follow within a week."]
LEAD = "Both sides agreed on little more than the date of their next meeting."
PAGE = "\n\n".join(["Talks end without a deal", *BODY])
CODEBOOK = helpers.load_codebook()


def load_articles(path=None, columns=None, codebook=CODEBOOK):
    """The helper with a codebook that is read once for all tests."""
    return helpers.load_articles(path, columns, codebook)


@pytest.fixture
def write(tmp_path):
    """write(name, content) puts a file into a folder of its own and returns its path."""
    def put(name, content):
        file = tmp_path / "articles" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file
    return put


@pytest.fixture
def page(write):
    """page(block, block, ...) loads one saved page of these lines and returns its row."""
    return lambda *blocks: load_articles(write("page.txt", "\n".join(blocks))).iloc[0]


@pytest.fixture
def record(write):
    """record(title=..., text=...) loads one JSON line and returns its row."""
    return lambda **values: load_articles(write("one.jsonl", json.dumps(values))).iloc[0]


def furniture_of(row):
    return [] if pd.isna(row["furniture"]) else row["furniture"].split("\n")


# -- the table ----------------------------------------------------------------------------------------------------------

def test_as_articles_makes_the_whole_table_and_leaves_its_input_alone():
    frame = pd.DataFrame({"title": ["One", None], "body": ["Two.", "Three."], "views": ["12", None]}, index=[7, 7])
    before = frame.copy()
    articles = as_articles(frame)
    assert list(articles.columns) == COLUMNS
    assert list(articles["text"]) == ["One\n\nTwo.", "Three."]      # parts that are missing leave no blank lines
    assert list(articles["article_id"]) == ["1", "2"]              # from the row number
    assert articles["views"].dtype == "Int64" and articles["published"].dtype == "datetime64[us]"
    assert articles["title"].dtype == "str" and articles["lead"].isna().all() and articles["composed"].dtype == bool
    assert_frame_equal(frame, before)
    assert_frame_equal(as_articles(articles), articles)             # a table of articles is one already


def test_as_articles_keeps_text_as_body_and_dtypes_when_empty():
    assert as_articles(pd.DataFrame({"text": ["  odd\tspacing \n"]})).loc[0, "body"] == "  odd\tspacing \n"
    assert_frame_equal(as_articles(pd.DataFrame()), as_articles(pd.DataFrame({"body": ["x"]})).iloc[:0])


def test_as_articles_reads_flags_and_dates_saved_as_text():
    row = as_articles(pd.DataFrame({"body": ["x"], "composed": ["True"], "published": ["2025-05-16T01:00:00+03:00"]})).loc[0]
    assert row["composed"] and row["published"] == pd.Timestamp("2025-05-15 22:00")


@pytest.mark.parametrize("ids", [["a", "a"], ["a", None]])
def test_an_article_id_that_is_missing_or_stands_twice_is_an_error(ids):
    with pytest.raises(ValueError, match="row 2"):
        as_articles(pd.DataFrame({"article_id": ids, "body": ["x", "y"]}))


@settings(deadline=None, derandomize=True)
@given(st.lists(st.text()))
def test_as_articles_changes_no_character(texts):
    articles = as_articles(pd.DataFrame({"body": pd.Series(texts, dtype="str")}))
    assert list(articles["body"]) == texts
    assert [text if isinstance(text, str) else "" for text in articles["text"]] == texts


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(st.text(), min_size=1))
def test_jsonl_loses_no_article(texts):
    """Every record is an article or, where it holds no visible character, a problem with its line."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "export.jsonl"
        lines = [json.dumps({"title": "A headline", "text": "Seen."})] + [json.dumps({"text": text}) for text in texts]
        file.write_text("\n".join(lines))
        articles = load_articles(file)
        again = load_articles(file)
    left_out = problems(articles)["problem"].str.contains("left out").sum()
    assert len(articles) + left_out == len(lines)
    assert_frame_equal(articles, again)
    assert articles["text"].notna().all()


# -- formats ------------------------------------------------------------------------------------------------------------

ROWS = [{"Headline": "Talks end", "Summary": LEAD, "Content": BODY[0], "Source": "The Lantern",
         "Pub Date": "Fri, 16 May 2025 14:30:00 +0300", "Link": "https://example.org/1", "Byline": "Jane Doe"},
        {"Headline": "Talks, again; \"soon\"", "Summary": "", "Content": " ".join(BODY), "Source": "The Lantern",
         "Pub Date": "2025-05-17", "Link": "", "Byline": ""}]


def table_bytes(kind):
    frame = pd.DataFrame(ROWS)
    if kind == "xlsx":
        with tempfile.TemporaryDirectory() as folder:
            frame.to_excel(Path(folder) / "t.xlsx", index=False)
            return (Path(folder) / "t.xlsx").read_bytes()
    return {"csv": lambda: frame.to_csv(index=False), "tsv": lambda: frame.to_csv(index=False, sep="\t"),
            "json": lambda: json.dumps({"status": "ok", "articles": ROWS}),
            "jsonl": lambda: "\n".join(map(json.dumps, ROWS))}[kind]().encode()


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("kind", ["csv", "tsv", "xlsx", "json", "jsonl"])
def test_tables_in_every_format(write, kind, zipped):
    content = table_bytes(kind)
    name = f"export.{kind}.gz" if zipped else f"export.{kind}"
    articles = load_articles(write(name, gzip.compress(content) if zipped else content))
    assert list(articles["article_id"]) == [f"{name}#1", f"{name}#2"]
    assert list(articles["title"]) == ["Talks end", "Talks, again; \"soon\""]
    assert articles.loc[0, ["lead", "body", "outlet", "author"]].tolist() == [LEAD, BODY[0], "The Lantern", "Jane Doe"]
    assert articles.loc[0, "url"] == "https://example.org/1" and pd.isna(articles.loc[1, "url"])
    assert list(articles["published"]) == [pd.Timestamp("2025-05-16 11:30"), pd.Timestamp("2025-05-17")]
    assert problems(articles).empty


@pytest.mark.parametrize("zipped", [False, True])
def test_a_folder_mixes_formats_and_is_read_in_order(write, zipped):
    write("b/page.txt.gz" if zipped else "b/page.txt", gzip.compress(PAGE.encode()) if zipped else PAGE)
    write("a.jsonl", json.dumps({"title": "First", "text": "One."}))
    write(".hidden/x.txt", "never read")
    articles = load_articles(write("c.TXT", "One flat line. It is all body.").parent)
    assert list(articles["source_file"]) == ["a.jsonl", "b/page.txt.gz" if zipped else "b/page.txt", "c.TXT"]
    assert list(articles["article_id"]) == ["a.jsonl#1", *articles["source_file"][1:]]
    assert articles.loc[1, "title"] == "Talks end without a deal" and articles.loc[1, "body"] == "\n\n".join(BODY)
    assert pd.isna(articles.loc[2, "title"]) and articles.loc[2, "body"] == "One flat line. It is all body."


def test_html_gives_the_article_and_not_the_menu(write):
    paragraphs = "".join(f"<p>{text} It took place on a quiet day &amp; nobody hurried.</p>" for text in [*BODY, LEAD])
    html = (f"<html><head><title>Talks end</title><meta property='og:title' content='Talks end'>"
            f"<meta property='og:site_name' content='The Lantern'></head><body><nav><a href='/'>Home</a></nav>"
            f"<article><h1>Talks end</h1>{paragraphs}</article><footer>Imprint</footer></body></html>")
    row = load_articles(write("page.html", html)).iloc[0]
    assert row["title"] == "Talks end" and row["outlet"] == "The Lantern"
    assert row["body"].startswith(BODY[0]) and "day & nobody" in row["body"]
    assert "Home" not in row["text"] and "Imprint" not in row["text"] and row["text"].count("Talks end") == 1


def test_columns_says_which_column_is_which(write):
    file = write("t.csv", "kopf,inhalt,text\nA headline,Words that count.,an internal note\n")
    articles = load_articles(file, columns={"kopf": "title", "inhalt": "body", "lost": "url"})
    assert articles.loc[0, "text"] == "A headline\n\nWords that count."    # a named column goes before a common one
    assert problems(articles).loc[0, "problem"] == "has no column 'lost', which columns= names"
    with pytest.raises(ValueError, match="allowed are article_id, outlet"):
        load_articles(file, columns={"kopf": "headline"})


def test_nested_records_of_feeds_are_read(record):
    row = record(title="A headline", content=[{"type": "text/html", "value": "<p>One.</p><p>Two &amp; <b>three</b>.</p>"}],
                 source={"title": "The Lantern"}, authors=[{"name": "Jane Doe"}], published_parsed=[2025, 5, 16, 9, 5, 0, 4, 136, 0])
    assert row["body"] == "One.\n\nTwo & three." and row["outlet"] == "The Lantern" and row["author"] == "Jane Doe"
    assert row["published"] == pd.Timestamp("2025-05-16 09:05")


def test_a_json_file_may_hold_lines_or_one_record(write):
    write("lines.json", "\n".join(map(json.dumps, ROWS)))
    articles = load_articles(write("one.json", json.dumps({"title": "Alone", "text": "One.", "tags": [{"t": 1}]})).parent)
    assert list(articles["article_id"]) == ["lines.json#1", "lines.json#2", "one.json#1"]


def test_a_csv_may_use_semicolons_hold_long_cells_and_the_word_na(write):
    long = "word " * 60_000                                          # beyond the csv module's limit of 131,072 characters
    row = load_articles(write("t.csv", f"\ufefftitle;text\nNA;\"First; line\n{long}\"\n")).iloc[0]
    assert row["title"] == "NA" and row["body"].startswith("First; line\n\nword word") and len(row["body"]) > 299_000


@pytest.mark.parametrize("written, read", [
    ("Fri, 16 May 2025 12:00:00 GMT", "2025-05-16 12:00"), ("Fri, 16 May 2025 12:00:00 EDT", "2025-05-16 16:00"),
    ("16 May 2025 23:30:00 -0130", "2025-05-17 01:00"), ("2025-05-16T12:00:00Z", "2025-05-16 12:00"),
    ("2025-05-16 12:00:00.5+02:00", "2025-05-16 10:00:00.5"), ("20250516", "2025-05-16"), ("May 16, 2025", "2025-05-16"),
    ("time.struct_time(2025, 5, 16, 7, 0, 0)", "2025-05-16 07:00"), ("[2025, 5, 16]", "2025-05-16"),
    ("05/06/2025", None), ("yesterday", None), ("May", None), ("2025-13-01", None), ("[2025]", None), (7, None)])
def test_dates(record, write, written, read):
    """Offsets are converted; what could be read in two ways, or leans on today, is left unread and said so."""
    articles = load_articles(write("d.jsonl", json.dumps({"text": "Words.", "date": written})))
    assert articles["published"].dtype == "datetime64[us]"
    assert articles.loc[0, "published"] == pd.Timestamp(read) if read else pd.isna(articles.loc[0, "published"])
    assert len(problems(articles)) == (read is None)


def test_articles_csv_says_what_pages_do_not(tmp_path, write):
    """It lies beside the folder or in it, is no article, and names files that may be gone."""
    write("a.txt", PAGE)
    write("b.txt", PAGE + "\n\nMore.")
    folder = write("t.jsonl", json.dumps({"text": "Own words.", "source": "Own outlet"})).parent
    write("articles.csv", "file,outlet,published,url,events\nb.txt,The Harbour,2025-05-18,,talks\nt.jsonl,Sheet outlet,2025-05-19,,\n")
    (tmp_path / "articles.csv").write_text("file;outlet;published\narticles/a.txt;The Lantern;16 May 2025\ngone.txt;X;\n")
    articles = load_articles(folder)
    assert list(articles["outlet"]) == ["The Lantern", "The Harbour", "Own outlet"]  # a row's own word goes first
    assert list(articles["published"].dt.day) == [16, 18, 19]
    assert problems(articles)["problem"].tolist() == ["names a file that is not there: gone.txt"]
    assert load_articles(folder / "b.txt").loc[0, "outlet"] == "The Harbour"          # a single file has its sheet too


def test_a_table_called_articles_csv_is_read_as_a_table(write):
    assert len(load_articles(write("articles.csv", "title,text\nA,One.\nB,Two.\n").parent)) == 2


def test_the_path_may_come_from_the_environment(write, monkeypatch):
    monkeypatch.setenv("ARTICLES", str(write("a.txt", PAGE).parent))
    assert helpers.load_articles()["article_id"].tolist() == ["a.txt"]


# -- characters ---------------------------------------------------------------------------------------------------------

CURLY = "A headline\n\nThe caf\u00e9 owner said \u201cyes\u201d \u2013 and paid 5\u00a0\u20ac for it.\n\nThat was all."


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_encodings(write, encoding):
    row = load_articles(write("a.txt", CURLY.encode(encoding))).iloc[0]
    assert row["title"] == "A headline" and row["body"].startswith("The caf\u00e9 owner said \u201cyes\u201d \u2013 and paid 5 \u20ac")


def test_other_encodings_are_guessed_or_declared(write):
    russian = "Переговоры закончились. Делегации встретятся снова через неделю, сообщил представитель."
    assert "Делегации" in load_articles(write("a.txt", russian.encode("cp1251"))).loc[0, "text"]
    declared = f"<html><head><meta charset='koi8-r'></head><body><p>{russian * 5}</p></body></html>".encode("koi8-r")
    assert "Делегации" in load_articles(write("b.html", declared)).loc[0, "text"]


@pytest.mark.parametrize("line_break", ["\n", "\r", "\r\n", "\n\n", "\r\r", "\r\n \t\r\n", "\u2028"])
def test_line_breaks(write, line_break):
    row = load_articles(write("a.txt", PAGE.replace("\n\n", line_break))).iloc[0]
    assert row["title"] == "Talks end without a deal" and row["body"] == "\n\n".join(BODY)


def test_white_space_and_invisible_characters(record):
    row = record(title=" A\u200b head\u00adline\ufeff ", text="It\u00a0cost\t1\u00a0000 or 2\u2009500\u202feuros &mdash; &quot;a lot&quot;.")
    assert row["title"] == "A headline"
    assert row["body"] == "It cost 1\u00a0000 or 2\u00a0500 euros \u2014 \"a lot\"."   # digits stay held together


def test_half_a_surrogate_and_control_characters_do_no_harm(write):
    row = load_articles(write("a.jsonl", '{"text": "Odd \\ud83d and \\u0000 here."}')).iloc[0]
    assert row["body"] == "Odd and here."


def test_a_page_wrapped_at_a_column_is_unwrapped(write):
    wrapped = ("A headline\n\n" + "The delegations met for two hours in the old town hall and\n"
               "then went home without a word to the waiting reporters, who\nhad been told to stay.\n\n" + BODY[0])
    row = load_articles(write("a.txt", wrapped)).iloc[0]
    assert row["body"].split("\n\n") == ["The delegations met for two hours in the old town hall and then went home without a "
                                         "word to the waiting reporters, who had been told to stay.", BODY[0]]


# -- title, lead, body --------------------------------------------------------------------------------------------------

def test_the_second_block_is_the_lead_if_furniture_follows(page):
    row = page("A headline", LEAD, "120 views 3 comment(s)", *BODY)
    assert (row["lead"], row["views"], row["comments"]) == (LEAD, 120, 3)
    assert row["body"] == "\n\n".join(BODY)


def test_the_second_block_is_the_lead_if_the_body_repeats_it(page):
    row = page("A headline", LEAD, BODY[0], LEAD, BODY[1])
    assert row["lead"] == LEAD and row["body"] == "\n\n".join(BODY) and furniture_of(row) == [LEAD]


@pytest.mark.parametrize("blocks", [
    ("A headline", LEAD, *BODY),                                  # nothing tells it from a first paragraph
    ("A headline", "By Jane Doe", LEAD, *BODY),                   # furniture precedes it
    ("A headline", LEAD, "Bonus video:"),                         # nothing else would be left to read
    ("A headline", "HARBOUR CITY, May 26. /TASS/. " + LEAD, "Photo: The Lantern", *BODY)])  # a dateline opens the body
def test_otherwise_there_is_no_lead(page, blocks):
    row = page(*blocks)
    assert pd.isna(row["lead"]) and row["body"].startswith(LEAD)


def test_a_table_reads_a_repeated_lead_once(record):
    row = record(title="A headline", summary=LEAD, text=f"{LEAD} {BODY[0]}")
    assert (row["lead"], row["body"], furniture_of(row)) == (LEAD, BODY[0], [LEAD])
    row = record(title="A headline", summary="A headline", text=BODY[0])     # a lead that is the title
    assert pd.isna(row["lead"]) and furniture_of(row) == ["A headline"]
    row = record(title="A headline", summary=LEAD, text=f"A headline\n{LEAD}\n{BODY[0]}")
    assert row["text"] == f"A headline\n\n{LEAD}\n\n{BODY[0]}"


@pytest.mark.parametrize("cut", [LEAD[:40] + "...", LEAD[:40] + " [\u2026]", LEAD[:40], LEAD[:40] + "."])
def test_a_lead_that_breaks_off_inside_the_body_is_read_there(record, cut):
    row = record(title="A headline", summary=cut, text=f"{LEAD} {BODY[0]}")
    assert pd.isna(row["lead"]) and row["body"] == f"{LEAD} {BODY[0]}" and furniture_of(row) == [cut]


def test_an_article_is_never_taken_off_whole(record):
    assert record(text="Advertisement")["text"] == "Advertisement"
    assert record(summary=LEAD, text=LEAD)["text"] == LEAD


# -- furniture ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("line", [
    "4,405 views", "12 comments", "1.2K shares", "5 min read", "3 hours ago", "Minister at the door, Photo: Agency",
    "Photo: Jane Doe/The Lantern", "[Jane Doe/The Lantern]", "File photo: the town hall (The Lantern)", "Credit: Jane Doe",
    "Photo credit: City press office", "Image caption, The town hall", "By Jane Doe", "By Jane Doe and John Roe",
    "Written by Jane Doe", "Edited by: John Roe", "(Reporting by Jane Doe; Editing by John Roe)", "Bonus video:",
    "Read also: Ministers meet again in the spring", "READ MORE: Ministers meet", "Also read: Ministers meet again",
    "Related articles", "Watch: Ministers leave the hall", "Sign up for our newsletter", "Subscribe to our newsletter for more",
    "Already a subscriber? Log in.", "Log in to comment", "Donate now", "Support independent journalism today",
    "Become a member", "\u00a9 2025 The Lantern. All rights reserved.", "Copyright 2025 The Lantern", "All rights reserved",
    "Share this article", "Share on Facebook", "Follow us on Telegram", "To view this video please enable JavaScript",
    "Jane Doe contributed to this report.", "Jane Doe, John Roe and Max Moe contributed to this report.",
    "With files from The Harbour", "Updated: 16 May 2025, 10:15", "May 16, 2025", "Advertisement", "* Read more"])
def test_furniture_is_taken_off_and_kept(page, line):
    row = page("A headline", BODY[0], line, BODY[1])
    assert furniture_of(row) == [line] and line not in row["text"] and BODY[1] in row["text"]


@pytest.mark.parametrize("line", [
    "The film had 4405 views in May.", "Share prices fell on Monday.", "Support for the plan has grown.",
    "By Monday the delegations had left the town.", "Watch makers reported a good year.", "He said: read more books.",
    "Photographs of the hall were shown to reporters.", "In the photos, ministers smile at each other.",
    "Subscribers left the newspaper in large numbers.", "Comments by the minister were brief.", "Join the alliance, he said.",
    "The disclaimer was translated for the court.", "Copyright law will be discussed in autumn.", "NATO \u2013 the alliance \u2013 met.",
    "Credit markets were calm.", "Both sides contributed to the deal.", "Video games were not on the table.",
    "Related questions were put off.", "Translation by machine was part of the dispute.", "Log books were checked.", "It was a telling picture: Ministers and no deal.",
    "(Photo: The Lantern) The ministers said nothing at all."])
def test_real_sentences_stay(page, line):
    """The danger in every pattern: a sentence that begins or ends like furniture."""
    row = page("A headline", BODY[0], line, BODY[1])
    assert furniture_of(row) == [] and line in row["text"]


def test_furniture_of_a_flat_text_goes_from_both_ends_only(record):
    before = "This material may not be published, broadcast or rewritten. \u00a92025 The Lantern. All rights reserved."
    middle = f"HARBOUR CITY (AP) -- {BODY[0]} Share this article. {BODY[1]}"
    row = record(title="A headline", text=f"{before} {middle} Jane Doe contributed to this report. Advertisement")
    assert row["body"] == f"{BODY[0]} Share this article. {BODY[1]}"       # in the middle, in doubt: it stays
    assert row["dateline"] == "HARBOUR CITY (AP) --"
    assert " ".join(furniture_of(row)) == f"{before} HARBOUR CITY (AP) -- Jane Doe contributed to this report. Advertisement"


def test_a_read_also_line_takes_no_real_sentence_with_it(record):
    text = f"{BODY[0]} Read also: Ministers meet again. {BODY[1]}"
    assert record(title="A headline", text=text)["body"] == text


def test_the_closing_sentence_of_a_paragraph_may_be_furniture(page):
    row = page("A headline", f"{BODY[0]} Photo: Jane Doe", f"{BODY[1]} (Editing by John Roe)")
    assert row["body"] == "\n\n".join(BODY) and furniture_of(row) == ["Photo: Jane Doe", "(Editing by John Roe)"]


@pytest.mark.parametrize("dateline", [
    "MOSCOW, May 26. /TASS/.", "NEW YORK, 26 May. /TASS/.", "ANKARA (AA) -", "TEHRAN, May 21 (MNA) \u2013", "CNN \u2014",
    "WASHINGTON (AP) --", "TEHRAN (Tasnim) \u2013", "KYIV, Ukraine (AP) \u2014", "Kyiv, May 16 (Ukrinform).", "London (CNN) \u2014",
    "MOSCOW/KYIV, May 16 (Reuters) -", "UST-LUGA /Leningrad Region/, May 26. /TASS/.", "KYIV. May 16 (Interfax-Ukraine) -", "ST. PETERSBURG, May 2. /TASS/.", "WASHINGTON \u2014", "BEIJING, May 16 (Xinhua) --"])
def test_datelines(page, record, dateline):
    for row in (page("A headline", f"{dateline} {BODY[0]}", BODY[1]), record(title="A headline", text=f"{dateline}  {' '.join(BODY)}")):
        assert row["dateline"] == dateline and row["body"].startswith("The delegations") and furniture_of(row) == [dateline]


@pytest.mark.parametrize("text", [
    "NATO \u2014 which had no part in it \u2014 kept silent.", "US \u2013 Harbour talks go on.", "May 26 (Monday) was a quiet day.",
    "The minister (Reuters) said so.", "HARBOUR CITY, May 26 was the place and the day."])
def test_what_only_looks_like_a_dateline_stays(record, text):
    row = record(title="A headline", text=f"{text} {BODY[0]}")
    assert pd.isna(row["dateline"]) and row["body"].startswith(text)


def test_what_furniture_says_of_the_page(page):
    row = page("A headline", LEAD, "By Jane Doe and John Roe", "3.4K views", "7 comments", *BODY,
               "Disclaimer: This text was translated by a program.", "Composed for teaching; this outlet does not exist")
    assert (row["author"], row["views"], row["comments"]) == ("Jane Doe and John Roe", 3400, 7)
    assert row["machine_translated"] and row["composed"] and len(furniture_of(row)) == 5
    other = page("A headline", *BODY)
    assert not other["machine_translated"] and not other["composed"] and pd.isna(other["views"])


def test_furniture_patterns_of_ones_own(write):
    class codebook:
        furniture = pd.DataFrame({"pattern": ["Our gar*n: ...", "AA news -"], "where": ["line", "start"], "sets": ["", "dateline"]})
    row = load_articles(write("a.txt", f"A headline\nOur garden: roses\nHARBOUR news - {BODY[0]}\nAdvertisement"), codebook=codebook).iloc[0]
    assert row["body"] == f"{BODY[0]}\n\nAdvertisement" and row["dateline"] == "HARBOUR news -"
    codebook.furniture = codebook.furniture.iloc[:0]
    assert pd.isna(load_articles(write("a.txt", PAGE), codebook=codebook).loc[0, "furniture"])


def test_no_pattern_blows_up(write):
    lines = ["A" * 390, "Aa " * 34, "1," * 195, "By " + "Aa-" * 100, "( " * 34, "Photo: " * 34, "AA " * 130]
    start = time.process_time()
    load_articles(write("a.txt", "A headline\n" + "\n".join(line + "x" for line in lines)))
    assert time.process_time() - start < 2


# -- problems -----------------------------------------------------------------------------------------------------------

def test_nothing_is_lost_and_nothing_crashes(write, monkeypatch):
    monkeypatch.setitem(helpers.load_articles.__globals__, "LARGEST_PAGE", 5000)
    write("a.txt", PAGE)
    write("b_same.txt", PAGE)
    write("c_empty.txt", " \n")
    write("d_binary.txt", bytes(range(256)) * 4)
    write("e_large.txt", "word " * 2000)
    write("f_broken.txt.gz", b"\x1f\x8b nothing")
    write("g_broken.xlsx", b"no workbook")
    write("h.docx", b"x")
    write("i.jsonl", '{"title": "Good", "text": "One."}\n{"title": "Bad"\n[1]\n\n{"title": "", "text": " "}\n' + "[" * 100_000)
    write("j.csv", "title,text\nToo,many,cells\nFew\nGood,Two.\n")
    write("k.html", "<html></html>")
    articles = load_articles(write("l.json", "{}").parent)
    assert list(articles["article_id"]) == ["a.txt", "i.jsonl#1", "j.csv#1", "j.csv#2", "j.csv#3"]
    found = {(row.file, None if pd.isna(row.line) else row.line): row.problem for row in problems(articles).itertuples()}
    expected = {("b_same.txt", None): "the same content as a.txt", ("c_empty.txt", None): "empty", ("d_binary.txt", None): "binary",
                ("e_large.txt", None): "too large", ("f_broken.txt.gz", None): "could not be read",
                ("g_broken.xlsx", None): "could not be read", ("h.docx", None): "not a format that is read (.docx)",
                ("i.jsonl", 2): "not JSON", ("i.jsonl", 3): "not a record", ("i.jsonl", 5): "left out", ("i.jsonl", 6): "not JSON",
                ("j.csv", 2): "3 cells", ("j.csv", 3): "row without text", ("k.html", None): "no article text",
                ("l.json", 1): "left out"}
    assert found.keys() == expected.keys()
    assert all(words in found[place] for place, words in expected.items())
    assert list(problems(articles).dtypes.astype(str)) == ["str", "Int64", "str", "str"]
    assert all(type(row) is dict for row in articles.attrs["problems"])     # plain, so that concat and merge work
    assert len(pd.concat([articles, articles])) == 10


def test_problems_are_an_empty_table_where_there_are_none(write):
    frame = problems(load_articles(write("a.txt", PAGE)))
    assert frame.empty and list(frame.columns) == ["file", "line", "problem", "allowed"] and frame["line"].dtype == "Int64"


def test_no_article_and_no_folder_are_clear_errors(write):
    folder = write("a.pdf", b"x").parent
    with pytest.raises(ValueError, match=r"No article found in .*articles.*a.pdf: not a format.*\.jsonl"):
        load_articles(folder)
    with pytest.raises(FileNotFoundError, match="There is no file or folder"):
        load_articles(folder / "nowhere")


# -- real text, where it lies beside the project ------------------------------------------------------------------------

def real(name):
    if not (REAL / name).exists():
        pytest.skip(f"../shared/real/{name} is not here")
    return REAL / name


def test_the_seed_article():
    articles = load_articles(real("seed_article.txt"))
    row = articles.iloc[0]
    assert (row["article_id"], row["views"], row["comments"]) == ("seed_article.txt", 4405, 1)
    assert row["machine_translated"] and not row["composed"] and pd.isna(row["published"])
    assert row["title"].startswith("Kremlin") and row["lead"].startswith("Peskov said")
    pieces = furniture_of(row)
    assert len(pieces) == 6 and pieces[1] == pieces[2] and pieces[4] == row["lead"] and row["text"].count(row["lead"]) == 1
    assert len(row["body"].split("\n\n")) == 10 and "1.000 prisoners" in row["body"]


def visible(text):
    return [character for character in text if character.isprintable() and character != " "]


def test_the_export():
    """Every record is loaded, dated and named, and every visible character is read or kept as furniture."""
    path = real("news_export.jsonl.gz")
    articles = load_articles(path)
    records = [json.loads(line) for line in gzip.open(path, "rt", encoding="utf-8")]
    assert len(articles) == len(records) == 389 and problems(articles).empty
    assert articles["published"].notna().all() and articles["outlet"].nunique() == len({row["source"] for row in records})
    for record, row in zip(records, articles.itertuples()):
        kept = (part for part in (row.title, row.lead, row.body, row.furniture) if isinstance(part, str))
        given = visible(record["title"] + record["summary"] + record["text"])
        assert len(visible("".join(kept))) >= 0.99 * len(given)        # a lead that is the title may go
    agency = articles[articles["outlet"] == "tass"]
    assert (agency["dateline"].notna() | ~agency["body"].str.contains("/TASS/", regex=False)).all()
    lines = articles["furniture"].dropna().str.split("\n").explode()
    assert lines.str.split().str.len().max() < 120


def test_speed_of_jsonl(tmp_path):
    """5 MB a second is the aim; the bound leaves room for a busy machine."""
    content = gzip.open(real("news_export.jsonl.gz")).read() * 4
    file = tmp_path / "export.jsonl"
    file.write_bytes(content)
    start = time.process_time()
    load_articles(file)
    assert len(content) / 1e6 / (time.process_time() - start) > 2

"""Collecting: a polite client against a server on loopback, lists of links, the folder, exports. All content is made up."""

import csv
import gzip
import json
import mailbox
import socket
import threading
import time
from email.message import EmailMessage
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import helpers
from collecting import collect as command
from collecting import convert as exports
from collecting import fetch
from collecting.collect import collect, page_name, read_links, taking_turns
from collecting.convert import convert, html_lines, read_export
from collecting.fetch import Client, Refused, is_public
from collecting.folder import WrongSetting, add_to_sheet, checked_folder, read_sheet

ROOT = Path(__file__).resolve().parent.parent
BODY = ["The delegations of Norhaven and Estburg met for two hours in the old town hall on Friday.",
        "A spokesman called the meeting useful and said that another one would follow within a week.",
        "Nobody would say whether the ferry dispute had been on the table, or who had raised it first."]


def html_page(title, head="", body=BODY):
    paragraphs = "".join(f"<p>{line}</p>" for line in body)
    return f"<!doctype html><html><head><title>{title}</title>{head}</head>" \
           f"<body><article><h1>{title}</h1>{paragraphs}</article></body></html>"


# -- a server, a clock ---------------------------------------------------------------------------------------------------

class Server(ThreadingHTTPServer):
    """routes: {path: answer or list of answers, one a request, the last for good}; an answer is (status, headers, body) or a
    function of the handler. asked: the paths, in the order of the requests."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.routes, self.asked, self.agents = {}, [], set()
        self.root = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        pass  # the client hangs up on huge pages


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append(self.path)
        self.server.agents.add(self.headers["User-Agent"])
        answer = self.server.routes.get(self.path, (404, {}, "nothing here"))
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if callable(answer):
            self.close_connection = True
            return answer(self)
        status, headers, body = answer
        body = body.encode() if isinstance(body, str) else body
        self.begin(status, {"Content-Type": "text/html", "Content-Length": len(body)} | headers)
        self.wfile.write(body)

    def begin(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            if value is not None:
                self.send_header(name, str(value))
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield running
        running.shutdown()


class Clock:
    """A clock that moves when somebody sleeps, and by `tick` seconds whenever it is read."""

    def __init__(self, tick=0.0):
        self.now, self.tick, self.slept = 1_750_000_000.0, tick, []

    def __call__(self):
        self.now += self.tick
        return self.now

    def sleep(self, seconds):
        self.slept.append(round(seconds, 3))
        self.now += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def client(clock):
    """A client that may reach the server on loopback."""
    return Client(local=True, clock=clock, sleep=clock.sleep)


def link(url, outlet="", published="", reason=""):
    return {"url": url, "outlet": outlet, "published": published, "reason": reason}


def endless(handler, status=200, pause=0.0, **headers):
    handler.begin(status, {"Content-Type": "text/html"} | headers)
    while True:
        handler.wfile.write(b"<p>more</p>" if pause else b"<p>more</p>" * 5000)
        time.sleep(pause)


def reason(client, url):
    with pytest.raises(Refused) as refused:
        client.get(url)
    return str(refused.value)


# -- the client ----------------------------------------------------------------------------------------------------------

def test_it_says_who_it_is_and_asks_robots_first(server, clock):
    server.routes["/a"] = (200, {}, "x")
    client = Client(contact="desk@norhaven.invalid\r\nX-Other: 1", local=True, clock=clock, sleep=clock.sleep)
    assert client.get(server.root + "/a").body == b"x"
    assert server.asked == ["/robots.txt", "/a"]
    assert server.agents == {"across-the-table/0.1 (reads news for research, a page at a time) "
                             "desk@norhaven.invalid X-Other: 1"}    # one header, whatever the words are


def test_one_host_is_asked_with_pauses_and_robots_once(server, client, clock):
    server.routes |= {"/a": (200, {}, "x"), "/b": (200, {}, "x")}
    client.get(server.root + "/a"), client.get(server.root + "/b")
    assert server.asked == ["/robots.txt", "/a", "/b"] and clock.slept == [2, 2]


def test_redirects_are_followed_and_counted(server, client):
    server.routes |= {"/old": (301, {"Location": "/new#part"}, ""), "/new": (200, {}, "here"),
                      "/round": (302, {"Location": "/round"}, ""), "/file": (302, {"Location": "file:///etc/hostname"}, ""),
                      "/accents": (302, {"Location": "/caf\u00e9".encode().decode("latin-1")}, ""),
                      "/caf%C3%A9": (200, {}, "open")}
    assert (client.get(server.root + "/old").url, client.get(server.root + "/old").body) == (server.root + "/new", b"here")
    assert client.get(server.root + "/accents").body == b"open"
    assert reason(client, server.root + "/round") == "more than 5 redirects"
    assert reason(client, server.root + "/file").startswith("not an http or https address: file:")
    assert server.asked.count("/round") == 6


def test_the_body_of_a_redirect_is_not_read(server, client):
    server.routes |= {"/old": lambda handler: endless(handler, 302, Location="/new"), "/new": (200, {}, "here")}
    assert client.get(server.root + "/old").body == b"here"


def test_404_is_final(server, client):
    assert reason(client, server.root + "/gone") == "404 Not Found"
    assert server.asked == ["/robots.txt", "/gone"]


@pytest.mark.parametrize("said, waited", [("7", 7), (formatdate(1_750_000_000 + 32, usegmt=True), 30), ("soon", 5), ("0", 2),
                                          (None, 5)])  # two seconds of the 32 went by before the page was asked for
def test_429_is_tried_again_when_the_host_says(server, client, clock, said, waited):
    server.routes["/busy"] = [(429, {"Retry-After": said}, ""), (200, {}, "now")]
    assert client.get(server.root + "/busy").body == b"now"
    assert clock.slept == [2, waited]


@pytest.mark.parametrize("said", ["3600", "9" * 400])
def test_a_long_wait_is_not_waited_for(server, client, clock, said):
    server.routes["/busy"] = (429, {"Retry-After": said}, "")
    assert "asks for a pause of" in reason(client, server.root + "/busy")
    assert "asks for a pause of" in reason(client, server.root + "/other")       # nor are its other pages asked for
    assert server.asked == ["/robots.txt", "/busy"] and clock.slept == [2]


def test_a_host_in_trouble_is_tried_three_times(server, client, clock):
    server.routes["/down"] = (503, {}, "")
    assert reason(client, server.root + "/down") == "503 Service Unavailable (3 tries)"
    assert clock.slept == [2, 5, 20]


def test_a_broken_line_is_tried_again(server, client):
    cut = lambda handler: (handler.begin(200, {"Content-Length": 100}), handler.wfile.write(b"half"))  # noqa: E731
    server.routes["/cut"] = [cut, (200, {}, "whole")]
    assert client.get(server.root + "/cut").body == b"whole"
    server.routes["/cut"] = cut
    assert reason(client, server.root + "/cut") == "the answer broke off (3 tries)"


def test_a_host_that_does_not_answer(server, client, monkeypatch):
    monkeypatch.setattr(fetch, "TIMEOUT", 0.05)
    server.routes["/mute"] = lambda handler: time.sleep(0.5)
    assert reason(client, server.root + "/mute") == "no answer within 0.05 seconds (3 tries)"
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert reason(client, f"http://127.0.0.1:{port}/").endswith("no connection (3 tries)")


@pytest.mark.parametrize("answer, allowed", [
    ((200, {}, "User-agent: *\nDisallow: /private"), {"/public": True, "/private/a": False}),
    ((200, {}, "User-agent: *\nDisallow: /\nAllow: /news$\n"), {"/news": True, "/news/2": False}),       # longest rule
    ((200, {}, "User-agent: *\nDisallow: /*?print="), {"/a": True, "/a?print=1": False}),                # wildcard
    ((200, {}, "User-agent: across-the-table\nDisallow: /\n\nUser-agent: *\nAllow: /"), {"/a": False}),  # called by name
    ((404, {}, "Disallow: /"), {"/a": True}),                                                            # none: all allowed
    ((301, {"Location": "/rules"}, ""), {"/a": False})])
def test_robots_rules(server, client, answer, allowed):
    server.routes |= {path: (200, {}, "x") for path in allowed}
    server.routes |= {"/robots.txt": answer, "/rules": (200, {}, "User-agent: *\nDisallow: /a")}
    for path, may in allowed.items():
        if may:
            assert client.get(server.root + path).body == b"x"
        else:
            assert reason(client, server.root + path) == "robots.txt forbids it"
    assert not {path for path, may in allowed.items() if not may} & set(server.asked)


def test_robots_that_cannot_be_read_forbid_all(server, client, clock):
    server.routes |= {"/robots.txt": (500, {}, ""), "/a": (200, {}, "x")}
    said = "robots.txt could not be read: 500 Internal Server Error (3 tries)"
    assert [reason(client, server.root + "/a"), reason(client, server.root + "/a")] == [said, said]
    assert server.asked == ["/robots.txt"] * 3


def test_a_redirect_meets_the_rules_where_it_leads(server, client):
    server.routes |= {"/robots.txt": (200, {}, "User-agent: *\nDisallow: /b"), "/a": (302, {"Location": "/b"}, "")}
    assert reason(client, server.root + "/a") == "robots.txt forbids it" and "/b" not in server.asked


def test_a_crawl_delay_is_kept(server, client, clock):
    server.routes |= {"/robots.txt": (200, {}, "User-agent: *\nCrawl-delay: 11"), "/a": (200, {}, "x")}
    client.get(server.root + "/a"), client.get(server.root + "/a")
    assert clock.slept == [2, 11]


def test_huge_pages_are_left(server, client):
    bomb = gzip.compress(b"0" * (fetch.LARGEST_PAGE + 1))      # 10 kB that unpack to 10 MB
    server.routes |= {"/huge": endless, "/bomb": (200, {"Content-Encoding": "gzip"}, bomb),
                      "/full": (200, {"Content-Encoding": "gzip"}, gzip.compress(b"0" * fetch.LARGEST_PAGE))}
    assert reason(client, server.root + "/huge") == "larger than 10 MB"
    assert reason(client, server.root + "/bomb") == "larger than 10 MB"
    assert len(client.get(server.root + "/full").body) == fetch.LARGEST_PAGE


def test_endless_pages_are_left():
    clock = Clock(tick=1)
    client = Client(local=True, clock=clock, sleep=clock.sleep)
    with Server() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        server.routes["/slow"] = lambda handler: endless(handler, pause=0.001)
        assert reason(client, server.root + "/slow") == "not complete after 120 seconds"
        server.shutdown()


def test_a_page_packed_wrongly_is_refused(server, client):
    server.routes["/odd"] = (200, {"Content-Encoding": "gzip"}, "not packed at all")
    assert reason(client, server.root + "/odd") == "the page is packed in a way that cannot be read"


@pytest.mark.parametrize("url", ["ftp://a.invalid/x", "file:///etc/hostname", "no address", "http://", "http://[::1/", "",
                                 "javascript:alert(1)", "http://a b.invalid/", "http://" + "a" * 70 + ".invalid/"])
def test_what_is_no_address_gets_a_reason(client, url):
    assert reason(client, url)


# -- the local network ---------------------------------------------------------------------------------------------------

LOCAL = ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
         "255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "fec0::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
         "2002:7f00:1::", "::127.0.0.1"]
PUBLIC = ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::"]


@pytest.mark.parametrize("address", LOCAL + PUBLIC)
def test_local_addresses_are_told_from_public_ones(address):
    assert is_public(address) == (address in PUBLIC)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0.0.0.0"])
def test_the_local_network_is_refused_before_a_word_is_sent(server, clock, host):
    client = Client(clock=clock, sleep=clock.sleep)
    assert "an address of the local network" in reason(client, f"http://{host}:{server.server_port}/a")
    assert server.asked == [] and clock.slept == []


def test_the_local_network_is_refused_after_a_redirect(server, clock, monkeypatch):
    monkeypatch.setattr(fetch, "is_public", lambda address: address == "127.0.0.1")  # stands for the internet here
    server.routes["/a"] = (302, {"Location": f"http://127.0.0.2:{server.server_port}/b"}, "")
    client = Client(clock=clock, sleep=clock.sleep)
    assert "an address of the local network (127.0.0.2)" in reason(client, server.root + "/a")
    assert server.asked == ["/robots.txt", "/a"]


def test_a_name_cannot_change_its_mind_after_the_check(server, clock, monkeypatch):
    """The name is looked up once: a second answer (here the local server) is never asked for."""
    real, answers = socket.getaddrinfo, ["192.0.2.1", "127.0.0.1"]
    asked = []

    def rebinding(host, *arguments, **more):
        if host == "news.invalid":
            asked.append(host)
            return real(answers[min(len(asked), len(answers)) - 1], *arguments, **more)
        return real(host, *arguments, **more)

    connected = []

    def connect(address, *arguments, **more):
        connected.append(address[0])
        raise OSError("no way")

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(fetch, "is_public", lambda address: address == "192.0.2.1")
    monkeypatch.setattr(fetch, "create_connection", connect)
    said = reason(Client(clock=clock, sleep=clock.sleep), f"http://news.invalid:{server.server_port}/a")
    assert connected == ["192.0.2.1"]                                  # the first try; the second was refused
    assert "an address of the local network (127.0.0.1)" in said and server.asked == []


def test_a_checked_connection_speaks_to_the_host_by_its_name(server, clock, monkeypatch):
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *a, **k: real(
        "127.0.0.1" if host == "news.invalid" else host, *a, **k))
    monkeypatch.setattr(fetch, "is_public", lambda address: True)
    hosts = []
    server.routes["/a"] = lambda handler: (hosts.append(handler.headers["Host"]), handler.begin(200, {}))
    client = Client(clock=clock, sleep=clock.sleep)
    client.get(f"http://news.invalid:{server.server_port}/a")
    assert hosts == [f"news.invalid:{server.server_port}"]


# -- lists ---------------------------------------------------------------------------------------------------------------

SITEMAP = "http://www.sitemaps.org/schemas/sitemap/0.9"
NEWS = "http://www.google.com/schemas/sitemap-news/0.9"
LISTS = {
    "commas": ("outlet,published,url\nPost,2025-05-17,https://post.invalid/1\n", ("Post", "2025-05-17")),
    "semicolons, other names, a BOM": ("\ufeffLink;Source;PubDate\nhttps://post.invalid/1;Post;2025-05-17\n",
                                       ("Post", "2025-05-17")),
    "Media Cloud": ("id,indexed_date,language,media_name,media_url,publish_date,title,url\n"
                    '9a,2025-05-18,en,post.invalid,post.invalid,2025-05-17,"Talks, again",https://post.invalid/1\n',
                    ("post.invalid", "2025-05-17")),
    "Zotero": ('"Key","Item Type","Publication Year","Author","Title","Publication Title","Url","Abstract Note","Date"\n'
               '"K1","newspaperArticle","2025","Lind, A","Talks","Post","https://post.invalid/1","","2025-05-17"\n',
               ("Post", "2025-05-17")),
    "RIS": ("TY  - NEWS\nTI  - Talks\nT2  - Post\nDA  - 2025/05/17/\nUR  - https://post.invalid/1\nER  - \n",
            ("Post", "2025-05-17")),
    "lines": ("# my list\n\nhttps://post.invalid/1#top\nhttps://post.invalid/1\n", ("", "")),
    "a column alone": ("url\nhttps://post.invalid/1\n", ("", "")),
    "sitemap": (f'<?xml version="1.0"?><urlset xmlns="{SITEMAP}" xmlns:n="{NEWS}"><url><loc> https://post.invalid/1 </loc>'
                "<lastmod>2026-01-01</lastmod><n:news><n:publication><n:name>Post</n:name></n:publication>"
                "<n:publication_date>2025-05-17</n:publication_date></n:news></url></urlset>", ("Post", "2025-05-17")),
    "RSS": ('<rss version="2.0"><channel><title>Post</title><link>https://post.invalid/</link><item><title>Talks</title>'
            "<link>https://post.invalid/1</link><pubDate>Sat, 17 May 2025 08:00:00 GMT</pubDate></item></channel></rss>",
            ("", "Sat, 17 May 2025 08:00:00 GMT")),
    "RSS 1.0": ('<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
                'xmlns:dc="http://purl.org/dc/elements/1.1/"><item><link>https://post.invalid/1</link>'
                "<dc:date>2025-05-17</dc:date></item></rdf:RDF>", ("", "2025-05-17")),
    "Atom": ('<feed xmlns="http://www.w3.org/2005/Atom"><link href="https://post.invalid/"/><entry><author><name>Lind</name>'
             '</author><link rel="replies" href="https://post.invalid/c"/><link href="https://post.invalid/1"/>'
             "<published>2025-05-17</published></entry></feed>", ("", "2025-05-17")),
    "a feed with a fault": ("<rss><channel><item><link>https://post.invalid/1</link><title>Berg & Lind</title></item>",
                            ("", "")),
}


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("packed", [False, True])
def test_lists_in_every_form(tmp_path, client, name, packed):
    text, (outlet, published) = LISTS[name]
    (tmp_path / "list").write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    assert read_links(str(tmp_path / "list"), client) == [link("https://post.invalid/1", outlet, published)]


def test_lists_from_the_web_an_index_of_sitemaps_and_relative_addresses(server, client):
    wrap = '<sitemapindex xmlns="{}">{}</sitemapindex>'.format
    places = "".join(f"<sitemap><loc>{server.root}/{name}.xml</loc></sitemap>" for name in ("one", "gone", "index"))
    server.routes |= {"/index.xml": (200, {}, wrap(SITEMAP, places)),
                      "/one.xml": (200, {}, f'<urlset xmlns="{SITEMAP}"><url><loc>/a</loc></url></urlset>')}
    links = read_links(server.root + "/index.xml", client)
    assert links == [link(server.root + "/a"), link(server.root + "/gone.xml", reason="404 Not Found")]  # no endless index


def test_a_list_cannot_read_other_files(tmp_path, client):
    secret = tmp_path / "secret"
    secret.write_text("https://post.invalid/secret")
    (tmp_path / "list").write_text(f'<!DOCTYPE rss [<!ENTITY x SYSTEM "{secret.as_uri()}">]><rss><channel><item><link>&x;</link>'
                                   "</item><item><link>https://post.invalid/1</link></item></channel></rss>")
    assert [row["url"] for row in read_links(str(tmp_path / "list"), client)] == ["https://post.invalid/1"]
    (tmp_path / "map").write_text(f'<urlset xmlns="{SITEMAP}"><url><loc>https://post.invalid/1</loc></url></urlset>')
    (tmp_path / "index").write_text("<sitemapindex>" + "".join(
        f"<sitemap><loc>{place}</loc></sitemap>" for place in (tmp_path / "map", (tmp_path / "map").as_uri()))
        + "</sitemapindex>")
    reasons = [row["reason"] for row in read_links(str(tmp_path / "index"), client)]
    assert len(reasons) == 2 and all(said.startswith("not an http or https address") for said in reasons)


@pytest.mark.parametrize("content, said", [
    (None, "No such file"), (b"", "no address in it"), (b"<html><p>x</p></html>", "neither a sitemap nor a feed"),
    (b"PK\x03\x04\0\0\0", "not text"), (b"outlet,url\nPost,\n", "no address in it"), (b"\x1f\x8bnot packed", "")])
def test_a_list_that_cannot_be_read_gets_one_line(tmp_path, client, content, said):
    if content is not None:
        (tmp_path / "list").write_bytes(content)
    with pytest.raises(WrongSetting) as wrong:
        read_links(str(tmp_path / "list"), client)
    assert str(wrong.value).startswith("LINKS=") and said in str(wrong.value) and "\n" not in str(wrong.value)


def test_the_links_of_the_talks_are_addresses_only():
    with open(ROOT / "data" / "links.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert set(rows[0]) == {"outlet", "published", "url"} and len({row["url"] for row in rows}) == len(rows)
    assert rows[0]["outlet"] == "vijesti"                               # the article that this project began with
    for row in rows:
        assert row["url"].startswith("https://") and row["outlet"]
        assert not row["published"] or time.strptime(row["published"], "%Y-%m-%d")


# -- the folder ----------------------------------------------------------------------------------------------------------

@pytest.fixture
def two_pages(server):
    server.routes |= {"/news/talks-end": (200, {}, html_page("Talks end without a deal")),
                      "/news/ferry": (200, {}, html_page("Ferry dispute goes on", body=BODY[::-1]))}
    return [link(server.root + "/news/talks-end", "Harbour Post", "2025-05-17"),
            link(server.root + "/news/ferry", "Valley News", "Sun, 18 May 2025 08:00:00 GMT")]


def test_a_collected_folder_is_read_as_it_is(server, client, tmp_path, two_pages):
    rows = collect([*two_pages, link(server.root + "/gone", "Post")], tmp_path / "collected", client)
    assert [row["status"] for row in rows] == ["200", "200", "404 Not Found"]
    articles = helpers.load_articles(tmp_path / "collected")
    assert len(helpers.problems(articles)) == 0
    found = articles.set_index("url")
    assert list(found.loc[[two["url"] for two in two_pages], "outlet"]) == ["Harbour Post", "Valley News"]
    assert found.loc[two_pages[1]["url"], "published"].isoformat() == "2025-05-18T08:00:00"
    first = found.loc[two_pages[0]["url"]]
    assert first["title"] == "Talks end without a deal" and first["body"].split("\n\n") == BODY
    with open(tmp_path / "collected" / "articles.csv", encoding="utf-8", newline="") as file:
        sheet = list(csv.DictReader(file))
    assert sheet == rows and list(sheet[0]) == ["file", "outlet", "published", "url", "fetched", "status"]
    assert sheet[2] == {"file": "", "outlet": "Post", "published": "", "url": server.root + "/gone",
                        "fetched": "2025-06-15T15:06:46Z", "status": "404 Not Found"}


def test_a_page_is_kept_as_it_came(server, client, tmp_path, two_pages):
    row = collect(two_pages[:1], tmp_path, client)[0]
    assert gzip.open(tmp_path / row["file"]).read() == server.routes["/news/talks-end"][2].encode()


def test_collecting_goes_on_where_it_stopped(server, client, tmp_path, two_pages):
    class Stopped(Client):
        def get(self, url, *arguments):
            if url.endswith("ferry"):
                raise KeyboardInterrupt
            return super().get(url, *arguments)

    links = [*two_pages, link(server.root + "/gone")]
    stopped = Stopped(local=True, clock=client.clock, sleep=client.sleep)
    with pytest.raises(KeyboardInterrupt):
        collect(links, tmp_path, stopped)
    first = read_sheet(tmp_path)
    assert [row["url"] for row in first] == [two_pages[0]["url"]]
    before = {file.name: (file.read_bytes(), file.stat().st_mtime_ns) for file in tmp_path.glob("*.gz")}
    asked = len(server.asked)
    collect(links, tmp_path, client)
    assert server.asked[asked:] == ["/robots.txt", "/news/ferry", "/gone"]
    assert before == {name: ((tmp_path / name).read_bytes(), (tmp_path / name).stat().st_mtime_ns) for name in before}
    server.routes["/gone"] = (200, {}, html_page("Back again", body=BODY[:2]))
    assert [row["status"] for row in collect(links, tmp_path, client)] == ["200"]        # what failed is tried again
    assert collect(links, tmp_path, client) == []
    sheet = read_sheet(tmp_path)
    assert len(sheet) == 3 and all(row["file"] for row in sheet)                         # a row an address
    assert len(helpers.load_articles(tmp_path)) == 3


def test_a_run_that_was_killed_leaves_nothing_half_read(server, client, tmp_path, two_pages):
    collect(two_pages, tmp_path, client)
    sheet = tmp_path / "articles.csv"
    (tmp_path / "own.txt").write_text("\n".join(["Saved by hand", *BODY]))
    lines = sheet.read_bytes().splitlines(keepends=True)       # a row added by hand; killed while it wrote the last row
    sheet.write_bytes(b"".join([*lines[:2], b"own.txt,Post\n", lines[2][:-60]]))
    (tmp_path / ".x.html.gz.part").write_bytes(b"half")        # and while it wrote a page
    asked = len(server.asked)
    assert [row["status"] for row in collect(two_pages, tmp_path, client)] == ["200 (fetched by an earlier run)"]
    assert len(server.asked) == asked
    assert [row["outlet"] for row in read_sheet(tmp_path)] == ["Harbour Post", "Post", "Valley News"]
    assert len(helpers.load_articles(tmp_path)) == 3


ACCENTS = [f"{line} Žnjan, Ćilipi and Đurđevac were named." for line in BODY]


@pytest.mark.parametrize("encoding, header, meta", [
    ("windows-1250", "windows-1250", ""), ("windows-1250", "", "windows-1250"), ("utf-8", "", ""),
    ("utf-8", "iso-8859-2", ""),             # the header is wrong: what is UTF-8 is read as UTF-8
    ("windows-1250", "utf-8", "windows-1250"),    # the header is wrong: the page knows better
    ("windows-1250", "no-such-code", "windows-1250"), ("utf-16", "utf-16", ""), ("utf-16-le", "utf-16le", "")])
def test_pages_in_every_encoding(server, client, tmp_path, encoding, header, meta):
    head = f'<meta charset="{meta}">' if meta else ""
    kind = f"text/html; charset={header}" if header else "text/html"
    page = html_page("Žnjan hosts the talks", head, ACCENTS).encode(encoding)
    server.routes["/a"] = (200, {"Content-Type": kind}, page)
    row = collect([link(server.root + "/a")], tmp_path, client)[0]
    kept = gzip.open(tmp_path / row["file"]).read()
    assert kept.endswith(page) and (kept == page or header in ("windows-1250", "iso-8859-2", "no-such-code"))
    assert helpers.load_articles(tmp_path)["body"][0].split("\n\n") == ACCENTS


def test_what_is_no_page_is_listed(server, client, tmp_path):
    server.routes |= {"/pdf": (200, {"Content-Type": "application/pdf"}, "%PDF"), "/empty": (200, {}, "  \n"),
                      "/moved": (301, {"Location": "/home"}, ""), "/home": (200, {}, html_page("Front page"))}
    links = [link(server.root + path) for path in ("/pdf", "/empty", "/moved")]
    links += [link("no address at all"), link("https://x.invalid/map.xml", reason="404 Not Found")]
    assert [(bool(row["file"]), row["status"]) for row in collect(links, tmp_path, client)] == [  # hosts take turns
        (False, "not a web page but application/pdf"), (False, "not an http or https address: no address at all"),
        (False, "404 Not Found"), (False, "the page is empty"), (True, f"200 (redirected to {server.root}/home)")]


def test_whatever_is_wrong_with_one_page_the_others_are_fetched(server, client, tmp_path, two_pages, monkeypatch):
    real = fetch.Client._request
    monkeypatch.setattr(fetch.Client, "_request", lambda self, url, largest: 1 / 0 if "ferry" in url
                        else real(self, url, largest))
    rows = collect(two_pages, tmp_path, client)
    assert [row["status"] for row in rows] == ["200", "ZeroDivisionError: division by zero"]


def test_hosts_take_turns():
    links = [link(f"https://{host}.invalid/{n}") for host in "ab" for n in (1, 2)]
    assert [row["url"][8:] for row in taking_turns(links)] == ["a.invalid/1", "b.invalid/1", "a.invalid/2", "b.invalid/2"]


def test_cells_are_no_formulas(tmp_path):
    add_to_sheet(tmp_path, [{"outlet": "=HYPERLINK(1)", "published": "+1", "status": "two\nlines"}])
    row = read_sheet(tmp_path)[0]
    assert (row["outlet"], row["published"], row["status"]) == ("'=HYPERLINK(1)", "'+1", "two lines")


@given(st.text(max_size=300), st.text(max_size=300))
@settings(deadline=None, derandomize=True, max_examples=200)
def test_any_address_gets_a_file_name_of_its_own(one, other):
    names = [page_name(url) for url in (one, "https://" + one, other)]
    for name in names:
        assert name == Path(name).name and name.isascii() and len(name) < 160 and name[0] not in ".~-" and name.islower()
    assert (names[0] == names[2]) == (one == other) and names[0] != names[1]


# -- settings and the command --------------------------------------------------------------------------------------------

def test_nothing_is_written_into_data(capsys):
    for into in (ROOT / "data", ROOT / "data" / "articles", ROOT / "notebooks" / ".." / "data" / "new"):
        assert command.main(["--local", str(ROOT / "data" / "links.csv"), str(into)]) == 2
        assert exports.main([str(ROOT / "README.md"), str(into)]) == 2
        said = capsys.readouterr()
        assert said.err.count("this is inside data/, where nothing is collected") == 2 and said.out == ""


def test_a_folder_that_cannot_be_used_gets_one_line(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "articles.csv").write_text("file,outlet\na,b\n")
    for into, said in ((tmp_path / "file", "this is a file"), (tmp_path, "other columns")):
        with pytest.raises(WrongSetting, match=said):
            checked_folder(into)


def test_the_command(server, tmp_path, two_pages, monkeypatch, capsys):
    monkeypatch.setattr(fetch, "PAUSE", 0)
    (tmp_path / "links.txt").write_text("\n".join([*(two["url"] for two in two_pages), server.root + "/gone"]))
    arguments = ["--local", "--", str(tmp_path / "links.txt"), str(tmp_path / "collected")]
    assert command.main(["--limit", "1", *arguments]) == 0
    assert command.main(arguments) == 0
    said = capsys.readouterr().out
    assert "1 addresses: 1 pages fetched, 0 already there, 0 failed." in said
    assert f"3 addresses: 1 pages fetched, 1 already there, 1 failed.\n  {server.root}/gone\n    404 Not Found" in said
    assert command.main([str(tmp_path / "links.txt"), str(tmp_path / "other")]) == 1           # all local, and not asked for
    assert capsys.readouterr().out.count("LOCAL=1 allows it") == 3
    assert command.main([str(tmp_path / "none"), str(tmp_path / "other")]) == 2


# -- exports -------------------------------------------------------------------------------------------------------------

def nexis_file(path, *articles, cover=True):
    document = docx.Document()
    lines = ["User Name: A Reader", "Date and Time: Saturday, May 24, 2025 10:00 AM", "Job Number: 1", "Documents (2)",
             "1. Talks end without a deal", "Client/Matter: -None-", "Search Terms: ferry"] if cover else []
    for article in articles:
        lines += ["", *article, "End of Document", ""]
    for line in lines:
        document.add_paragraph(line)
    document.save(path)
    return path


NEXIS = ["Talks end without a deal", "Harbour Post (Norhaven)", "May 17, 2025 Saturday 10:15 AM GMT",
         "Copyright 2025 Harbour Post All Rights Reserved", "Section: NEWS; Pg. 3", "Length: 48 words", "Byline: Ada Lind",
         "Highlight: Both sides agreed on little.", "Body", "", *BODY, "Graphic", "Photo: The hall", "Classification",
         "Language: ENGLISH", "Subject: Ferries", "Load-Date: May 19, 2025"]


def only(file):
    records, found = read_export(file)
    return records, [{name: row[name] for name in ("file", "where", "problem", "allowed")} for row in found]


def test_nexis_files_of_many_articles(tmp_path):
    other = ["Ferry dispute goes on", "Valley News", "18 May 2025", "Length: 30 words", "Body", BODY[0],
             "Load-Date: May 18, 2025"]
    records, found = only(nexis_file(tmp_path / "nexis.DOCX", NEXIS, other))
    assert records[0] == {"title": "Talks end without a deal", "outlet": "Harbour Post (Norhaven)", "published": "May 17, 2025",
                          "author": "Ada Lind", "lead": "Both sides agreed on little.", "text": "\n\n".join(BODY)}
    assert (records[1]["title"], records[1]["published"], records[1]["text"]) == (other[0], "18 May 2025", BODY[0])
    assert found == []


def test_what_nexis_files_lack_is_said(tmp_path):
    brief = ["Headline list", "Valley News", "May 18, 2025", "Length: 30 words"]
    undated = ["A title alone", "Body", BODY[1]]
    empty = [*NEXIS[:9], "Classification"]
    records, found = only(nexis_file(tmp_path / "nexis.docx", brief, undated, empty, cover=False))
    assert [record["text"] for record in records] == [BODY[1]]
    assert [(row["file"], row["where"], row["problem"]) for row in found] == [
        ("nexis.docx", "article 1", "no line 'Body'"),
        ("nexis.docx", "article 2", "no title, source and date found above the text"),
        ("nexis.docx", "article 3", "neither text nor address")]
    assert all(row["allowed"] for row in found)


RIS = """TY  - NEWS\r
TI  - Talks end without a deal\r
T2  - Harbour Post\r
AU  - Lind, Ada\r
AU  - Berg, Bo\r
DA  - 2025/05/17/\r
UR  - https://post.invalid/1\r
N2  - {}\r
ER  - \r
\r
TY  - NEWS
T1  - A record without its end
UR  - https://post.invalid/2
TY  - NEWS
TI  - Only a year
PY  - 2025
AB  - {}
XX  - a tag that nobody knows
ER  - """.format(*BODY[:2])


def test_ris_records(tmp_path):
    (tmp_path / "refs.ris").write_bytes(RIS.encode("utf-8-sig"))
    records, found = only(tmp_path / "refs.ris")
    assert records[0] == {"title": "Talks end without a deal", "outlet": "Harbour Post", "published": "2025-05-17",
                          "url": "https://post.invalid/1", "author": "Lind, Ada; Berg, Bo", "text": BODY[0]}
    assert [record["text"] for record in records] == BODY[:2] and records[1]["published"] == ""
    assert [(row["where"], row["problem"]) for row in found] == [
        ("line 11", "an address without text"), ("line 14", "a date without a day: '2025'")]


def test_zotero_tables(tmp_path):
    columns = ["Key", "Item Type", "Publication Year", "Author", "Title", "Publication Title", "Url", "Abstract Note", "Date"]
    rows = [["K1", "newspaperArticle", "2025", "Lind, Ada", "Talks", "Harbour Post", "https://p.invalid/1", BODY[0],
             "2025-05-17"],
            ["K2", "webpage", "2025", "", "Ferry", "", "https://p.invalid/2", "", "2025-05-18"],
            ["K3", "book", "2025", "", "A book", "", "", "", ""]]
    with open(tmp_path / "zotero.csv", "w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([columns, *rows])
    records, found = only(tmp_path / "zotero.csv")
    assert records == [{"title": "Talks", "outlet": "Harbour Post", "published": "2025-05-17", "url": "https://p.invalid/1",
                        "author": "Lind, Ada", "text": BODY[0]}]
    assert [(row["where"], row["problem"]) for row in found] == [
        ("line 3", "an address without text"), ("line 4", "neither text nor address")]


def test_a_table_of_addresses_is_handed_to_collect(tmp_path):
    (tmp_path / "cloud.csv").write_text(LISTS["Media Cloud"][0])
    (tmp_path / "texts.csv").write_text("title,text\nTalks,Long.\n")
    assert only(tmp_path / "cloud.csv") == ([], [
        {"file": "cloud.csv", "where": "the table", "problem": "addresses, no export of Zotero",
         "allowed": "make collect LINKS=this file fetches them"}])
    assert only(tmp_path / "texts.csv")[1][0]["allowed"] == "a table with texts is read without converting"


def newsletter(subject, text=None, html=None):
    mail = EmailMessage()
    mail["From"], mail["Subject"], mail["Date"] = "Harbour Post Daily <daily@post.invalid>", subject, formatdate(1_750_000_000)
    if text:
        mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html") if text else mail.set_content(html, subtype="html")
    return mail


def test_newsletters(tmp_path):
    box = mailbox.mbox(tmp_path / "letters.mbox")
    html = f"<html><head><style>p {{color: red}}</style></head><body><table><tr><td><h1>Ferry</h1>{BODY[0]}</td>" \
           f"<td>{BODY[1][:20]}<b>{BODY[1][20:]}</b><!-- no --><br>From the hall</td></tr></table></body></html>"
    broken = newsletter("Odd").as_string().replace("\n\n", '\nContent-Type: text/plain; charset="no-such-code"\n'
                                                           "Content-Transfer-Encoding: base64\n\n////", 1)
    for mail in (newsletter("Tälks end", "\n\n".join(BODY) + "\n\nFrom the editors\n", html), newsletter("Ferry", html=html),
                 newsletter("Nothing"), broken):
        box.add(mail)
    box.close()
    before = (tmp_path / "letters.mbox").read_bytes()
    records, found = only(tmp_path / "letters.mbox")
    assert (records[0]["title"], records[0]["outlet"]) == ("Tälks end", "Harbour Post Daily")
    assert records[0]["published"] == formatdate(1_750_000_000) and records[0]["text"].split("\n\n")[:3] == BODY
    assert records[1]["text"].split("\n\n") == ["Ferry", BODY[0], BODY[1], "From the hall"]
    assert [row["where"] for row in found] == ["mail 3", "mail 4"] and found[0]["problem"] == "neither text nor address"
    assert (tmp_path / "letters.mbox").read_bytes() == before


@pytest.mark.parametrize("name, content", [("a.docx", b"no zip"), ("a.docx", b"PK\x03\x04"), ("a.ris", b"\xff\xfe\x00"),
                                           ("a.csv", b""), ("a.mbox", b"no mail"), ("a.pdf", b"%PDF"), ("a.ris", b""),
                                           ("mbox", b"From x\n"), ("a.ris", b"notes of mine")])
def test_what_is_no_export_is_a_problem_in_plain_words(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    records, found = only(tmp_path / name)
    assert records == [] and found and all(row["file"] == name and row["problem"] and row["allowed"] for row in found)


@given(st.text(max_size=400), st.sampled_from([".ris", ".csv", ".mbox"]))
@settings(deadline=None, derandomize=True, max_examples=150)
def test_no_export_is_so_odd_that_nothing_is_said(shared_tmp, text, kind):
    prefix = {".ris": "TY  - NEWS\n", ".csv": "Item Type,Title,Url\n", ".mbox": "From a@b.invalid Sat May 17 08:00:00 2025\n"}
    file = shared_tmp / f"odd{kind}"
    file.write_text(prefix[kind] + text, encoding="utf-8")
    records, found = read_export(file)
    assert records or found


@pytest.fixture(scope="session")
def shared_tmp(tmp_path_factory):
    return tmp_path_factory.mktemp("odd")


def test_converted_exports_are_read_as_they_are_and_never_overwritten(tmp_path, capsys):
    source = tmp_path / "exports"
    source.mkdir()
    nexis_file(source / "nexis.docx", NEXIS)
    (source / "refs.ris").write_text(RIS)
    (source / "notes.pdf").write_bytes(b"%PDF")
    assert exports.main([str(source), str(tmp_path / "collected")]) == 0
    said = capsys.readouterr().out
    assert said.startswith("3 files: 3 articles read, 0 files already there, 3 problems.")
    assert "notes.pdf, the file: not an export that is read (.pdf); allowed: Nexis Uni .docx" in said
    articles = helpers.load_articles(tmp_path / "collected")
    assert len(helpers.problems(articles)) == 0
    assert list(articles["article_id"]) == ["nexis.docx.jsonl#1", "refs.ris.jsonl#1", "refs.ris.jsonl#2"]
    assert articles["text"][0] == "\n\n".join([NEXIS[0], "Both sides agreed on little.", *BODY])
    assert [str(day)[:10] for day in articles["published"]] == ["2025-05-17", "2025-05-17", "NaT"]
    sheet = read_sheet(tmp_path / "collected")
    assert [row["url"] for row in sheet] == ["", "https://post.invalid/2", ""] and not any(row["file"] for row in sheet)
    before = {file.name: file.read_bytes() for file in (tmp_path / "collected").iterdir()}
    assert convert(sorted(source.iterdir()), tmp_path / "collected")[:2] == (0, 2)
    assert all((tmp_path / "collected" / name).read_bytes() == before[name] for name in before if name != "articles.csv")
    assert sorted(row["status"] for row in read_sheet(tmp_path / "collected")) == sorted(row["status"] for row in sheet)
    assert json.loads(before["nexis.docx.jsonl"])["author"] == "Ada Lind"


def test_lines_of_html_survive_odd_pages():
    assert html_lines("<p>One</p>two<script>x</script><p>three") == "One\n\ntwo\n\nthree"

"""A polite web client: robots.txt, one request at a time, a pause per host, limits, retries, no way into the local network.

It stands on urllib3 itself, since requests reads the body of a redirect to its end, however long that is.
"""

import ipaddress
import socket
import time
from dataclasses import dataclass
from email.message import Message
from email.utils import parsedate_to_datetime
from http.client import responses
from urllib.parse import urldefrag, urljoin, urlsplit

import certifi
import urllib3
from protego import Protego
from urllib3.exceptions import DecodeError, HTTPError, LocationValueError, NewConnectionError, SSLError, TimeoutError
from urllib3.util.connection import create_connection

ROBOT = "across-the-table"  # the name that robots.txt may call
TIMEOUT = 20         # seconds without a byte
LONGEST_PAGE = 120   # seconds for one body
LARGEST_PAGE = 10_000_000  # bytes, unpacked
PAUSE = 2            # seconds between two requests to one host; robots.txt may ask for more
LONGEST_WAIT = 300   # seconds; who asks for more is not waited for
BACKOFF = (5, 20)    # seconds before the second and the third try
TRY_AGAIN = {429, 500, 502, 503, 504}
REDIRECTS = 5
NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Refused(Exception):
    """What is not fetched or not kept; its text is the reason, in words."""


@dataclass(frozen=True)
class Page:
    """A response as it came. url: where it was in the end; kind and charset: what its header says, or ""."""
    url: str
    status: int
    body: bytes = b""
    kind: str = ""
    charset: str = ""
    location: str = ""
    retry_after: str = ""


# ---------------------------------------------------------------- the local network

def is_public(address):
    """Whether an IP address (str) is one of the public internet; addresses that wrap an IPv4 address count as that."""
    ip = ipaddress.ip_address(address)
    if ip.version == 6:
        wrapped = ipaddress.ip_address(int(ip) & 0xFFFFFFFF) if ip in NAT64 else ip.ipv4_mapped or ip.sixtofour
        ip = wrapped or ip
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or getattr(ip, "is_site_local", False))


class Checked:
    """A connection that is made to the very address that was checked: no name can change its mind in between."""

    def _new_conn(self):
        try:
            addresses = [found[4][0] for found in socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)]
        except (socket.gaierror, UnicodeError):
            raise Refused("there is no such host") from None
        for address in addresses:
            if not is_public(address):
                raise Refused(f"an address of the local network ({address}); LOCAL=1 allows it")
        for address in addresses:
            try:
                return create_connection((address, self.port), self.timeout, socket_options=self.socket_options)
            except OSError as error:
                failure = error
        raise NewConnectionError(self, str(failure))


class CheckedHTTP(Checked, urllib3.connection.HTTPConnection):
    pass


class CheckedHTTPS(Checked, urllib3.connection.HTTPSConnection):
    pass


class CheckedHTTPPool(urllib3.HTTPConnectionPool):
    ConnectionCls = CheckedHTTP


class CheckedHTTPSPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = CheckedHTTPS


# ---------------------------------------------------------------- the client

class Client:
    """Fetches pages, one at a time.

    contact: words for the user agent, such as a mail address. local: whether the local network is allowed.
    clock() gives seconds since 1970; sleep(seconds) waits.
    """

    def __init__(self, contact="", local=False, clock=time.time, sleep=time.sleep):
        self.clock, self.sleep = clock, sleep
        self.robots = {}  # origin: its rules, or the reason why they could not be read
        self.ready = {}   # host: when the next request to it may start
        agent = " ".join(f"{ROBOT}/0.1 (reads news for research, a page at a time) {contact}".split())
        headers = {"User-Agent": agent.encode("ascii", "replace").decode(), "Accept-Encoding": "gzip, deflate",
                   "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.5", "Accept-Language": "en"}
        self.pool = urllib3.PoolManager(headers=headers, ca_certs=certifi.where())
        if not local:
            self.pool.pool_classes_by_scheme = {"http": CheckedHTTPPool, "https": CheckedHTTPSPool}

    def get(self, url, largest=LARGEST_PAGE):
        """The page at an address, after redirects. Raises Refused where there is none, or none may be had."""
        page = self._follow(url, largest, ask_robots=True)
        if page.status != 200:
            raise Refused(in_words(page.status))
        return page

    def _follow(self, url, largest, ask_robots):
        """The page at the end of the redirects; each stop on the way must be allowed."""
        for _ in range(REDIRECTS + 1):
            try:
                parts = urlsplit(url)
            except ValueError:
                raise Refused("not an address") from None
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise Refused(f"not an http or https address: {url[:100]}")
            if ask_robots:
                self._ask_robots(url, f"{parts.scheme}://{parts.netloc}")
            page = self._try(url, parts.hostname, largest)
            if not page.location:
                return page
            url = urldefrag(urljoin(url, page.location)).url
        raise Refused(f"more than {REDIRECTS} redirects")

    def _ask_robots(self, url, origin):
        """Raise Refused where robots.txt forbids the address. Rules that cannot be read forbid all, missing ones nothing
        (RFC 9309, 2.3.1)."""
        if origin not in self.robots:
            try:
                page = self._follow(f"{origin}/robots.txt", LARGEST_PAGE, ask_robots=False)
                if page.status >= 500:
                    raise Refused(in_words(page.status))
                rules = page.body.decode("utf-8", "replace") if page.status == 200 else ""
                self.robots[origin] = Protego.parse(rules)
            except Refused as refused:
                self.robots[origin] = f"robots.txt could not be read: {refused}"
        rules = self.robots[origin]
        if isinstance(rules, str):
            raise Refused(rules)
        if not rules.can_fetch(url, ROBOT):
            raise Refused("robots.txt forbids it")

    def _try(self, url, host, largest):
        """One address, tried up to three times; between two tries goes what the host asks for, else the back-off."""
        for backoff in (*BACKOFF, None):
            self._wait(host)
            page = None
            try:
                page = self._request(url, largest)
                trouble = in_words(page.status) if page.status in TRY_AGAIN else None
            except (LocationValueError, UnicodeError):
                raise Refused("not an address") from None
            except SSLError as error:
                raise Refused(f"no safe connection: {error}") from None
            except DecodeError:
                raise Refused("the page is packed in a way that cannot be read") from None
            except HTTPError as error:
                trouble = _trouble(error)
            finally:
                self.ready[host] = self.clock() + self._pause(url)
            if trouble is None:
                return page
            asked = self._seconds(page.retry_after) if page else None
            self.ready[host] = max(self.ready[host], self.clock() + (backoff or 0 if asked is None else asked))
        raise Refused(f"{trouble} ({len(BACKOFF) + 1} tries)")

    def _wait(self, host):
        """Sleep until the host may be asked again; raise Refused where that is too long."""
        seconds = self.ready.get(host, 0) - self.clock()
        if seconds > LONGEST_WAIT:
            raise Refused(f"the host asks for a pause of {seconds:.0f} seconds: try again later")
        if seconds > 0:
            self.sleep(seconds)

    def _pause(self, url):
        parts = urlsplit(url)
        rules = self.robots.get(f"{parts.scheme}://{parts.netloc}")
        return max(PAUSE, (rules.crawl_delay(ROBOT) or 0) if isinstance(rules, Protego) else 0)

    def _seconds(self, retry_after):
        """A Retry-After header in seconds: it is a number of them or a date; None where it is neither."""
        if retry_after.strip().isdecimal():
            return min(float(retry_after), 1e9)
        try:
            return max(0, parsedate_to_datetime(retry_after).timestamp() - self.clock())
        except (ValueError, TypeError, OverflowError):
            return None

    def _request(self, url, largest):
        """One request. The body is read only where there is a page to keep, up to its limits in size and in time."""
        end = self.clock() + LONGEST_PAGE
        response = self.pool.request("GET", url, redirect=False, retries=False, preload_content=False, timeout=TIMEOUT)
        try:
            location = response.get_redirect_location() or ""
            body = self._read(response, largest, end) if response.status == 200 else b""
        finally:
            response.close()
        said = Message()
        said["Content-Type"] = response.headers.get("Content-Type", "")
        return Page(url, response.status, body, said.get_content_type() if said["Content-Type"] else "",
                    said.get_content_charset(""), utf8(location), response.headers.get("Retry-After", ""))

    def _read(self, response, largest, end):
        parts, size = [], 0
        while part := response.read1(65536, decode_content=True):
            parts.append(part)
            size += len(part)
            if size > largest:
                raise Refused(f"larger than {largest / 1e6:.0f} MB")
            if self.clock() > end:
                raise Refused(f"not complete after {LONGEST_PAGE} seconds")
        return b"".join(parts)


def _trouble(error):
    """What went wrong on the way, in words."""
    if isinstance(error, NewConnectionError):
        return "no connection"
    return f"no answer within {TIMEOUT} seconds" if isinstance(error, TimeoutError) else "the answer broke off"


def in_words(status):
    """404 -> "404 Not Found"."""
    return f"{status} {responses.get(status, '')}".strip()


def utf8(header):
    """A header that was read as Latin-1 but written as UTF-8."""
    try:
        return header.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return header

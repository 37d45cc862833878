"""Fixtures that several tests share: a browser, and the report of the default articles."""

import fcntl
import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
REAL = ROOT.parent / "shared" / "real"
SETTINGS = ("ARTICLES", "CODEBOOK", "GOLD", "OUT", "TITLE", "ONLY")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--no-first-run"]


def real_records():
    """Records of the real news export, as dicts; the test is skipped where it is not present."""
    path = REAL / "news_export.jsonl.gz"
    if not path.exists():
        pytest.skip("the real news export is not here")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def run_build(*arguments, **settings):
    """Run reporting/build.py with these settings and no others; return the finished process."""
    env = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    return subprocess.run([sys.executable, str(ROOT / "reporting" / "build.py"), *map(str, arguments)],
                          env={**env, **{k: str(v) for k, v in settings.items()}},
                          capture_output=True, text=True, timeout=1200)


@pytest.fixture(scope="session")
def build():
    """The function that builds a report: build(*arguments, ARTICLES=..., OUT=...)."""
    return run_build


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory):
    """One folder for all workers of this test run."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def report(shared_folder):
    """Folder of the report of the default articles, built once for all workers."""
    out, done = shared_folder / "report", shared_folder / "report.log"
    with open(shared_folder / "report.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            run = run_build(OUT=out)
            done.write_text(f"{run.returncode}\n{run.stdout}\n{run.stderr}")
    status, _, log = done.read_text().partition("\n")
    if status != "0":
        pytest.fail(f"the report of the default articles could not be built:\n{log}", pytrace=False)
    return out


@pytest.fixture(scope="session")
def browser():
    """Headless Chromium, as the system provides it."""
    sync_api = pytest.importorskip("playwright.sync_api")
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        pytest.skip("no Chromium here: install it, or name it in CHROMIUM")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()

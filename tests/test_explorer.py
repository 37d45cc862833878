"""The explorer in a real JupyterLab: run, a choice changed, the charts changed, the selection saved."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """(address, folder) of a JupyterLab on a copy of the explorer; the page on which the kernel runs is left to the test."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copy(ROOT / "notebooks" / "10_explorer.ipynb", folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    tracker = folder / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    tracker.parent.mkdir(parents=True)
    tracker.write_text('{"windowingMode": "none"}')             # else cells out of sight are not on the page
    settings = {"PYTHONPATH": str(ROOT), "ARTICLES": "", "CODEBOOK": "", "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
                "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces")}
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", f"--port={port}", "--ServerApp.port_retries=0",
         "--IdentityProvider.token=", "--ServerApp.ip=127.0.0.1", "--LabApp.extension_manager=readonly", str(folder)],
        env=os.environ | settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}/lab"
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except OSError:
                time.sleep(0.5)
        yield address, folder
    finally:
        server.terminate()
        server.wait(30)


def test_the_explorer_redraws_and_saves(lab, browser):
    address, folder = lab
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.goto(f"{address}/tree/10_explorer.ipynb?reset")
    page.get_by_text("(ipykernel) | Idle").wait_for(timeout=120_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    picture = page.locator(".widget-image")
    picture.wait_for(timeout=180_000)
    before = picture.get_attribute("src")
    page.get_by_role("button", name="statements", exact=True).click()
    page.wait_for_function("src => document.querySelector('.widget-image').src !== src", arg=before, timeout=30_000)
    page.get_by_role("button", name="Save as CSV").click()
    said = page.get_by_text(re.compile(r"\d+ rows saved as selection.csv"))
    said.wait_for(timeout=30_000)
    rows = pd.read_csv(folder / "selection.csv", encoding="utf-8-sig")
    assert set(rows["counted"]) == {"statements"} and f"{len(rows)} rows" in said.inner_text()
    assert rows["surface"].str.len().gt(0).all() and rows["sentence_text"].notna().all()
    page.close()

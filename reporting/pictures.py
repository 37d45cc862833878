"""The two pictures of the README: the front page and a page of the report in reports/, as headless Chromium shows them.

    make pictures
"""

import io
import os
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PICTURES = {"report.png": ("index.html", None), "report-page.png": ("05_positions.html", "img")}
FLAGS = ["--no-sandbox", "--disable-gpu"]


def main():
    """Write docs/report.png and docs/report-page.png: the upper part of each page, 128 colours."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not chromium:
        raise SystemExit("No Chromium here: install it, or name it in CHROMIUM.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        for picture, (name, target) in PICTURES.items():
            page.goto((ROOT / "reports" / name).as_uri())
            if target:
                page.locator(f".chart {target}").first.scroll_into_view_if_needed()
            shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            shot.quantize(128, method=Image.Quantize.MEDIANCUT).save(ROOT / "docs" / picture, optimize=True)
            print(f"docs/{picture}")
        browser.close()


if __name__ == "__main__":
    main()

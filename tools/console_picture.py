"""Take the picture of the console that README.md shows, from an office that is served (``make demo``).

    .venv/bin/python tools/console_picture.py http://127.0.0.1:8000 county PASSWORD [PATH] [FILE]

Needs Chromium (Debian: chromium) and the packages of requirements/test.txt.
"""

import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright
from screenshot import CHROMIUM, FLAGS


def picture(address: str, username: str, password: str, path: str) -> bytes:
    """Log in and return a page as a PNG."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 860}, locale="en")
        page.goto(f"{address}/account/login/")
        page.fill("input[name=login]", username)
        page.fill("input[name=password]", password)
        page.keyboard.press("Enter")
        page.wait_for_load_state("networkidle")
        page.goto(address + path)
        page.wait_for_load_state("networkidle")
        taken = page.screenshot()
        browser.close()
    return taken


def main(address: str, username: str, password: str, path: str = "/cases/", to: str = "") -> None:
    """Write the picture with few colours."""
    image = Image.open(io.BytesIO(picture(address, username, password, path))).convert("RGB")
    image.quantize(64).save(to or Path("docs/images/console.png"), optimize=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

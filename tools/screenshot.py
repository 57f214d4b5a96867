"""Take the picture of an evidence page that README.md shows.

    .venv/bin/python tools/screenshot.py REPORT [--finding F-…] [--to docs/images/evidence-page.png]

REPORT is a report folder that ``minewatch scan`` wrote; without ``--finding`` its first listed page is taken.
Needs Chromium (Debian: chromium) and the packages of requirements/test.txt.
"""

import argparse
import io
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MOST_BYTES = 300_000


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("report", type=Path)
    parser.add_argument("--finding")
    parser.add_argument("--to", type=Path, default=Path("docs/images/evidence-page.png"))
    parser.add_argument("--language", choices=["en", "zh"], default="en")
    parser.add_argument("--scheme", choices=["light", "dark"], default="light")
    parser.add_argument("--width", type=int, default=1180)
    parser.add_argument("--height", type=int, default=1180)
    parser.add_argument("--whole", action="store_true", help="the whole page instead of --height pixels")
    return parser.parse_args()


def page_of(report: Path, finding: str | None) -> Path:
    """Return the evidence page of ``finding``, or the one that the index names first."""
    if report.suffix == ".html":
        return report
    if finding:
        return report / "evidence" / f"{finding}.html"
    index = (report / "index.html").read_text(encoding="utf-8")
    _, _, rest = index.partition('href="evidence/')
    if not rest:
        sys.exit(f"{report} lists no finding")
    return report / "evidence" / rest.partition('"')[0]


def picture(page_file: Path, chosen: argparse.Namespace) -> bytes:
    """Return the screenshot as PNG bytes."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(
            viewport={"width": chosen.width, "height": chosen.height},
            color_scheme=chosen.scheme,
            device_scale_factor=1.5 if chosen.width > 700 else 2,
        )
        page.goto(f"{page_file.resolve().as_uri()}?lang={chosen.language}")
        shot = page.screenshot(full_page=chosen.whole)
        browser.close()
    return shot


def small(png: bytes) -> bytes:
    """Return the picture with as many colours as fit into ``MOST_BYTES``."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    for colours in (256, 128, 64, 32):
        buffer = io.BytesIO()
        image.quantize(colours, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
            buffer, "PNG", optimize=True
        )
        if buffer.tell() <= MOST_BYTES:
            break
    return buffer.getvalue()


def main() -> None:
    """Write the picture and say how large it is."""
    chosen = options()
    png = picture(page_of(chosen.report, chosen.finding), chosen)
    chosen.to.parent.mkdir(parents=True, exist_ok=True)
    chosen.to.write_bytes(png if chosen.whole else small(png))
    sys.stdout.write(f"{chosen.to}: {chosen.to.stat().st_size:,} bytes\n")


if __name__ == "__main__":
    main()

"""What shoppers do on the page, and what they see of an answer."""

from __future__ import annotations

import base64
import io

from PIL import Image
from playwright.sync_api import Page, expect

FIELD = "input[type=search]"


def titles(page: Page, count: int = 2) -> list[str]:
    """The titles of the best hits, once an answer is there."""
    expect(page.locator("#results:not([aria-busy]) .summary")).to_be_visible()
    return page.locator(".card h2").all_text_contents()[:count]


def picture(colour: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (48, 48), colour).save(buffer, "PNG")
    return buffer.getvalue()


def choose(page: Page, data: bytes, name: str = "query.png") -> None:
    page.set_input_files("input[type=file]", {"name": name, "mimeType": "image/png", "buffer": data})


def hand_over(page: Page, event: str, data: bytes) -> None:
    """Pastes or drops a picture somewhere on the page."""
    page.evaluate(
        """([event, data]) => {
          const bytes = Uint8Array.from(atob(data), (each) => each.charCodeAt(0));
          const held = new DataTransfer();
          held.items.add(new File([bytes], "held.png", { type: "image/png" }));
          const kind = event === "paste" ? ClipboardEvent : DragEvent;
          const transfer = event === "paste" ? "clipboardData" : "dataTransfer";
          document.body.dispatchEvent(
            new kind(event, { [transfer]: held, bubbles: true, cancelable: true }));
        }""",
        [event, base64.b64encode(data).decode()],
    )

"""Pictures that look like something, for tests."""

import io
import random

from PIL import Image, ImageDraw


def webp(width: int = 1280, height: int = 800, seed: int = 1, form: str = "WEBP") -> bytes:
    """A drawn screen, encoded."""
    draw_from = random.Random(seed)
    image = Image.new("RGB", (width, height), "#f7f9fb")
    draw = ImageDraw.Draw(image)
    for line in range(10, height - 10, 14):
        left = 20 + draw_from.randrange(4) * 20
        draw.rectangle((left, line, left + draw_from.randrange(40, max(41, width // 2)), line + 6), fill="#8fa0b8")
    out = io.BytesIO()
    image.save(out, form, quality=60)
    return out.getvalue()

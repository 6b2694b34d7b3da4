"""Small pictures: a screenshot as a PNG with a palette, a third of the browser's own or less."""

from __future__ import annotations

import base64
import struct
import zlib

from playwright.sync_api import Page

_INDEX = """async (source) => {
  const picture = await createImageBitmap(await (await fetch(source)).blob());
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const pen = canvas.getContext('2d');
  pen.drawImage(picture, 0, 0);
  const pixels = pen.getImageData(0, 0, picture.width, picture.height).data;
  for (let drop = 0; drop < 8; drop += 1) {
    const mask = (0xff << drop) & 0xff;
    const places = new Map();
    const sums = [];
    const index = new Uint8Array(pixels.length / 4);
    let fits = true;
    for (let at = 0; fits && at < pixels.length; at += 4) {
      const key = ((pixels[at] & mask) << 16) | ((pixels[at + 1] & mask) << 8) | (pixels[at + 2] & mask);
      let place = places.get(key);
      if (place === undefined) {
        place = places.size;
        fits = place < 256;
        places.set(key, place);
        sums.push([0, 0, 0, 0]);
      }
      const sum = sums[place];
      for (const part of [0, 1, 2]) sum[part] += pixels[at + part];
      sum[3] += 1;
      index[at / 4] = place;
    }
    if (!fits) continue;
    const colours = sums.map((sum) => sum.slice(0, 3).map((part) => Math.round(part / sum[3])));
    let text = '';
    for (let at = 0; at < index.length; at += 32768) text += String.fromCharCode(...index.subarray(at, at + 32768));
    return { width: picture.width, height: picture.height, colours, index: btoa(text) };
  }
}"""


def with_palette(blank: Page, picture: bytes) -> bytes:
    """The same picture with at most 256 colours. `blank` is a page without a content policy that does the drawing."""
    source = f"data:image/png;base64,{base64.b64encode(picture).decode()}"
    found = blank.evaluate(_INDEX, source)
    width, height = found["width"], found["height"]
    index = base64.b64decode(found["index"])
    rows = b"".join(b"\0" + index[row * width : (row + 1) * width] for row in range(height))
    palette = b"".join(bytes(colour) for colour in found["colours"])
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in parts)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

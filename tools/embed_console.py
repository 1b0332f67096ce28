#!/usr/bin/env python3
"""Turns the built console into an assembler file and a table for the program.

    tools/embed_console.py DIST OUT

DIST is what `vite build` made; OUT gets `console_assets.S`, which takes the bytes in, `console_assets.inc`, which lists
them, and the compressed bytes themselves. Each file is kept as brotli and as gzip, so that no request compresses
anything; what gains nothing by it (fonts, pictures) is kept as it is. The same DIST gives the same bytes.
"""
import gzip
import hashlib
import pathlib
import shutil
import subprocess
import sys

MIME = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
    ".png": "image/png",
    ".woff2": "font/woff2",
}


def brotli(data):
    return subprocess.run(["brotli", "--best", "--stdout", "-"], input=data, capture_output=True, check=True).stdout


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    dist, out = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
    if not (dist / "index.html").is_file():
        sys.exit(f"embed_console: {dist}/index.html is missing; build the console first (npm run build in console/)")
    if not shutil.which("brotli"):
        sys.exit("embed_console: the program brotli is missing; tools/setup.sh installs it")
    blobs = out / "console_blobs"
    shutil.rmtree(blobs, ignore_errors=True)
    blobs.mkdir(parents=True)

    rows, parts, build = [], [], hashlib.sha256()
    for number, path in enumerate(sorted((p for p in dist.rglob("*") if p.is_file()), key=lambda p: p.relative_to(dist).as_posix())):
        name = path.relative_to(dist).as_posix()
        mime = MIME.get(path.suffix)
        if mime is None:
            sys.exit(f"embed_console: {name}: no media type is known for {path.suffix or 'no suffix'}; add it to MIME")
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()[:16]
        build.update(f"{name} {digest}\n".encode())
        forms = {"brotli": brotli(data), "gzip": gzip.compress(data, 9, mtime=0)}
        # A few bytes are not worth a header and the work of unpacking.
        if len(forms["gzip"]) > len(data) * 0.95:
            forms = {"brotli": b"", "gzip": b""}
        # The page is a template, so it is kept open; for the rest gzip can be unpacked for the rare client without it.
        forms["plain"] = data if not forms["gzip"] or name == "index.html" else b""
        for form, content in forms.items():
            symbol = f"terreno_console_{number}_{form}"
            parts.append(f"  .balign 16\n  .global {symbol}\n{symbol}:")
            if content:
                blob = blobs / f"{number}.{form}"
                blob.write_bytes(content)
                parts.append(f'  .incbin "{blob}"')
            parts.append(f"  .global {symbol}_end\n{symbol}_end:")
        rows.append(f'ASSET({number}, "{name}", "{mime}", "{digest}", {"true" if name.startswith("assets/") else "false"})')

    (out / "console_assets.S").write_text(
        "  .section .rodata\n" + "\n".join(parts) + '\n  .section .note.GNU-stack,"",%progbits\n')
    (out / "console_assets.inc").write_text(f'BUILD("{build.hexdigest()[:16]}")\n' + "\n".join(rows) + "\n")


main()

#!/usr/bin/env python3
"""Reads mail as a recipient's software would, by parsers that are not ours.

verify_mail.py parse CASES   every message of CASES gives back the fields it was built from, by the standard library
verify_mail.py dkim FOLDER   every DKIM signature of FOLDER/message.eml verifies, and none does after a change, by dkimpy

CASES has a message per line: tab-separated base64 of the message, then of from name, to name, subject, text, html and
the value of the header X-Custom. FOLDER holds `SELECTOR.DOMAIN.txt` files, the DNS records.
"""
import base64
import email
import email.policy
import pathlib
import sys
from email.header import decode_header, make_header
from email.utils import parseaddr


def lines_of(text):
    return text.replace("\r\n", "\n").replace("\r", "\n")


def check_case(number, line):
    raw, *wanted = (base64.b64decode(field) for field in line.rstrip("\n").split("\t"))
    from_name, to_name, subject, text, html, custom = (field.decode() for field in wanted)
    problems = []
    message = email.message_from_bytes(raw, policy=email.policy.default)

    def compare(what, got, want):
        if got != want:
            problems.append(f"case {number}: {what}: got {got!r}, wanted {want!r}")

    def body(part, want, whole):
        got = lines_of(part.get_content())
        want = lines_of(want)
        # A message of one part always ends its last line; one of several keeps a body exactly.
        if whole and not want.endswith("\n"):
            want += "\n"
        compare(part.get_content_type(), got, want)

    # Names are read by the older of Python's two readers: up to 3.12 the newer one puts a blank between neighbouring
    # encoded words of a name, against RFC 2047, 6.2.
    legacy = email.message_from_bytes(raw, policy=email.policy.compat32)

    def name(header):
        unfolded = legacy[header].replace("\r\n", "")
        return str(make_header(decode_header(parseaddr(unfolded)[0])))

    compare("from", name("From"), from_name)
    compare("from count", len(message["From"].addresses), 1)
    compare("to", name("To"), to_name)
    compare("to count", len(message["To"].addresses), 1)
    compare("subject", message["Subject"], subject)
    compare("custom", message["X-Custom"], custom)
    if text and html:
        compare("type", message.get_content_type(), "multipart/alternative")
        parts = list(message.iter_parts())
        compare("parts", [part.get_content_type() for part in parts], ["text/plain", "text/html"])
        body(parts[0], text, False)
        body(parts[1], html, False)
    else:
        compare("type", message.get_content_type(), "text/plain" if text else "text/html")
        body(message, text or html, True)
    for part in message.walk():
        for defect in part.defects:
            problems.append(f"case {number}: defect {defect!r}")
    for at, row in enumerate(raw.split(b"\r\n")):
        if b"\n" in row or b"\r" in row:
            problems.append(f"case {number}: line {at} holds a bare CR or LF")
        if len(row) > 998:
            problems.append(f"case {number}: line {at} has {len(row)} bytes")
    return problems


def parse(path):
    problems = []
    count = 0
    for number, line in enumerate(pathlib.Path(path).read_text().splitlines()):
        count += 1
        problems += check_case(number, line)
    print("\n".join(problems[:20]))
    print(f"{count} messages parsed, {len(problems)} problems")
    return 1 if problems or count == 0 else 0


def dkim_verify(folder):
    import dkim

    folder = pathlib.Path(folder)
    message = (folder / "message.eml").read_bytes()

    def record(name, timeout=5):
        selector, _, domain = name.decode().rstrip(".").partition("._domainkey.")
        path = folder / f"{selector}.{domain}.txt"
        return path.read_bytes() if path.exists() else None

    count = message.count(b"DKIM-Signature:")
    problems = []

    def verify(data, index):
        try:
            return dkim.DKIM(data).verify(idx=index, dnsfunc=record)
        except dkim.DKIMException as error:
            return f"refused: {error}"

    for index in range(count):
        if verify(message, index) is not True:
            problems.append(f"signature {index} does not verify: {verify(message, index)}")
        for what, change in {
            "body": lambda m: m.replace(b"Hola", b"Hole", 1),
            "subject": lambda m: m.replace(b"Subject: ", b"Subject: x", 1),
            "one-click": lambda m: m.replace(b"One-Click", b"Two-Click", 1),
            "unsubscribe": lambda m: m.replace(b"/u/token", b"/u/other", 1),
            "second From": lambda m: m.replace(b"Subject: ", b"From: evil@example.net\r\nSubject: ", 1),
        }.items():
            changed = change(message)
            if changed == message:
                problems.append(f"nothing to change in the {what}")
            if verify(changed, index) is True:
                problems.append(f"signature {index} survives a changed {what}")
        relayed = message.replace(b"Subject: ", b"subject:   ", 1).replace(b"\r\n\r\n", b"\r\nX-Relay: yes\r\n\r\n", 1)
        if verify(relayed, index) is not True:
            problems.append(f"signature {index} does not survive an honest relay")
    print("\n".join(problems))
    print(f"{count} signatures, {len(problems)} problems")
    return 1 if problems or count != 2 else 0


if __name__ == "__main__":
    sys.exit({"parse": parse, "dkim": dkim_verify}[sys.argv[1]](sys.argv[2]))

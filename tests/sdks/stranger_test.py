#!/usr/bin/env python3
"""A stranger's walk, under tests/postfix.py: their script with the real SDK, a letter in a real mailbox, and *why*.

    stranger_test.py PROGRAM        after `npm ci` in this folder

The letter is parsed by the standard library and its signature verified by dkimpy. Nothing waits for a time: the mailbox is
looked at until the letter is there or the server has ended.
"""
import email
import email.policy
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = str(pathlib.Path(sys.argv[1]).resolve())
PASSWORD = "correct horse battery staple"
DOCUMENTS = {
    "tips.yaml": "kind: topic\nname: tips\nspec: {titles: {es: Consejos, fr: Conseils, en: Tips}}\n",
    "hello.yaml": """kind: template
name: hello
spec:
  author: Marta
  aim: Say hello
  languages:
    en:
      subject: 'Hello {{ person.first_name }}'
      html: '<p>Hello {{ person.first_name }}, you chose {{ event.plan }}.</p><a href="{% unsubscribe_url %}">No more of these</a>'
      text: 'Hello {{ person.first_name }}, you chose {{ event.plan }}. No more of these: {% unsubscribe_url %}'
""",
    "welcome.yaml": """kind: journey
name: welcome
spec:
  owner: Marta
  reply_to: marta@stranger.example
  trigger: {event: Signed Up}
  steps:
    - send: {template: hello, topic: tips}
""",
}


def run(*arguments):
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"terreno {' '.join(map(str, arguments))}: {done.returncode}: {done.stderr}")
    return done.stdout


def check(holds, what):
    if not holds:
        raise AssertionError(what)
    print(f"ok  {what}")


class Session:
    def __init__(self, port, link):
        self.port, self.headers = port, {"Content-Type": "application/json"}
        token = urllib.parse.parse_qs(urllib.parse.urlsplit(link).query)["token"][0]
        answer, body = self.ask("POST", "/api/v1/first-run", {"token": token, "email": "lucia@stranger.example", "name": "Lucía",
                                                              "password": PASSWORD, "language": "es"})
        self.headers["Cookie"] = answer.getheader("Set-Cookie").split(";")[0]
        self.headers["X-CSRF-Token"] = body["csrf"]

    def ask(self, method, target, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request(method, target, None if body is None else json.dumps(body), self.headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        if answer.status >= 300:
            raise AssertionError(f"{method} {target}: {answer.status} {text.decode()}")
        return answer, json.loads(text) if text else None


def letters(mailbox):
    folder = pathlib.Path(mailbox) / "new"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def walk(folder):
    data = folder / "data"
    made = json.loads(run("init", "--data", data, "--json"))
    api_key = json.loads(run("keys", "create", "--data", data, "--name", "site", "--scope", "consents:write", "--scope",
                             "people:read", "--scope", "configuration:write", "--scope", "configuration:read", "--scope",
                             "messages:read", "--json"))["key"]
    (folder / "terreno.yaml").write_text(f"mail: {{host: 127.0.0.1, port: {os.environ['POSTFIX_PORT']}}}\n")
    documents = folder / "documents"
    documents.mkdir()
    for name, text in DOCUMENTS.items():
        (documents / name).write_text(text)
    server = subprocess.Popen([PROGRAM, "serve", "--data", str(data), "--listen", "127.0.0.1:0", "--json", "--config",
                               str(folder / "terreno.yaml")], stdout=subprocess.PIPE, text=True)
    try:
        said = json.loads(server.stdout.readline())
        url = said["url"].replace("localhost", "127.0.0.1")
        session = Session(urllib.parse.urlsplit(url).port, said["first_run_link"])
        sender = session.ask("GET", "/api/v1/sender")[1]
        sender = session.ask("PUT", "/api/v1/sender", {
            "version": sender["version"], "brand": "Norte", "legal_entity": "Asociación Norte", "postal_address": "Calle Mayor 1, Madrid",
            "from_name": "Asociación Norte", "from_address": "hola@stranger.example", "reply_to": "marta@stranger.example",
            "envelope_domain": "bounces.stranger.example", "dkim_selector": "t1", "footer": "Asociación Norte · Calle Mayor 1, Madrid",
            "public_base_url": "https://mail.stranger.example", "mode": "live", "password": PASSWORD})[1]
        check(sender["mode"] == "live", "the sender is complete, and Terreno is Live")
        client = ["--server", url, "--key", api_key]
        run("apply", documents, *client)

        def sign_up(user, address, agrees):
            environment = os.environ | {"TERRENO_URL": url, "WRITE_KEY": made["write_key"], "API_KEY": api_key, "USER": user,
                                        "ADDRESS": address, "AGREES": "yes" if agrees else "no"}
            subprocess.run(["node", "stranger.mjs"], cwd=HERE, env=environment, check=True)

        sign_up("u-1", "ana@sink.example", True)
        while not letters(os.environ["POSTFIX_MAIL"]) and server.poll() is None:
            pass
        raw = letters(os.environ["POSTFIX_MAIL"])[0].read_bytes()
        letter = email.message_from_bytes(raw, policy=email.policy.default)
        check(letter["Subject"] == "Hello Ana", "the letter is in a postfix mailbox, with its subject")
        check("you chose yearly" in letter.get_body(("plain",)).get_content(), "its text knows what the event said")
        check(letter["List-Unsubscribe"].startswith("<https://mail.stranger.example/u/") and
              letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click", "it can be unsubscribed from with one click")
        check("Calle Mayor 1" in letter.get_body(("html",)).get_content(), "its footer says who writes, and from where")
        record = next(r for r in sender["records"] if r["purpose"] == "dkim")
        import dkim
        # What the delivering server put in front is not signed.
        check(dkim.verify(raw, dnsfunc=lambda name, timeout=5: record["value"].encode()
                          if name.decode().rstrip(".") == record["name"] else None), "dkimpy verifies its signature")

        why = json.loads(run("why", "ana@sink.example", "--json", *client))
        while why["sentence"]["code"] != "sent" and server.poll() is None:
            why = json.loads(run("why", "ana@sink.example", "--json", *client))
        print(run("why", "ana@sink.example", *client), end="")
        decision = letter["Terreno-Decision"]
        check(why["subject"]["decision_id"] == decision, "why explains the decision that the letter names")
        message = session.ask("GET", f"/api/v1/messages/{decision}")[1]
        check(message["consent"] is not None and message["consent"]["topic"] == "tips",
              f"the message names its ledger entry: {message['consent'] and message['consent']['entry_id']}")

        sign_up("u-2", "ben@sink.example", False)
        code = None
        while code in (None, "will_send", "held_identity") and server.poll() is None:
            done = subprocess.run([PROGRAM, "why", "ben@sink.example", "--json", *client], capture_output=True, text=True)
            code = json.loads(done.stdout)["sentence"]["code"] if done.returncode == 0 else None
        check(code == "withheld_no_consent", "who never agreed gets nothing, and why says so")
        print(run("why", "ben@sink.example", "--language", "es", *client), end="")
        check(len(letters(os.environ["POSTFIX_MAIL"])) == 1, "there is one letter in the mailbox, not two")
    finally:
        server.send_signal(signal.SIGTERM)
        code = server.wait()
    check(code == 0, "it stops cleanly")


folder = pathlib.Path(tempfile.mkdtemp(prefix="terreno-stranger-"))
try:
    walk(folder)
finally:
    shutil.rmtree(folder)

#!/usr/bin/env python3
"""The program from outside: its commands, their exit codes, and one life of a server.

    cli_test.py PROGRAM [TESTS…]

Everything runs on 127.0.0.1 and on ports that the system chooses, in a folder that is thrown away. Nothing waits for a
time: a server has printed its address when it answers, and has ended when its process has.
"""
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.parse

PROGRAM = str(pathlib.Path(sys.argv[1]).resolve())

TOPIC = "kind: topic\nname: tips\nspec: {titles: {es: Consejos, fr: Conseils, en: Tips}}\n"
TEMPLATE = """kind: template
name: hello
spec:
  author: Marta
  aim: Say hello
  languages:
    en:
      subject: 'Hello {{ person.first_name }}'
      html: '<p>Hello</p><a href="{% unsubscribe_url %}">No more of these</a>'
      text: 'Hello. No more of these: {% unsubscribe_url %}'
"""
JOURNEY = """kind: journey
name: welcome
spec:
  owner: Marta
  reply_to: marta@example.org
  trigger: {event: Signed Up}
  steps:
    - send: {template: hello, topic: tips}
"""


def run(*arguments, **more):
    """Runs a command to its end. The environment of whoever runs the tests does not count."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TERRENO_")}
    environment.update(more.pop("environment", {}))
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, env=environment, **more)


class Serving:
    """`terreno serve`, from its first line to its end."""

    def __init__(self, folder, *arguments, environment=None):
        self.process = subprocess.Popen([PROGRAM, "serve", "--data", str(folder), "--listen", "127.0.0.1:0", "--json", *arguments],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                        env=os.environ | (environment or {}))
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("serve ended before it listened: " + self.process.stderr.read())
        said = json.loads(line)
        self.url = said["url"]
        self.link = said.get("first_run_link")  # an intake has no console
        self.port = urllib.parse.urlsplit(self.url).port

    def ask(self, method, target, body=None, headers=None):
        """Status, headers, and the body as JSON where it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        headers = dict(headers or {})
        data = None
        if body is not None:
            data = body if isinstance(body, str) else json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        connection.request(method, target, data, headers)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        is_json = "json" in (answer.getheader("Content-Type") or "")
        return answer.status, answer.headers, json.loads(text) if is_json and text else text

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        _, self.stderr = self.process.communicate()
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()


class HangingRelay:
    """A mail server that takes one message whole and then says nothing more."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.has_message = threading.Event()
        self.connections = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.connections.append(connection)
            threading.Thread(target=self.converse, args=(connection,), daemon=True).start()

    def converse(self, connection):
        lines = connection.makefile("rb")
        connection.sendall(b"220 relay\r\n")
        is_message = False
        for line in lines:
            if is_message:
                if line == b".\r\n":
                    self.has_message.set()
                    return
            elif line.upper().startswith(b"DATA"):
                is_message = True
                connection.sendall(b"354 go on\r\n")
            else:
                connection.sendall(b"250 fine\r\n")

    def close(self):
        for open_socket in (self.socket, *self.connections):
            open_socket.close()


def basic(write_key):
    import base64
    return {"Authorization": "Basic " + base64.b64encode(f"{write_key}:".encode()).decode()}


class Commands(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="terreno-cli-"))
        self.data = self.folder / "data"
        self.addCleanup(shutil.rmtree, self.folder)

    def init(self):
        made = run("init", "--data", self.data, "--json")
        self.assertEqual(made.returncode, 0, made.stderr)
        return json.loads(made.stdout)

    def documents(self, **changed):
        folder = self.folder / "documents"
        folder.mkdir(exist_ok=True)
        texts = {"topic": TOPIC, "template": TEMPLATE, "journey": JOURNEY} | changed
        for name, text in texts.items():
            (folder / f"{name}.yaml").write_text(text)
        return folder

    def test_version_and_help_say_what_there_is(self):
        self.assertIn("version", json.loads(run("version", "--json").stdout))
        help_text = run("--help").stdout
        for command in ("init", "serve", "render", "keys", "users", "doctor", "recover", "verify", "validate", "apply", "why", "consent"):
            self.assertIn(command, help_text)

    def test_wrong_usage_is_64(self):
        for wrong in ((), ("nonsense",), ("serve", "--role", "nobody"), ("keys",), ("recover", "--data", self.data, "--at", "x")):
            self.assertEqual(run(*wrong).returncode, 64, wrong)

    def test_init_makes_a_folder_for_its_owner_and_a_key_beside_it(self):
        made = self.init()
        self.assertTrue(made["write_key"])
        self.assertEqual(self.data.stat().st_mode & 0o777, 0o700)
        key = pathlib.Path(made["key_file"])
        self.assertEqual(key.stat().st_mode & 0o777, 0o600)
        self.assertNotIn(self.data, key.parents)
        again = run("init", "--data", self.data)
        self.assertEqual(again.returncode, 1)
        self.assertIn("--data", again.stderr)

    def test_keys_are_made_listed_and_revoked(self):
        self.init()
        made = json.loads(run("keys", "create", "--data", self.data, "--name", "CRM", "--scope", "people:read", "--json").stdout)
        self.assertTrue(made["key"].startswith("tk_"))
        listed = run("keys", "list", "--data", self.data, "--json")
        keys = json.loads(listed.stdout)
        self.assertEqual([(k["name"], k["scopes"], k["in_force"]) for k in keys], [("CRM", ["people:read"], True)])
        self.assertNotIn(made["key"], listed.stdout)
        self.assertEqual(run("keys", "revoke", made["id"], "--data", self.data, "--json").returncode, 0)
        self.assertFalse(json.loads(run("keys", "list", "--data", self.data, "--json").stdout)[0]["in_force"])
        self.assertEqual(run("keys", "revoke", made["id"], "--data", self.data).returncode, 1)
        unknown = run("keys", "create", "--data", self.data, "--name", "x", "--scope", "people:reed")
        self.assertEqual(unknown.returncode, 64)
        self.assertIn("people:reed", unknown.stderr)

    def test_users_are_invited_and_removed_and_somebody_always_can_administer(self):
        self.init()
        with Serving(self.data) as server:
            status, _, session = server.ask("POST", "/api/v1/first-run",
                                            {"token": server.link.split("token=")[1], "language": "es", "email": "marta@example.org",
                                             "name": "Marta Soler", "password": "a long enough passphrase"})
            self.assertEqual(status, 200, session)
        invited = run("users", "invite", "joan@example.org", "--name", "Joan", "--role", "viewer", "--data", self.data, "--json")
        self.assertEqual(invited.returncode, 0, invited.stderr)
        self.assertIn("token=", json.loads(invited.stdout)["link"])
        self.assertIn("token=", run("users", "reset-link", "joan@example.org", "--data", self.data).stdout)
        self.assertEqual({u["email"] for u in json.loads(run("users", "list", "--data", self.data, "--json").stdout)},
                         {"marta@example.org", "joan@example.org"})
        self.assertEqual(run("users", "remove", "joan@example.org", "--data", self.data, "--json").returncode, 0)
        last = run("users", "remove", "marta@example.org", "--data", self.data)
        self.assertEqual(last.returncode, 1)
        self.assertIn("nobody would be left who can administer", last.stderr)
        self.assertEqual(run("users", "reset-link", "nobody@example.org", "--data", self.data).returncode, 1)

    def test_validate_says_where_and_what(self):
        fine = run("validate", self.documents(), "--json")
        self.assertEqual(fine.returncode, 0, fine.stdout + fine.stderr)
        self.assertEqual(json.loads(fine.stdout), {"ok": True, "findings": []})
        wrong = self.documents(journey=JOURNEY.replace("trigger:", "triger:"))
        told = run("validate", wrong)
        self.assertEqual(told.returncode, 3)
        self.assertRegex(told.stdout + told.stderr, r"journey\.yaml:\d+:\d+: ")
        findings = json.loads(run("validate", wrong, "--json").stdout)["findings"]
        self.assertIn("unknown_key", {f["code"] for f in findings})
        self.assertEqual(run("validate", self.folder / "absent").returncode, 1)

    def test_a_link_to_a_page_that_does_not_exist_is_a_finding(self):
        linked = TEMPLATE.replace("<p>Hello</p>", '<p>Hello</p>{% if true %}<a href="{% view_in_browser_url %}">see</a>{% endif %}')
        told = run("validate", self.documents(template=linked), "--json")
        self.assertEqual(told.returncode, 3)
        findings = json.loads(told.stdout)["findings"]
        self.assertEqual([(f["code"], f["path"]) for f in findings], [("no_such_page", "spec.languages.en.html")])
        self.assertIn("leave the link out", findings[0]["detail"])

    def test_doctor_finds_a_folder_well_and_a_wrong_key_ill(self):
        key = pathlib.Path(self.init()["key_file"])
        with Serving(self.data):
            busy = run("doctor", "--data", self.data, "--json")
            self.assertEqual(busy.returncode, 10)
        well = run("doctor", "--data", self.data, "--json")
        report = json.loads(well.stdout)
        # A machine that builds may be short of space; everything else is to be well.
        self.assertEqual([c for c in report["checks"] if not c["ok"] and c["check"] != "disk"], [])
        key.unlink()
        ill = run("doctor", "--data", self.data, "--json")
        self.assertEqual(ill.returncode, 10)
        self.assertIn("installation key", [c["check"] for c in json.loads(ill.stdout)["checks"] if not c["ok"]])
        refused = run("serve", "--data", self.data, "--listen", "127.0.0.1:0")
        self.assertEqual(refused.returncode, 1)

    def test_doctor_right_after_init_finds_nothing_ill_and_makes_nothing(self):
        self.init()
        before = sorted(p.name for p in self.data.iterdir())
        told = run("doctor", "--data", self.data)
        self.assertIn("nothing was written yet", told.stdout)
        self.assertRegex(told.stdout, r"mode: Sandbox: .* to go Live it lacks .*\bpublic_base_url\b")
        self.assertNotIn("BAD   journal", told.stdout)
        self.assertEqual(sorted(p.name for p in self.data.iterdir() if p.name != "lock"), [n for n in before if n != "lock"])

    def test_key_errors_name_their_own_remedy(self):
        key = pathlib.Path(self.init()["key_file"])
        other = json.loads(run("init", "--data", self.folder / "other", "--json").stdout)["key_file"]
        kept = key.read_bytes()

        def refused(what, remedy, code):
            plain = run("serve", "--data", self.data, "--listen", "127.0.0.1:0")
            self.assertEqual((plain.returncode, len(plain.stderr.splitlines())), (1, 1), plain.stderr)
            self.assertIn(what, plain.stderr)
            self.assertIn(remedy, plain.stderr)
            self.assertIn(str(key), plain.stderr)
            error = json.loads(run("serve", "--data", self.data, "--listen", "127.0.0.1:0", "--json").stderr)["error"]
            self.assertEqual(error["code"], code)
            self.assertIn(what, run("doctor", "--data", self.data).stdout)

        key.chmod(0o644)
        refused("can be read by others", "chmod 600", "readable_by_others")
        key.unlink()
        refused("is not there", "copy it back", "absent")
        shutil.copy(other, key)
        refused("belongs to another installation", "--key-file", "wrong_key")
        key.write_text("no key")
        refused("is no installation key", "copy yours back", "format")
        key.write_bytes(kept[:-3] + b"0\n\n")
        refused("is damaged", "copy it back", "checksum")
        key.write_bytes(kept)
        with Serving(self.data):
            pass

    def test_a_mistyped_folder_makes_no_installation(self):
        (self.folder / "foreign").mkdir()
        (self.folder / "foreign" / "letters.txt").write_text("of somebody")
        (self.folder / "file").write_text("x")
        (self.folder / "empty").mkdir()
        for name, word in (("typo", "there is no data folder"), ("foreign", "holds other things"), ("file", "is no folder"), ("empty", "is empty")):
            for command in (("serve", "--listen", "127.0.0.1:0"), ("serve", "--role", "intake"), ("keys", "list"), ("users", "list"),
                            ("recover", "--at", "3:1")):
                told = run(*command, "--data", self.folder / name)
                self.assertEqual(told.returncode, 1, command)
                self.assertIn(word, told.stderr, command)
            self.assertEqual(run("doctor", "--data", self.folder / name).returncode, 10)
        self.assertIn("terreno init --data", run("serve", "--data", self.folder / "typo").stderr)
        self.assertEqual(run("serve", cwd=self.folder).returncode, 1)  # the default folder is none either
        self.assertEqual(run("init", "--data", self.folder / "foreign").returncode, 1)
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ["empty", "file", "foreign"])
        self.assertEqual([p.name for p in (self.folder / "foreign").iterdir()], ["letters.txt"])
        self.assertEqual(list((self.folder / "empty").iterdir()), [])

    def test_inviting_before_the_first_run_says_what_comes_first(self):
        self.init()
        early = run("users", "invite", "joan@example.org", "--name", "Joan", "--data", self.data)
        self.assertEqual(early.returncode, 1)
        self.assertIn("terreno serve", early.stderr)
        self.assertNotIn("last_administrator", early.stderr)

    def test_mistyped_words_are_met_with_the_nearest(self):
        for words, near in ((("serv",), "`serve`"), (("keys", "craete"), "`create`"), (("serve", "--dta", "x"), "--data"),
                            (("help", "vershion"), "`version`"), (("consent", "grnat"), "`grant`")):
            told = run(*words)
            self.assertEqual(told.returncode, 64, words)
            self.assertIn("did you mean " + near, told.stderr)
            self.assertEqual(told.stdout, "")
        self.assertIn("list, create, revoke", run("keys").stderr)

    def test_what_is_wrong_is_told_alike_by_every_command(self):
        wrong = self.documents(journey=JOURNEY.replace("trigger:", "triger:"))
        for command in (("validate", wrong), ("apply", wrong)):
            told = run(*command, "--json")
            self.assertEqual(told.returncode, 3, command)
            report = json.loads(told.stdout)
            self.assertFalse(report["ok"])
            self.assertIn(("journey.yaml", "unknown_key"), {(f["file"], f["code"]) for f in report["findings"]}, command)
        config = self.folder / "bad.yaml"
        config.write_text("lisen: 127.0.0.1:0\n")
        served = run("serve", "--json", "--config", config)
        self.assertEqual(served.returncode, 3)
        self.assertEqual(json.loads(served.stdout)["findings"][0]["line"], 1)

        template = self.folder / "hello.liquid"
        template.write_text("Hello\n  {% nonsense %}")
        plain = run("render", template)
        self.assertEqual((plain.returncode, plain.stdout), (3, ""))
        self.assertRegex(plain.stderr, r"^\S*hello\.liquid:2:\d+: [^{}]*nonsense.*; \w.*\n$")
        found = run("render", template, "--json")
        self.assertEqual(found.returncode, 3)
        self.assertEqual([(f["line"], f["code"]) for f in json.loads(found.stdout)["findings"]], [(2, "unknown_tag")])
        template.write_text("Hello {{ name }}")
        self.assertEqual(json.loads(run("render", template, "--json").stdout), {"output": "Hello "})
        self.assertEqual(run("init", "--data", self.data, "--kind", "foo").returncode, 64)
        self.assertFalse(self.data.exists())

    def test_documents_that_cannot_be_read_are_named(self):
        for name, target in (("loop.yaml", "loop.yaml"), ("gone.yml", "nowhere")):
            folder = self.documents()
            link = folder / "deep" / name
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(target)
            told = run("validate", folder)
            self.assertEqual(told.returncode, 1, told.stderr)
            self.assertIn(name, told.stderr)
            self.assertIn("cannot be read", told.stderr)
            link.unlink()

    def test_help_and_version_agree_with_themselves(self):
        self.assertEqual(run("--version").stdout, run("version").stdout)
        for command in (("serve",), ("keys", "create"), ("why",)):
            asked = run("help", *command)
            self.assertEqual(asked.returncode, 0)
            self.assertEqual(asked.stdout, run(*command, "--help").stdout)
        self.assertEqual(run("help").stdout, run("--help").stdout)

    def test_what_cannot_be_printed_is_a_failure(self):
        with open("/dev/full", "w") as full:
            told = subprocess.run([PROGRAM, "version"], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(told.returncode, 1)
        self.assertIn("standard output", told.stderr)

    def test_closed_streams_do_not_end_in_the_data(self):
        self.init()
        closed = subprocess.run(["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", PROGRAM, "keys", "create", "--data", str(self.data),
                                 "--name", "x", "--scope", "people:read"])
        self.assertEqual(closed.returncode, 0)
        self.assertEqual(len(json.loads(run("keys", "list", "--data", self.data, "--json").stdout)), 1)
        for path in self.data.rglob("*"):
            if path.is_file():
                self.assertNotIn(b"Keep it:", path.read_bytes(), path)

    def test_serve_says_where_it_is_and_where_letters_go(self):
        self.init()
        with Serving(self.data) as server:
            self.assertEqual(server.stop(), 0)
        for words in (server.url, str(self.data), "Sandbox", "terreno: stopped;"):
            self.assertIn(words, server.stderr)
        with Serving(self.data) as server:
            said = server.process.stderr.readline()
            while "caught up" not in said:
                said = server.process.stderr.readline()

    def test_a_relay_that_hangs_does_not_hold_the_stop(self):
        made = self.init()
        key = json.loads(run("keys", "create", "--data", self.data, "--name", "Tests", "--scope", "admin", "--json").stdout)["key"]
        machine = {"Authorization": "Bearer " + key}
        relay = HangingRelay()
        self.addCleanup(relay.close)
        config = self.folder / "terreno.yaml"
        config.write_text(f"mail: {{host: 127.0.0.1, port: {relay.port}}}\n")
        # On a Monday morning, so that no quiet hour holds the letter.
        clock = ("--clock", "manual", "--clock-start", "2026-03-02T09:00:00Z")
        with Serving(self.data, "--config", str(config), *clock) as server:
            password = "a long enough passphrase"
            status, headers, session = server.ask("POST", "/api/v1/first-run",
                                                  {"token": server.link.split("token=")[1], "language": "es", "email": "marta@example.org",
                                                   "name": "Marta Soler", "password": password})
            self.assertEqual(status, 200, session)
            staff = {"Cookie": headers["Set-Cookie"].split(";")[0], "X-CSRF-Token": session["csrf"]}
            sender = {"version": server.ask("GET", "/api/v1/sender", headers=staff)[2]["version"], "brand": "Norte", "legal_entity": "Norte",
                      "postal_address": "Calle Mayor 1", "from_name": "Norte", "from_address": "hola@norte.example", "reply_to": "hola@norte.example",
                      "envelope_domain": "b.norte.example", "dkim_selector": "t1", "public_base_url": "https://norte.example",
                      "mode": "live", "password": password}
            status, _, said = server.ask("PUT", "/api/v1/sender", sender, staff)
            self.assertEqual(status, 200, said)
            self.assertEqual(run("apply", self.documents(), "--server", server.url, "--key", key).returncode, 0)
            status, _, said = server.ask("POST", "/api/v1/consents",
                                         {"channel": "email", "address": "ana@example.org", "topic": "tips", "purpose": "marketing", "brand": "",
                                          "action": "grant", "actor": "person", "explicit": True, "country": "FR", "method": "tick",
                                          "text_version": "v1"}, machine)
            self.assertEqual((status, said["state"]), (201, "subscribed"), said)
            for event in ({"type": "identify", "traits": {"email": "ana@example.org", "first_name": "Ana", "country": "FR"}},
                          {"type": "track", "event": "Signed Up"}):
                status, _, said = server.ask("POST", "/v1/" + event["type"], {"userId": "ana", "messageId": event["type"]} | event,
                                             basic(made["write_key"]))
                self.assertEqual(status, 200, said)
            relay.has_message.wait()
            self.assertEqual(server.stop(), 0, server.stderr)
        with Serving(self.data, *clock) as server:
            person = server.ask("GET", "/api/v1/people/" + self.person(server, machine, "ana"), headers=machine)[2]
            self.assertEqual([m["state"] for m in person["messages"]], ["unknown"])

    def test_settings_that_cannot_be_are_refused_before_anything_is_opened(self):
        self.init()
        config = self.folder / "terreno.yaml"
        for line, words in (("trusted_proxies: [10.0.0.0/0]", "10.0.0.0/0"), ("public_base_url: crm.example.org", "https://"),
                            ("listen: nowhere", "nowhere")):
            config.write_text(line + "\n")
            told = run("serve", "--data", self.data, "--config", config)
            self.assertEqual(told.returncode, 64, told.stderr)
            self.assertIn(words, told.stderr)
        for name, value in (("TERRENO_TRUSTED_PROXIES", "everybody"), ("TERRENO_PUBLIC_BASE_URL", "ftp://x"), ("TERRENO_THREADS", "0"),
                            ("TERRENO_MEMORY_MIB", "lots"), ("TERRENO_LISTEN", "127.0.0.1:99999")):
            told = run("serve", "--data", self.data, environment={name: value})
            self.assertEqual(told.returncode, 64, told.stderr)
            self.assertIn(value, told.stderr)

    def test_the_public_address_follows_the_precedence(self):
        self.init()
        key = json.loads(run("keys", "create", "--data", self.data, "--name", "Tests", "--scope", "admin", "--json").stdout)["key"]
        config = self.folder / "terreno.yaml"
        config.write_text("public_base_url: https://file.example.org\n")

        def served(*flags, **environment):
            with Serving(self.data, *flags, environment=environment) as server:
                return server.ask("GET", "/api/v1/sender", headers={"Authorization": "Bearer " + key})[2]["public_base_url"]

        variable = {"TERRENO_PUBLIC_BASE_URL": "https://variable.example.org"}
        self.assertEqual(served("--config", str(config)), "https://file.example.org")
        self.assertEqual(served(TERRENO_CONFIG=str(config)), "https://file.example.org")
        self.assertEqual(served("--config", str(config), **variable), "https://variable.example.org")
        self.assertEqual(served("--config", str(config), "--public-base-url", "https://flag.example.org", **variable),
                         "https://flag.example.org")
        self.assertEqual(served(), "https://flag.example.org")  # it is kept

    def test_sdks_are_told_the_public_address_as_it_is_now(self):
        made = self.init()
        key = json.loads(run("keys", "create", "--data", self.data, "--name", "Tests", "--scope", "admin", "--json").stdout)["key"]
        machine = {"Authorization": "Bearer " + key}
        with Serving(self.data) as server:
            def told():
                answer = server.ask("GET", f"/v1/projects/{urllib.parse.quote(made['write_key'])}/settings", headers={"Host": "inside:8080"})[2]
                segment = answer["integrations"]["Segment.io"]
                return segment["protocol"], segment["apiHost"]

            self.assertEqual(told(), ("http", "inside:8080/v1"))
            for url, expected in (("https://crm.example.org", ("https", "crm.example.org/v1")),
                                  ("http://crm.example.org:8080", ("http", "crm.example.org:8080/v1"))):
                version = server.ask("GET", "/api/v1/sender", headers=machine)[2]["version"]
                status, _, said = server.ask("PUT", "/api/v1/sender", {"version": version, "public_base_url": url}, machine)
                self.assertEqual(status, 200, said)
                self.assertEqual(told(), expected)
        with Serving(self.data, "--role", "intake") as server:
            self.assertEqual(told(), ("http", "crm.example.org:8080/v1"))

    def test_who_asks_is_believed_from_a_trusted_proxy_alone(self):
        self.init()
        key = json.loads(run("keys", "create", "--data", self.data, "--name", "Tests", "--scope", "admin", "--json").stdout)["key"]

        def seen(*flags):
            with Serving(self.data, *flags) as server:
                headers = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9", "X-Forwarded-Proto": "https"}
                if server.link:
                    first_run = {"token": server.link.split("token=")[1], "language": "es", "email": "marta@example.org",
                                 "name": "Marta Soler", "password": "a long enough passphrase"}
                    status, answered, _ = server.ask("POST", "/api/v1/first-run", first_run, headers)
                else:
                    status, answered, _ = server.ask("POST", "/api/v1/session", {"email": "marta@example.org", "password": "a long enough passphrase"}, headers)
                self.assertLess(status, 300)
                # Whether cookies are secure is the public address's to say, never a header's.
                self.assertNotIn("; Secure", answered["Set-Cookie"])
                entries = server.ask("GET", "/api/v1/audit", headers={"Authorization": "Bearer " + key})[2]["items"]
                return next(e["client_address"] for e in entries if e["client_address"])

        self.assertEqual(seen(), "127.0.0.1")
        self.assertEqual(seen("--trusted-proxies", "10.0.0.0/8"), "127.0.0.1")
        self.assertEqual(seen("--trusted-proxies", "10.0.0.0/8, 127.0.0.1"), "203.0.113.9")

    def test_recover_notes_a_place_only_when_nobody_serves(self):
        self.init()
        with Serving(self.data):
            self.assertEqual(run("recover", "--data", self.data, "--at", "3:1").returncode, 1)
        self.assertEqual(json.loads(run("recover", "--data", self.data, "--at", "3:1", "--json").stdout), {"skipped": "3:1"})

    def test_a_damaged_store_is_replaced_by_a_kept_checkpoint(self):
        made = self.init()
        key = json.loads(run("keys", "create", "--data", self.data, "--name", "Tests", "--scope", "admin", "--json").stdout)["key"]
        machine = {"Authorization": "Bearer " + key}
        none = run("recover", "--data", self.data, "--checkpoint", "NEWEST")
        self.assertEqual(none.returncode, 1)
        self.assertIn("there is no kept checkpoint", none.stderr)
        with Serving(self.data) as server:
            self.assertEqual(server.ask("POST", "/v1/track", {"userId": "ana", "event": "Seen", "messageId": "m-1"}, basic(made["write_key"]))[0], 200)
            ana = self.person(server, machine, "ana")
            self.assertEqual(run("recover", "--data", self.data, "--checkpoint", "NEWEST").returncode, 1)
            self.assertEqual(server.stop(), 0, server.stderr)
        # What came after the checkpoint is in the journal alone.
        with Serving(self.data) as server:
            self.assertEqual(server.ask("POST", "/v1/track", {"userId": "joan", "event": "Seen", "messageId": "m-2"}, basic(made["write_key"]))[0], 200)
            joan = self.person(server, machine, "joan")
            server.process.kill()
            server.process.communicate()
        for path in (self.data / "store").iterdir():
            # Not in place: checkpoints share unchanged files with the store.
            path.unlink()
            path.write_text("damaged")
        refused = run("serve", "--data", self.data, "--listen", "127.0.0.1:0")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("recover --checkpoint NEWEST", refused.stderr)

        unknown = run("recover", "--data", self.data, "--checkpoint", "77")
        self.assertEqual(unknown.returncode, 1)
        self.assertIn("NEWEST", unknown.stderr)
        self.assertEqual(run("recover", "--data", self.data).returncode, 64)
        recovered = run("recover", "--data", self.data, "--checkpoint", "NEWEST", "--json")
        self.assertEqual(recovered.returncode, 0, recovered.stderr)
        told = json.loads(recovered.stdout)
        self.assertGreater(told["replays"], 0)
        self.assertEqual(told["kept_aside"], "store.damaged-1")
        self.assertTrue((self.data / "checkpoints" / told["checkpoint"]).is_dir())
        self.assertTrue((self.data / "store.damaged-1").is_dir())
        with Serving(self.data) as server:
            self.assertEqual((self.person(server, machine, "ana"), self.person(server, machine, "joan")), (ana, joan))
            self.assertEqual(server.stop(), 0, server.stderr)
        # One that is ahead of the journal, or that cannot be opened, is refused, and the store stays.
        broken = self.data / "checkpoints" / "0000009999"
        broken.mkdir()
        (broken / "CURRENT").write_text("nothing")
        refused = run("recover", "--data", self.data, "--checkpoint", broken.name)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("cannot be used", refused.stderr)
        self.assertFalse((self.data / "store.damaged-2").exists())
        shutil.rmtree(broken)
        with Serving(self.data) as server:
            self.assertEqual(self.person(server, machine, "ana"), ana)

    def test_held_time_is_told_until_somebody_accepts_the_clock(self):
        self.init()
        key = json.loads(run("keys", "create", "--data", self.data, "--name", "Tests", "--scope", "admin", "--json").stdout)["key"]
        with Serving(self.data, "--clock", "manual", "--clock-start", "2026-01-01T00:00:00Z") as server:
            self.assertFalse(server.ask("GET", "/api/v1/meta")[2]["time_held"])
        with Serving(self.data, "--clock", "manual", "--clock-start", "2026-01-05T00:00:00Z") as server:
            self.assertTrue(server.ask("GET", "/api/v1/meta")[2]["time_held"])
            accepted = run("clock", "accept", "--server", server.url, "--key", key)
            self.assertEqual(accepted.returncode, 0, accepted.stderr)
            while server.ask("GET", "/api/v1/meta")[2]["time_held"]:
                pass
            actions = [e["action"] for e in server.ask("GET", "/api/v1/audit", headers={"Authorization": "Bearer " + key})[2]["items"]]
            self.assertIn("clock_accepted", actions)

    def test_settings_come_from_flags_before_environment_before_file(self):
        self.init()
        other = self.folder / "other"
        config = self.folder / "terreno.yaml"
        config.write_text(f"data: {other}\nlisten: 127.0.0.1:1\n")
        # The file's folder does not exist; the environment's would be made, and the flag's is served.
        os.environ["TERRENO_DATA"] = str(self.folder / "third")
        self.addCleanup(os.environ.pop, "TERRENO_DATA", None)
        with Serving(self.data, "--config", str(config)) as server:
            self.assertNotEqual(server.port, 1)
        self.assertFalse(other.exists())
        self.assertFalse((self.folder / "third").exists())
        config.write_text("lisen: 127.0.0.1:0\n")
        wrong = run("serve", "--config", config)
        self.assertEqual(wrong.returncode, 3)
        self.assertRegex(wrong.stderr, r"terreno\.yaml:1:\d+: .*listen")

    def test_a_second_process_refuses_and_harms_nothing(self):
        self.init()
        with Serving(self.data) as server:
            for command in (("serve", "--listen", "127.0.0.1:0"), ("serve", "--role", "intake", "--listen", "127.0.0.1:0"),
                            ("keys", "list"), ("users", "list"), ("init",)):
                second = run(*command, "--data", self.data)
                self.assertEqual(second.returncode, 1, command)
                self.assertTrue(second.stderr.startswith("terreno: "), second.stderr)
            self.assertEqual(server.ask("GET", "/api/v1/meta")[0], 200)
            self.assertEqual(server.stop(), 0, server.stderr)

    def test_a_commands_refusal_by_the_server_has_its_exit_code(self):
        self.init()
        with Serving(self.data) as server:
            self.assertEqual(run("apply", self.documents(), "--server", server.url, "--key", "tk_nobody").returncode, 4)
            url = server.url
        gone = run("why", "ana@example.org", "--server", url, "--key", "tk_nobody")
        self.assertEqual(gone.returncode, 1)
        self.assertIn("--server", gone.stderr)

    def test_one_life_of_a_server(self):
        made = self.init()
        key = json.loads(run("keys", "create", "--data", self.data, "--name", "Tests", "--scope", "admin", "--json").stdout)["key"]
        machine = {"Authorization": "Bearer " + key}

        with Serving(self.data) as server:
            client = ("--server", server.url, "--key", key)
            self.assertRegex(server.link, r"^http://\S+/app/first-run\?token=[\w-]+$")

            # The console is there, and the link signs in, once.
            status, headers, page = server.ask("GET", "/app/first-run")
            self.assertIn(status, (200, 404))  # 404: built without the console
            if status == 200:
                self.assertIn("nonce-", headers["Content-Security-Policy"])
            first_run = {"token": server.link.split("token=")[1], "language": "fr", "email": "lea@example.org", "name": "Léa",
                         "password": "une longue phrase de passe"}
            status, headers, session = server.ask("POST", "/api/v1/first-run", first_run)
            self.assertEqual(status, 200, session)
            self.assertIn("HttpOnly", headers["Set-Cookie"])
            cookie = {"Cookie": headers["Set-Cookie"].split(";")[0]}
            self.assertEqual(server.ask("GET", "/api/v1/session", headers=cookie)[0], 200)
            self.assertGreaterEqual(server.ask("POST", "/api/v1/first-run", first_run)[0], 400)

            # Documents, by the command line.
            applied = run("apply", self.documents(), *client, "--json")
            self.assertEqual(applied.returncode, 0, applied.stderr)
            version = json.loads(applied.stdout)["version"]
            self.assertEqual({c["change"] for c in json.loads(applied.stdout)["changes"]}, {"added"})

            # Consent, an event, and why nothing or something was sent.
            granted = run("consent", "grant", "ana@example.org", "--topic", "tips", "--country", "ES", "--method", "tick",
                          "--text-version", "9f2c11a0", "--text-language", "es", *client, "--json")
            self.assertEqual(granted.returncode, 0, granted.stderr)
            self.assertIn("entry_id", json.loads(granted.stdout))
            status, _, said = server.ask("POST", "/v1/track", {"userId": "ana", "event": "Signed Up", "messageId": "m-1",
                                                               "context": {"traits": {"email": "ana@example.org"}}}, basic(made["write_key"]))
            self.assertEqual(status, 200, said)
            status, _, said = server.ask("POST", "/v1/identify", {"userId": "ana", "messageId": "m-2", "traits": {"email": "ana@example.org"}},
                                         basic(made["write_key"]))
            self.assertEqual(status, 200, said)

            person = self.person(server, machine, "ana")
            for language in ("es", "fr", "en"):
                told = run("why", "ana", "--journey", "welcome", "--language", language, *client)
                self.assertEqual(told.returncode, 0, told.stderr)
                self.assertGreater(len(told.stdout.splitlines()[0].split()), 3, told.stdout)
                self.assertNotIn("{{", told.stdout)
            why = json.loads(run("why", "ana", "--journey", "welcome", *client, "--json").stdout)
            self.assertEqual(why["subject"]["person_id"], person)
            self.assertEqual(server.stop(), 0, server.stderr)

        # All of it is there again, and nobody is asked to set up what is set up.
        with Serving(self.data) as server:
            self.assertFalse(server.link)
            self.assertEqual(server.ask("GET", "/api/v1/session", headers=cookie)[0], 200)
            self.assertEqual(server.ask("GET", "/api/v1/configuration", headers=machine)[2]["version"], version)
            self.assertEqual(self.person(server, machine, "ana"), person)
            again = run("apply", self.documents(), "--server", server.url, "--key", key, "--json")
            self.assertEqual(again.returncode, 0, again.stderr)
            self.assertEqual(json.loads(again.stdout)["changes"], [])
            self.assertEqual(server.stop(), 0, server.stderr)

    def test_a_cold_backup_starts_elsewhere_and_goes_on(self):
        made = self.init()
        key = json.loads(run("keys", "create", "--data", self.data, "--name", "Tests", "--scope", "admin", "--json").stdout)["key"]
        machine = {"Authorization": "Bearer " + key}
        events = {"batch": [{"type": "identify", "userId": "ana", "messageId": "b-1", "traits": {"email": "ana@example.org", "first_name": "Ana"}},
                            {"type": "track", "userId": "ana", "messageId": "b-2", "event": "Signed Up"}]}
        with Serving(self.data) as server:
            client = ("--server", server.url, "--key", key)
            again = JOURNEY.replace("  trigger:", "  reentry: always\n  trigger:")
            self.assertEqual(run("apply", self.documents(journey=again), *client).returncode, 0)
            self.assertEqual(run("consent", "grant", "ana@example.org", "--topic", "tips", "--country", "ES", "--method", "tick",
                                 "--text-version", "v1", "--text-language", "es", *client).returncode, 0)
            self.assertEqual(server.ask("POST", "/v1/batch", events, basic(made["write_key"]))[0], 200)
            letter = self.letter(server, machine)
            person = server.ask("GET", f"/api/v1/people/{self.person(server, machine, 'ana')}", headers=machine)[2]
            self.assertEqual(server.stop(), 0, server.stderr)

        # Folder and key go to another place, and what they came from is gone.
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()
        shutil.copytree(self.data, elsewhere / "copy")
        shutil.copy2(made["key_file"], elsewhere / "copy.key")
        shutil.rmtree(self.data)
        os.unlink(made["key_file"])

        with Serving(elsewhere / "copy") as server:
            self.assertEqual(server.ask("GET", f"/api/v1/people/{person['person_id']}", headers=machine)[2], person)
            self.assertEqual(self.letter(server, machine), letter)
            # What clients send again counts once: no second letter for the entry that there was.
            self.assertEqual(server.ask("POST", "/v1/batch", events, basic(made["write_key"]))[0], 200)
            # The link in the old letter still ends the permission, and obeys before it answers.
            link = urllib.parse.urlsplit(letter["links"]).path
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            self.assertEqual(server.ask("POST", link, "List-Unsubscribe=One-Click", form)[0], 200)
            events["batch"][1]["messageId"] = "b-3"
            self.assertEqual(server.ask("POST", "/v1/batch", events, basic(made["write_key"]))[0], 200)
            while True:
                told = json.loads(run("why", "ana", "--journey", "welcome", "--server", server.url, "--key", key, "--json").stdout)
                if told["sentence"]["code"] == "withheld_withdrawn":
                    break
            self.assertEqual(len(server.ask("GET", "/api/v1/outbox", headers=machine)[2]["items"]), 1)
            self.assertEqual(server.stop(), 0, server.stderr)

        # Everything that left had its permission, also by a stranger's reading; and a changed byte is found.
        proved = run("verify", "--data", elsewhere / "copy", "--json")
        self.assertEqual(proved.returncode, 0, proved.stdout + proved.stderr)
        self.assertIn("of 1 claim\"", proved.stdout)
        segment = max((elsewhere / "copy" / "journal").iterdir(), key=lambda path: path.stat().st_size)
        data = bytearray(segment.read_bytes())
        data[200] ^= 1
        segment.write_bytes(data)
        broken = run("verify", "--data", elsewhere / "copy")
        self.assertEqual(broken.returncode, 10, broken.stdout)
        self.assertIn("BROKEN  the journal: ", broken.stdout)

    def test_verify_reads_a_running_servers_checkpoint(self):
        self.init()
        with Serving(self.data) as server:
            early = run("verify", "--data", self.data)
            self.assertEqual(early.returncode, 10)
            self.assertIn("wait for one", early.stdout)
            self.assertEqual(server.stop(), 0)
        with Serving(self.data) as server:
            proved = run("verify", "--data", self.data)
            self.assertEqual(proved.returncode, 0, proved.stdout)
            self.assertIn("since a server is running", proved.stdout)
            self.assertEqual(server.stop(), 0)
        self.assertEqual(run("verify", "--data", self.folder / "absent").returncode, 1)

    def letter(self, server, headers):
        """The only letter in the outbox, once it is there, and its link out."""
        while True:
            status, _, outbox = server.ask("GET", "/api/v1/outbox", headers=headers)
            self.assertEqual(status, 200, outbox)
            if outbox["items"]:
                break
        self.assertEqual(len(outbox["items"]), 1)
        status, _, letter = server.ask("GET", "/api/v1/outbox/" + outbox["items"][0]["id"], headers=headers)
        self.assertEqual(status, 200, letter)
        letter["links"] = re.search(r"http\S+/u/[\w.-]+", letter["text"])[0]
        return letter

    def person(self, server, headers, user):
        """Applying follows the 200 by a moment; whoever asks, asks again."""
        while True:
            status, _, people = server.ask("GET", "/api/v1/people?q=" + user, headers=headers)
            self.assertEqual(status, 200, people)
            if people["items"]:
                return people["items"][0]["person_id"]

    def test_who_is_meant_is_asked_when_several_are_found(self):
        made = self.init()
        key = json.loads(run("keys", "create", "--data", self.data, "--name", "Tests", "--scope", "admin", "--json").stdout)["key"]
        with Serving(self.data) as server:
            for number, who in enumerate(({"userId": "same"}, {"anonymousId": "same"})):
                body = {"event": "Seen", "messageId": f"m-{number}"} | who
                self.assertEqual(server.ask("POST", "/v1/track", body, basic(made["write_key"]))[0], 200)
            people = []
            while len(people) < 2:
                people = server.ask("GET", "/api/v1/people?q=same", headers={"Authorization": "Bearer " + key})[2]["items"]
            told = run("why", "same", "--journey", "welcome", "--server", server.url, "--key", key)
            self.assertEqual(told.returncode, 1)
            for person in people:
                self.assertIn(person["person_id"], told.stderr)
            self.assertIn("give the id", told.stderr)

    def test_a_body_may_be_as_large_as_its_route_says(self):
        self.init()
        key = json.loads(run("keys", "create", "--data", self.data, "--name", "Tests", "--scope", "admin", "--json").stdout)["key"]
        with Serving(self.data) as server:
            documents = [{"path": f"{n}.yaml", "text": "#" * 1_000_000} for n in range(12)]
            status, _, said = server.ask("POST", "/api/v1/configuration", {"base_version": 0, "documents": documents},
                                         {"Authorization": "Bearer " + key})
            self.assertEqual((status, said["code"]), (422, "too_large"), said)
            self.assertEqual(said["title"], "Unprocessable Content")
            self.assertIn("leave out", said["detail"])

    def test_render_is_a_function_of_its_input(self):
        told = run("render", "--jsonl", input='{"template":"Hola {{ name }}","data":{"name":"Ana"}}\n')
        self.assertEqual(json.loads(told.stdout)["output"], "Hola Ana")
        self.assertEqual(run("render", self.folder / "absent.liquid").returncode, 1)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=1)

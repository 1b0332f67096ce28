#!/usr/bin/env python3
"""Runs a real postfix for one command, from folders of its own, on a free loopback port.

postfix.py COMMAND [ARGUMENT…]

COMMAND is run with these in its environment; its exit code is ours:
  POSTFIX_PORT         SMTP, with STARTTLS offered and AUTH PLAIN LOGIN under it
  POSTFIX_TLS_PORT     SMTP inside TLS
  POSTFIX_AUTHORITY    PEM file of the certificate, which is for `localhost`
  POSTFIX_MAIL         folder in which each delivered message becomes a file, in `new/`
  POSTFIX_USER, POSTFIX_PASSWORD
Mail to anybody@sink.example is delivered, to unknown@sink.example refused, elsewhere only for who has authenticated.

Needs root, as postfix does: its parts run as the users that the package has made. Nothing of the system's own
configuration is read or written. Exit code 77 (1 when CI is set): there is no postfix here, or no root.
"""
import base64
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading

USER = "terreno"
PASSWORD = "p\u00e4ss word"

MAIN = """
compatibility_level = 3.6
queue_directory = {root}/queue
data_directory = {root}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = localhost
mydestination =
mynetworks =
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = sink.example
virtual_mailbox_base = {root}
virtual_mailbox_maps = static:mail/
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
smtpd_recipient_restrictions = check_recipient_access inline:{{ {{ unknown@sink.example = 550 5.1.1 no such user }} }}, permit_sasl_authenticated, reject_unauth_destination
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
default_transport = discard
relay_transport = discard
smtpd_tls_cert_file = {root}/certificate.pem
smtpd_tls_key_file = {root}/key.pem
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_loglevel = 1
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {root}/queue/private/auth
smtpd_sasl_security_options = noanonymous
smtputf8_enable = yes
maillog_file = {root}/log/postfix.log
maillog_file_prefixes = {root}/log
"""

MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
127.0.0.1:{tls_port} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve_authentication(path):
    """Dovecot's authentication protocol, as much of it as postfix speaks: PLAIN, and LOGIN in two questions."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    os.chmod(path, 0o666)
    listener.listen()

    def verdict(number, user, password):
        good = user == USER and password == PASSWORD
        return f"OK\t{number}\tuser={user}\n" if good else f"FAIL\t{number}\n"

    def talk(connection):
        stream = connection.makefile("rw", encoding="utf-8", newline="\n")
        stream.write("VERSION\t1\t1\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\nSPID\t1\nCUID\t1\n"
                     "COOKIE\t00000000000000000000000000000000\nDONE\n")
        stream.flush()
        logins = {}
        for line in stream:
            fields = line.rstrip("\n").split("\t")
            answer = None
            if fields[0] == "AUTH" and fields[2] == "PLAIN":
                response = next((field[5:] for field in fields if field.startswith("resp=")), "")
                parts = base64.b64decode(response).decode().split("\0")
                answer = verdict(fields[1], *parts[1:3]) if len(parts) == 3 else f"FAIL\t{fields[1]}\n"
            elif fields[0] == "AUTH":
                logins[fields[1]] = []
                answer = f"CONT\t{fields[1]}\t{base64.b64encode(b'Username:').decode()}\n"
            elif fields[0] == "CONT":
                words = logins[fields[1]]
                words.append(base64.b64decode(fields[2]).decode())
                answer = (f"CONT\t{fields[1]}\t{base64.b64encode(b'Password:').decode()}\n" if len(words) == 1
                          else verdict(fields[1], *words))
            if answer:
                stream.write(answer)
                stream.flush()

    def accept():
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=talk, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def prepare(root, port, tls_port):
    import grp
    import pwd
    owner = pwd.getpwnam("postfix")
    for folder in ["queue", "data", "mail", "etc", "log"]:
        (root / folder).mkdir()
    for name in ["main.cf", "master.cf"]:
        text = MAIN if name == "main.cf" else MASTER
        (root / "etc" / name).write_text(text.format(root=root, port=port, tls_port=tls_port, uid=owner.pw_uid, gid=owner.pw_gid))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-keyout", root / "key.pem", "-out", root / "certificate.pem"],
                   check=True, capture_output=True)
    for folder in ["data", "mail"]:
        os.chown(root / folder, owner.pw_uid, owner.pw_gid)
    # What the package's own start script lays out below a queue folder.
    drop = grp.getgrnam("postdrop").gr_gid
    for name in "active bounce corrupt defer deferred flush hold incoming private saved trace pid public maildrop".split():
        folder = root / "queue" / name
        folder.mkdir()
        os.chown(folder, 0 if name == "pid" else owner.pw_uid, drop if name in ("public", "maildrop") else 0)
        folder.chmod({"public": 0o710, "maildrop": 0o730, "pid": 0o755}.get(name, 0o700))


def main():
    needed = [shutil.which("postfix", path="/usr/sbin:/usr/bin"), shutil.which("openssl")]
    if not all(needed) or os.geteuid() != 0:
        print("postfix.py: NOT TESTED AGAINST POSTFIX: it needs postfix, openssl and root")
        return 1 if "CI" in os.environ else 77
    root = pathlib.Path(tempfile.mkdtemp(prefix="terreno-postfix-"))
    root.chmod(0o755)
    port, tls_port = free_port(), free_port()
    server = None
    try:
        prepare(root, port, tls_port)
        serve_authentication(root / "queue" / "private" / "auth")
        server = subprocess.Popen(["/usr/lib/postfix/sbin/master", "-d", "-c", root / "etc"],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for attempt in range(600):
            try:
                with socket.create_connection(("127.0.0.1", port)) as probe:
                    if probe.recv(4).startswith(b"220"):
                        break
            except OSError:
                pass
            if server.poll() is not None:
                break
            threading.Event().wait(0.1)
        else:
            print("postfix.py: postfix did not answer")
            return 1
        if server.poll() is not None:
            print("postfix.py: postfix stopped:", server.stdout.read().decode(errors="replace"))
            return 1
        environment = dict(os.environ, POSTFIX_PORT=str(port), POSTFIX_TLS_PORT=str(tls_port),
                           POSTFIX_AUTHORITY=str(root / "certificate.pem"), POSTFIX_MAIL=str(root / "mail"),
                           POSTFIX_USER=USER, POSTFIX_PASSWORD=PASSWORD)
        code = subprocess.run(sys.argv[1:], env=environment).returncode
        if code != 0 and (root / "log" / "postfix.log").exists():
            print((root / "log" / "postfix.log").read_text()[-4000:])
        return code
    finally:
        if server is not None:
            server.terminate()
            server.wait()
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

"""What the demo's mail clients share: arguments, password, TLS, evidence.

Each client does one thing over one protocol with Python's own library, and ends with one line of
JSON on standard output: what happened, or why it did not. Exit code 0 or 1.
"""

import argparse
import imaplib
import json
import os
import poplib
import smtplib
import socket
import ssl
import sys

PASSWORD_VARIABLE = "GATEPOST_CLIENT_PASSWORD"
PROTOCOL_ERRORS = (imaplib.IMAP4.error, poplib.error_proto, smtplib.SMTPException)


class Refused(Exception):
    """The server said no."""

    def __init__(self, step, answer, code=None):
        super().__init__(f"{step}: {answer}")
        self.step = step
        self.answer = answer
        self.code = code


def arguments(description, security):
    """A parser with the arguments of every client; `security` is the protocol's usual one."""
    parser = argparse.ArgumentParser(
        description=description,
        epilog=f"The password comes from {PASSWORD_VARIABLE} or, without it, from the first line"
        " of standard input.",
    )
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("user")
    parser.add_argument("--ca", metavar="FILE", help="trust these certificates (PEM) only")
    parser.add_argument("--server-name", help="the name in the certificate, if it is not HOST")
    parser.add_argument("--security", choices=["tls", "starttls", "none"], default=security)
    parser.add_argument("--timeout", type=float, default=20, help="seconds for each answer")
    return parser


def password():
    """The password, which is never an argument: other accounts can read those."""
    value = os.environ.get(PASSWORD_VARIABLE)
    return sys.stdin.readline().rstrip("\r\n") if value is None else value


class NamedContext(ssl.SSLContext):
    """A TLS context that expects the certificate to carry a certain name."""

    server_name = None

    def wrap_socket(self, sock, **options):
        options["server_hostname"] = self.server_name
        return super().wrap_socket(sock, **options)


def tls(options):
    """A context that verifies the server's certificate and name."""
    context = NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.server_name = options.server_name or options.host
    if options.ca:
        context.load_verify_locations(options.ca)
    else:
        context.load_default_certs()
    return context


def imap(options):
    """A signed-in IMAP connection."""
    where = {"host": options.host, "port": options.port, "timeout": options.timeout}
    if options.security == "tls":
        connection = imaplib.IMAP4_SSL(ssl_context=tls(options), **where)
    else:
        connection = imaplib.IMAP4(**where)
        if options.security == "starttls":
            connection.starttls(tls(options))
    try:
        connection.login(options.user, password())
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        raise Refused("login", text(error.args[0])) from error
    return connection


def imap_done(step, response):
    """The data of an IMAP response, which must be OK."""
    status, data = response
    if status != "OK":
        # imaplib wraps the answer in a list for some commands, in two for others.
        answer = data[0]
        raise Refused(step, text(answer[0] if isinstance(answer, list) else answer))
    return data


def text(value):
    """Server text as a string."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def run(client, parser):
    """Runs `client(options)`, prints the evidence that it returns and exits."""
    options = parser.parse_args()
    try:
        evidence = client(options)
    except Refused as refused:
        fail(str(refused), step=refused.step, answer=refused.answer, code=refused.code)
    except ssl.SSLCertVerificationError as error:
        fail(
            f"the certificate of {options.host}:{options.port} is not trusted:"
            f" {error.verify_message}; name its authority with --ca and the name in it with"
            " --server-name"
        )
    except ssl.SSLError as error:
        fail(
            f"no TLS with {options.host}:{options.port} ({error.reason or error});"
            f" is --security {options.security} right for this port?"
        )
    except ConnectionRefusedError:
        fail(f"nothing listens at {options.host}:{options.port}")
    except socket.gaierror as error:
        fail(f"{options.host} has no address: {error.strerror}")
    except TimeoutError:
        fail(f"no answer from {options.host}:{options.port} within {options.timeout:g} s")
    except (OSError, EOFError, *PROTOCOL_ERRORS) as error:
        fail(f"{options.host}:{options.port}: {type(error).__name__}: {error}")
    print(json.dumps({"ok": True, **evidence}, ensure_ascii=False), flush=True)


def fail(reason, **details):
    """Says why on standard error, and the same with details as the line of evidence."""
    known = {name: value for name, value in details.items() if value is not None}
    print(reason, file=sys.stderr)
    print(json.dumps({"ok": False, "error": reason, **known}, ensure_ascii=False), flush=True)
    sys.exit(1)

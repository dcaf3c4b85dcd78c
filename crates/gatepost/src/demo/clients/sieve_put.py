"""Uploads a Sieve script by ManageSieve (RFC 5804), makes it active and lists the scripts."""

import base64
import re
import socket

import common

QUOTED = re.compile(rb'"((?:\\.|[^"\\])*)"')
LITERAL = re.compile(rb"\{(\d+)\+?\}\r\n$")


class Connection:
    """As much of the protocol as an upload needs."""

    def __init__(self, options):
        self.options = options
        self.sock = socket.create_connection((options.host, options.port), options.timeout)
        self.file = self.sock.makefile("rb")
        self.capabilities = self.greeting()

    def greeting(self):
        lines = self.response("greeting")
        return {line[0].upper(): line[1] if len(line) > 1 else "" for line in lines}

    def start_tls(self):
        self.command("starttls", b"STARTTLS")
        self.sock = common.tls(self.options).wrap_socket(self.sock)
        self.file = self.sock.makefile("rb")
        # The server says its capabilities again, and those of before do not count.
        self.capabilities = self.greeting()

    def command(self, step, *words):
        self.sock.sendall(b" ".join(words) + b"\r\n")
        return self.response(step)

    def response(self, step):
        """The data lines before OK, each as a list of its words."""
        lines = []
        while True:
            line = self.line()
            word = line.split(None, 1)[0].upper() if line.split() else b""
            if word == b"OK":
                return lines
            if word in (b"NO", b"BYE"):
                raise common.Refused(step, self.reason(line))
            lines.append(self.words(line))

    def line(self):
        """One line, with its literals in it as quoted strings."""
        line = self.file.readline()
        if not line:
            raise EOFError("the server closed the connection")
        literal = LITERAL.search(line)
        if literal:
            content = self.file.read(int(literal[1]))
            return line[: literal.start()] + quoted(content) + b" " + self.line()
        return line

    @staticmethod
    def words(line):
        strings = [common.text(unquoted(match)) for match in QUOTED.findall(line)]
        atoms = common.text(QUOTED.sub(b"", line)).split()
        return strings + atoms

    @staticmethod
    def reason(line):
        strings = QUOTED.findall(line)
        spoken = common.text(unquoted(strings[-1])).strip() if strings else ""
        code = re.search(rb"\(([A-Z/-]+)", line)
        return f"[{common.text(code[1])}] {spoken}".strip() if code else spoken


def quoted(content):
    return b'"' + content.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def unquoted(content):
    return re.sub(rb"\\(.)", rb"\1", content, flags=re.DOTALL)


def put(options):
    with open(options.script, "rb") as file:
        script = file.read()
    connection = Connection(options)
    if options.security == "starttls":
        connection.start_tls()
    secret = f"\0{options.user}\0{common.password()}".encode()
    connection.command("login", b'AUTHENTICATE "PLAIN"', quoted(base64.b64encode(secret)))
    name = quoted(options.name.encode())
    literal = b"{%d+}\r\n" % len(script) + script
    connection.command("upload", b"PUTSCRIPT", name, literal)
    connection.command("activate", b"SETACTIVE", name)
    lines = connection.command("list", b"LISTSCRIPTS")
    connection.command("logout", b"LOGOUT")
    active = [line[0] for line in lines if line[1:] == ["ACTIVE"]]
    return {
        "scripts": [line[0] for line in lines],
        "active": active[0] if active else None,
        "extensions": connection.capabilities.get("SIEVE", "").split(),
    }


if __name__ == "__main__":
    parser = common.arguments(__doc__, "starttls")
    parser.add_argument("--script", required=True, metavar="FILE")
    parser.add_argument("--name", default="demo")
    common.run(put, parser)

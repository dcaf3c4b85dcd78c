"""Waits over POP3 until a message with a certain subject is there, and tells what it is."""

import email
import email.policy
import poplib
import time

import common


def sign_in(options, password):
    """A POP3 session sees the mailbox as it was at sign-in, so each look takes a new one."""
    where = {"host": options.host, "port": options.port, "timeout": options.timeout}
    if options.security == "tls":
        connection = poplib.POP3_SSL(context=common.tls(options), **where)
    else:
        connection = poplib.POP3(**where)
        if options.security == "starttls":
            connection.stls(common.tls(options))
    try:
        connection.user(options.user)
        connection.pass_(password)
    except poplib.error_proto as error:
        raise common.Refused("login", common.text(error.args[0])) from error
    return connection


def find(connection, subject):
    """Number and headers of the message with this subject."""
    count, _ = connection.stat()
    for number in range(1, count + 1):
        _, lines, _ = connection.top(number, 0)
        headers = email.message_from_bytes(b"\r\n".join(lines), policy=email.policy.default)
        if str(headers["subject"]) == subject:
            return number, headers
    return None


def read(options):
    password = common.password()
    begin = time.monotonic()
    while True:
        connection = sign_in(options, password)
        found = find(connection, options.subject)
        connection.quit()
        if found:
            number, headers = found
            return {
                "number": number,
                "subject": options.subject,
                "from": str(headers["from"]),
                "to": str(headers["to"]),
                "waited_ms": round((time.monotonic() - begin) * 1000),
            }
        if time.monotonic() - begin > options.wait:
            raise common.Refused(
                "read", f"no message {options.subject!r} after {options.wait:g} s"
            )
        time.sleep(0.25)


if __name__ == "__main__":
    parser = common.arguments(__doc__, "tls")
    parser.add_argument("--subject", required=True)
    parser.add_argument("--wait", type=float, default=20, help="seconds")
    common.run(read, parser)

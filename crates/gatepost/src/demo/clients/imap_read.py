"""Waits over IMAP until a message with a certain subject is there, and tells what it is."""

import email
import email.policy
import imaplib
import time

import common

HEADERS = "(UID FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT FROM TO)])"


def messages(connection):
    """Uid, flags and parsed headers of every message in the selected folder."""
    data = common.imap_done("fetch", connection.fetch("1:*", HEADERS))
    for item, rest in zip(data, data[1:]):
        if not isinstance(item, tuple):
            continue
        # What follows the headers literal, flags for example, is the next item.
        parts = item[0] + rest
        uid = parts.split(b"UID ", 1)[1].split(None, 1)[0].rstrip(b")")
        flags = [common.text(flag) for flag in imaplib.ParseFlags(parts)]
        yield int(uid), flags, email.message_from_bytes(item[1], policy=email.policy.default)


def read(options):
    connection = common.imap(options)
    begin = time.monotonic()
    while True:
        # Selecting again shows new mail, and a folder that a Sieve script has just made.
        status, data = connection.select(f'"{options.folder}"', readonly=True)
        if status == "OK" and int(data[0]) > 0:
            for uid, flags, headers in messages(connection):
                if str(headers["subject"]) == options.subject:
                    connection.logout()
                    return {
                        "folder": options.folder,
                        "uid": uid,
                        "subject": options.subject,
                        "from": str(headers["from"]),
                        "to": str(headers["to"]),
                        "flags": flags,
                        "waited_ms": round((time.monotonic() - begin) * 1000),
                    }
        if time.monotonic() - begin > options.wait:
            connection.logout()
            raise common.Refused(
                "read",
                f"no message {options.subject!r} in {options.folder} after {options.wait:g} s",
            )
        time.sleep(0.1)


if __name__ == "__main__":
    parser = common.arguments(__doc__, "tls")
    parser.add_argument("--subject", required=True)
    parser.add_argument("--folder", default="INBOX")
    parser.add_argument("--wait", type=float, default=20, help="seconds")
    common.run(read, parser)

"""Holds an IMAP session in IDLE (RFC 2177) until the server ends it.

Prints `idle` as soon as it waits, and `ended: ...` when the server has ended the session.
"""

import time

import common


def idle(options):
    connection = common.imap(options)
    common.imap_done("select", connection.select("INBOX", readonly=True))
    # imaplib has no IDLE before Python 3.14.
    connection.send(b"IDLE1 IDLE\r\n")
    answer = connection.readline()
    if not answer.startswith(b"+"):
        raise common.Refused("idle", common.text(answer).strip())
    begin = time.monotonic()
    print("idle", flush=True)
    reason = wait_for_end(connection, begin + options.max)
    elapsed = round((time.monotonic() - begin) * 1000)
    ended_at = round(time.time() * 1000)
    print(f"ended: {reason} (after {elapsed} ms)", flush=True)
    return {"ended": reason, "elapsed_ms": elapsed, "ended_at_ms": ended_at}


def wait_for_end(connection, deadline):
    """The server's last words, or that it just closed the connection."""
    while True:
        remaining = deadline - time.monotonic()
        try:
            connection.sock.settimeout(max(remaining, 0.001))
            line = connection.readline()
        except TimeoutError:
            raise common.Refused("idle", "the session is still alive") from None
        except ConnectionResetError:
            return "connection reset"
        if not line:
            return "connection closed"
        if line.upper().startswith(b"* BYE"):
            return common.text(line[2:]).strip()


if __name__ == "__main__":
    parser = common.arguments(__doc__, "tls")
    parser.add_argument("--max", type=float, default=60, help="seconds to hold the session at most")
    common.run(idle, parser)

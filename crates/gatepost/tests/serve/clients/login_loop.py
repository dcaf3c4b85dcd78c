"""Mail programs that sign in and out over IMAP again and again, until a line comes in.

Each of the COUNT connections prints one line for an attempt: `ok BEGIN END`, or
`no BEGIN END REASON`, times in seconds since the epoch.
"""

import argparse
import imaplib
import os
import ssl
import sys
import threading
import time


def attempt(options, context, password):
    connection = imaplib.IMAP4_SSL(options.host, options.port, ssl_context=context, timeout=30)
    try:
        connection.login(options.user, password)
        connection.select("INBOX", readonly=True)
    except (imaplib.IMAP4.error, OSError, EOFError):
        # Not by a farewell, whose own failure would hide this one.
        connection.shutdown()
        raise
    connection.logout()


def loop(options, context, password, over):
    while not over.is_set():
        begin = time.time()
        try:
            attempt(options, context, password)
            outcome, reason = "ok", ""
        except (imaplib.IMAP4.error, OSError, EOFError) as error:
            outcome, reason = "no", f" {type(error).__name__}: {error}"
        # One write, so that the lines of several threads do not mix.
        sys.stdout.write(f"{outcome} {begin:.3f} {time.time():.3f}{reason}\n")
        sys.stdout.flush()
        if reason:
            over.wait(0.1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("user")
    parser.add_argument("ca")
    parser.add_argument("count", type=int)
    options = parser.parse_args()
    context = ssl.create_default_context(cafile=options.ca)
    password = os.environ["GATEPOST_CLIENT_PASSWORD"]
    over = threading.Event()
    threads = [
        threading.Thread(target=loop, args=(options, context, password, over))
        for _ in range(options.count)
    ]
    for thread in threads:
        thread.start()
    sys.stdin.readline()
    over.set()
    for thread in threads:
        thread.join()
    print("over", flush=True)


if __name__ == "__main__":
    main()

"""Signs in over IMAP once, and looks for a message whose text holds some words.

Prints `in` or `refused: WORDS`; then, where words are given, `found: ` and the message as JSON.
"""

import argparse
import email
import email.policy
import imaplib
import json
import os
import ssl
import time


def look(connection, words, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        _, data = connection.select("INBOX", readonly=True)
        count = int(data[0])
        for number in range(1, count + 1):
            _, parts = connection.fetch(str(number), "(BODY.PEEK[])")
            message = email.message_from_bytes(parts[0][1], policy=email.policy.default)
            text = message.get_content()
            if words in text:
                return {
                    "from": str(message["from"]),
                    "to": str(message["to"]),
                    "subject": str(message["subject"]),
                    "type": message["content-type"],
                    "auto": str(message["auto-submitted"]),
                    "text": text,
                    "count": count,
                }
        time.sleep(0.2)
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("user")
    parser.add_argument("ca")
    parser.add_argument("words", nargs="?")
    options = parser.parse_args()
    context = ssl.create_default_context(cafile=options.ca)
    connection = imaplib.IMAP4_SSL(options.host, options.port, ssl_context=context, timeout=30)
    try:
        connection.login(options.user, os.environ["GATEPOST_CLIENT_PASSWORD"])
    except imaplib.IMAP4.error as error:
        print("refused:", error.args[0].decode(), flush=True)
        return
    print("in", flush=True)
    if options.words:
        print("found:", json.dumps(look(connection, options.words, 40)), flush=True)
    connection.logout()


if __name__ == "__main__":
    main()

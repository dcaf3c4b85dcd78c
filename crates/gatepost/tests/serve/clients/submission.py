"""One submission session that stays open: each line that comes in is a recipient.

Prints `in` once signed in, then for each recipient one line: its number, counted from 1, and
`sent` or the refusal.
"""

import argparse
import os
import smtplib
import ssl
import sys


def send(connection, sender, recipient):
    message = f"From: {sender}\r\nTo: {recipient}\r\nSubject: news\r\n\r\nHello.\r\n"
    try:
        connection.sendmail(sender, [recipient], message)
    except smtplib.SMTPRecipientsRefused as error:
        code, words = error.recipients[recipient]
        return f"{code} {words.decode()}"
    return "sent"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("user")
    parser.add_argument("ca")
    options = parser.parse_args()
    context = ssl.create_default_context(cafile=options.ca)
    with smtplib.SMTP_SSL(options.host, options.port, context=context, timeout=30) as connection:
        connection.login(options.user, os.environ["GATEPOST_CLIENT_PASSWORD"])
        print("in", flush=True)
        for number, line in enumerate(sys.stdin, 1):
            print(number, send(connection, options.user, line.strip()), flush=True)


if __name__ == "__main__":
    main()

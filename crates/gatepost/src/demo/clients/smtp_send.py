"""Sends one message by SMTP submission and tells how the server took it."""

import email.message
import email.utils
import re
import smtplib

import common

# What Postfix says when it has taken a message.
QUEUED = re.compile(r"queued as (\S+)")


def message(options):
    built = email.message.EmailMessage()
    built["From"] = options.header_from or options.sender or options.user
    built["To"] = ", ".join(options.to)
    built["Subject"] = options.subject
    built["Date"] = email.utils.localtime()
    built["Message-ID"] = email.utils.make_msgid(domain="client.invalid")
    body = options.body + "\n"
    if options.size:
        line = "x" * 70 + "\n"
        body += line * (options.size // len(line))
    built.set_content(body)
    return built


def connect(options):
    # Without a name of its own smtplib would ask DNS for one.
    own = {"local_hostname": "[127.0.0.1]", "timeout": options.timeout}
    if options.security == "tls":
        return smtplib.SMTP_SSL(options.host, options.port, context=common.tls(options), **own)
    connection = smtplib.SMTP(options.host, options.port, **own)
    if options.security == "starttls":
        step("starttls", connection.starttls(context=common.tls(options)))
    return connection


def sign_in(connection, options):
    connection.ehlo_or_helo_if_needed()
    connection.user, connection.password = options.user, common.password()
    methods = {"plain": connection.auth_plain, "login": connection.auth_login}
    offered = connection.esmtp_features.get("auth", "").lower().split()
    if options.mechanism not in offered:
        raise common.Refused("login", f"{options.mechanism} is not among the offered: {offered}")
    try:
        connection.auth(options.mechanism.upper(), methods[options.mechanism])
    except smtplib.SMTPAuthenticationError as error:
        raise common.Refused("login", common.text(error.smtp_error), error.smtp_code) from error


def step(name, response):
    """The text of a response, which must be positive."""
    code, answer = response
    if not 200 <= code < 400:
        raise common.Refused(name, common.text(answer), code)
    return common.text(answer)


def send(options):
    built = message(options)
    connection = connect(options)
    if not options.anonymous:
        sign_in(connection, options)
    connection.ehlo_or_helo_if_needed()
    step("sender", connection.mail(options.sender or options.user))
    for recipient in options.to:
        step("recipient", connection.rcpt(recipient))
    octets = built.as_bytes(policy=built.policy.clone(linesep="\r\n"))
    try:
        answer = step("data", connection.data(octets))
    except smtplib.SMTPDataError as error:
        raise common.Refused("data", common.text(error.smtp_error), error.smtp_code) from error
    connection.quit()
    queued = QUEUED.search(answer)
    return {
        "answer": answer,
        "queue_id": queued[1] if queued else None,
        "message_id": built["Message-ID"],
        "subject": options.subject,
    }


if __name__ == "__main__":
    parser = common.arguments(__doc__, "starttls")
    parser.add_argument("--to", action="append", required=True, metavar="ADDRESS")
    parser.add_argument("--subject", required=True)
    parser.add_argument("--body", default="Sent by the demo of Gatepost.")
    parser.add_argument("--sender", metavar="ADDRESS", help="envelope sender, if not USER")
    parser.add_argument("--header-from", metavar="ADDRESS", help="From:, if not the sender")
    parser.add_argument("--size", type=int, help="fill the body up to about this many bytes")
    parser.add_argument("--mechanism", choices=["plain", "login"], default="plain")
    parser.add_argument("--anonymous", action="store_true", help="do not sign in")
    common.run(send, parser)

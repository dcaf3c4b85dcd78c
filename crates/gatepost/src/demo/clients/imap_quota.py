"""Asks over IMAP how full a mailbox is and how large it may get (RFC 9208)."""

import re

import common

RESOURCE = re.compile(r"\b(STORAGE|MESSAGE) (\d+) (\d+)")


def quota(options):
    connection = common.imap(options)
    data = common.imap_done("getquotaroot", connection.getquotaroot("INBOX"))
    lines = [common.text(line) for group in data for line in group if line]
    connection.logout()
    evidence = {"answer": lines}
    for line in lines:
        for resource, used, limit in RESOURCE.findall(line):
            if resource == "STORAGE":
                # The protocol counts in units of 1024 bytes.
                evidence["used_bytes"] = int(used) * 1024
                evidence["limit_bytes"] = int(limit) * 1024
            else:
                evidence["used_messages"] = int(used)
                evidence["limit_messages"] = int(limit)
    return evidence


if __name__ == "__main__":
    common.run(quota, common.arguments(__doc__, "tls"))

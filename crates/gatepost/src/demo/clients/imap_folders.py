"""Lists the folders of a mailbox over IMAP, with their special uses."""

import re

import common

# `(\HasNoChildren \Sent) "/" Sent`; the name may be quoted.
LINE = re.compile(r'\((?P<flags>[^)]*)\) (?:"(?:\\.|[^"])"|NIL) (?P<name>.*)')
USES = {"\\All", "\\Archive", "\\Drafts", "\\Flagged", "\\Junk", "\\Sent", "\\Trash"}


def folders(options):
    connection = common.imap(options)
    found = []
    for item in common.imap_done("list", connection.list()):
        # A name with unusual characters comes as a literal, after the rest of its line.
        line = common.text(item[0] if isinstance(item, tuple) else item or b"")
        match = LINE.match(line)
        if not match:
            continue
        name = common.text(item[1]) if isinstance(item, tuple) else match["name"]
        if name.startswith('"'):
            name = re.sub(r"\\(.)", r"\1", name[1:-1])
        use = USES.intersection(match["flags"].split())
        found.append({"name": name, "use": use.pop().lstrip("\\") if use else None})
    connection.logout()
    return {"folders": sorted(found, key=lambda folder: folder["name"])}


if __name__ == "__main__":
    common.run(folders, common.arguments(__doc__, "tls"))

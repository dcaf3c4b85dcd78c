"""Runs a program on a terminal of its own and types answers.

terminal.py '[["prompt", "answer"], …]' PROGRAM ARGUMENT…

Prints all that the terminal showed, then [echo] or [no echo], and ends with the program's code.
"""

import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

# ioctl_tty(2): the number of this terminal below /dev/pts.
TIOCGPTN = 0x80045430

answers = json.loads(sys.argv[1])
deadline = time.monotonic() + 30
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.argv[2], sys.argv[2:])

shown = b""
seen = 0
# Holding the other end too: the settings stay readable when the program is gone.
number = struct.unpack("I", fcntl.ioctl(terminal, TIOCGPTN, bytes(4)))[0]
other = os.open(f"/dev/pts/{number}", os.O_RDWR | os.O_NOCTTY)
status = None
while status is None or select.select([terminal], [], [], 0)[0]:
    if time.monotonic() > deadline:
        os.kill(child, signal.SIGKILL)
        sys.exit("still waiting after: " + shown.decode(errors="replace"))
    if select.select([terminal], [], [], 0.05)[0]:
        shown += os.read(terminal, 4096)
    if answers and answers[0][0].encode() in shown[seen:]:
        seen = len(shown)
        os.write(terminal, answers.pop(0)[1].encode())
    if status is None:
        done, ended = os.waitpid(child, os.WNOHANG)
        if done:
            status = ended

echo = termios.tcgetattr(other)[3] & termios.ECHO
sys.stdout.write(shown.decode(errors="replace") + ("[echo]" if echo else "[no echo]"))
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(status) % 256)

"""Types into a program on a terminal of its own. Arguments: [[what is waited for, what is typed then], …] as JSON, then the program and its arguments."""
import json
import os
import pty
import select
import sys
import time

WAIT_S = 20

pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
seen = ''
for awaited, typed in json.loads(sys.argv[1]):
    end = time.monotonic() + WAIT_S
    while awaited not in seen:
        if not select.select([terminal], [], [], max(0, end - time.monotonic()))[0]:
            sys.exit(f'{awaited!r} did not come: {seen!r}')
        try:
            seen += os.read(terminal, 65536).decode(errors='replace')
        except OSError:
            sys.exit(f'it ended before {awaited!r} came: {seen!r}')
    seen = ''
    os.write(terminal, typed.encode())
os.close(terminal)
os.waitpid(pid, 0)

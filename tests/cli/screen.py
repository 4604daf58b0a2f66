"""Runs commands in a terminal of their own and gives what appeared there, byte by byte. The terminal adds
nothing: a line ends as the program ended it.

    screen.py [--pause] COLUMNS TERM COMMAND...   prints it, with the command's exit code

With --pause the command is held up for more than a second soon after it began: to be slow costs nothing."""
import fcntl
import os
import pty
import signal
import struct
import sys
import termios
import time


def appear(columns, term, command, pause=False):
    """(what appeared, exit code)"""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', 40, columns, 0, 0))
    mode = termios.tcgetattr(slave)
    mode[1] &= ~termios.OPOST
    termios.tcsetattr(slave, termios.TCSANOW, mode)
    child = os.fork()
    if child == 0:
        os.setsid()
        for fd in (1, 2):
            os.dup2(slave, fd)
        os.dup2(os.open('/dev/null', os.O_RDONLY), 0)
        os.environ['TERM'] = term
        os.execvp(command[0], command)
    os.close(slave)
    if pause:
        for moment in (0.06, 0.1): # the second one where a busy machine has not begun at the first
            time.sleep(moment)
            os.kill(child, signal.SIGSTOP)
            time.sleep(1.2)
            os.kill(child, signal.SIGCONT)
    out = b''
    while True:
        try:
            part = os.read(master, 1 << 16)
        except OSError:
            break
        if not part:
            break
        out += part
    os.close(master)
    return out, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == '__main__':
    paused = sys.argv[1] == '--pause'
    columns, term, *command = sys.argv[2 if paused else 1:]
    out, code = appear(int(columns), term, command, paused)
    sys.stdout.buffer.write(out)
    sys.exit(code)

"""Creates the virtual environment named on the command line, or says in one sentence what is missing.

Runs on whatever python3 there is, so its syntax is old on purpose.
"""

import subprocess
import sys

TOO_OLD = "Python %d.%d is too old: install Python 3.11 or newer, then run make again with PYTHON=python3.11."
NO_VENV = (
    "Python's venv is missing: install python3-venv (sudo apt install python3-venv), then run make again."
)


def obstacle():
    """One sentence with the remedy, or None."""
    if sys.version_info < (3, 11):
        return TOO_OLD % sys.version_info[:2]
    try:
        import ensurepip  # noqa: F401 - asked for presence only
        import venv  # noqa: F401 - the same
    except ImportError:
        return NO_VENV
    return None


if __name__ == "__main__":
    sentence = obstacle()
    if sentence:
        sys.exit(sentence)
    sys.exit(subprocess.call([sys.executable, "-m", "venv", sys.argv[1]]))

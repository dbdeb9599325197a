"""An exception of the child, told where the host looks for it."""

import sys


def complain(error):
    """Traceback to standard error: standard output belongs to the records."""
    if hasattr(sys, "print_exception"):
        sys.print_exception(error, sys.stderr)
    else:
        import traceback

        traceback.print_exception(error)

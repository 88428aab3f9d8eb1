"""The `constrain` command, and `python -m constrain`: what is missing is told like every other error."""

from __future__ import annotations

import sys

from constrain.errors import ConstrainError


def main() -> None:
    """Run the command line, where it is installed."""
    try:
        from constrain.engine import cli
    except ConstrainError as problem:
        print(f"error: {problem}", file=sys.stderr)  # noqa: T201 - the command's own output
        sys.exit(2)
    cli.main()


if __name__ == "__main__":
    main()

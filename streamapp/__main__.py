"""``python -m streamapp`` is the command ``streamapp``, which ends quietly also while it loads."""

from __future__ import annotations


def main() -> None:
    """Load and run the command line; Ctrl-C before a command took over is exit code 130."""
    try:
        from streamapp.cli import main as command_line  # noqa: PLC0415 - guarded as well

        command_line()
    except KeyboardInterrupt:
        raise SystemExit(130) from None


if __name__ == "__main__":
    main()

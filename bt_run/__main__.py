"""Run the command line with ``python -m bt_run``."""

from bt_run.cli.main import main

if __name__ == "__main__":
    main()

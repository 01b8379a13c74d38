"""``python -m sim`` is the ``shoal`` command."""

from sim.cli.app import main

if __name__ == "__main__":
    main()

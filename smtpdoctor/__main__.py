"""``python -m smtpdoctor``."""

from smtpdoctor.cli import main

if __name__ == "__main__":
    main()

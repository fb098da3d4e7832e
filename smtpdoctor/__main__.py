"""``python -m smtpdoctor``."""

from smtpdoctor.entry import main

if __name__ == "__main__":
    main()

"""`python -m scheduler` is `tocsin`."""

from scheduler.cli import main

main()

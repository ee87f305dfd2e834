"""What the launcher of the Flex Template runs: it puts the job together, submits it and ends."""

from armazem.beam.run import main

if __name__ == "__main__":
    raise SystemExit(main())

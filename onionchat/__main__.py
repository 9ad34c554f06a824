"""`python -m onionchat`: the command line."""

import sys

from onionchat.cli.main import main

sys.exit(main())

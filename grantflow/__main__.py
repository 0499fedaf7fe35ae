"""`python -m grantflow` is the `grantflow` command."""

import sys

from grantflow.cli import main

sys.exit(main())

"""`python -m torchtwin`."""

import sys

from torchtwin.cli import main

sys.exit(main())

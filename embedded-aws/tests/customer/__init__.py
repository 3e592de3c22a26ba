"""What a customer of AWS brings along: programs that train or serve, a shop, and measurements.

The folders are for processes that a test starts: they get the same code as the test, whether or
not it is installed.
"""

from pathlib import Path

import embedded_aws

CODE = str(Path(embedded_aws.__file__).parents[1])
TESTS = str(Path(__file__).parents[1])

"""What a customer of AWS brings along: programs that serve, and a shop that sells their answers.

The folders are for processes that a test starts: they get the same code as the test, whether or
not it is installed.
"""

from pathlib import Path

import embedded_aws

CODE = str(Path(embedded_aws.__file__).parents[1])
TESTS = str(Path(__file__).parents[1])

"""The reproducible engine behind the OGP Vital Signs: official files in, one DuckDB file out."""

import time

IMPORTED_AT = time.time()  # code that is edited later is not the code that runs

"""Files of private rows, opened without a word about what is in them.

What is public of a file: its name and format, its header, and whether all of it is a table of that format, in the
delimiter and encoding that were named. A file that is not gets one error with the same words, whatever is wrong and in
whichever row; nothing is charged or released then. A cell of a well-formed file never causes an error.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tabsynth.errors import DataError, UsageError
from tabsynth.tables.files import STANDARD_STREAM, detect_format, read_table
from tabsynth.tables.streams import require_file


def read_private(source: str | Path, *, delimiter: str | None = None, encoding: str = "utf-8") -> pd.DataFrame:
    """Read a table of private rows, which may have none. See `read_table`.

    Raises:
        DataError: There is no such file, or it is not as it should be: nothing is said of how.
        UsageError: An option is wrong.

    Privacy: Whether the file is well-formed shows; nothing else of its rows does.
    """
    require_file(source)
    detect_format(source)
    try:
        return read_table(source, delimiter=delimiter, encoding=encoding, allow_empty=True)
    except (UsageError, MemoryError):
        raise
    except Exception:  # whatever it is, its words could be about a row
        where = "standard input" if str(source) == STANDARD_STREAM else Path(source).name
        raise DataError(
            f"{where}: cannot be read as a table of its format with this delimiter and encoding. More is not said of "
            "private rows, as it could describe one; where you may see them, 'tabsynth validate' says what is wrong"
        ) from None

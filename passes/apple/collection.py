"""Several passes in one file, which a phone adds at once.

https://developer.apple.com/documentation/walletpasses/distributing-and-updating-a-pass
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence

MEDIA_TYPE = "application/vnd.apple.pkpasses"
MOST = 10  # or 150 MB, which ten passes of the portal's images stay below
_ZIP_TIME = (2020, 1, 1, 0, 0, 0)


def collect(passes: Sequence[bytes]) -> bytes:
    """The .pkpasses of up to ten signed .pkpass. Raises ValueError for more: phones take none of them then."""
    if len(passes) > MOST:
        raise ValueError(f"{len(passes)} passes are more than {MOST}.")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for number, data in enumerate(passes, 1):
            archive.writestr(zipfile.ZipInfo(f"pass{number}.pkpass", _ZIP_TIME), data)
    return out.getvalue()

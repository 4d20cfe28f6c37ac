"""How sure a share is that was counted on a few."""

from math import sqrt
from typing import Final

#: The standard normal's 97.5 % point: intervals of 95 %.
_Z: Final = 1.959964


def wilson(hits: float, of: int) -> tuple[float, float]:
    """The 95 % interval of Wilson for a share of ``hits`` among ``of``, within 0 to 1; all of that for none."""
    if not of:
        return 0.0, 1.0
    share, z2 = hits / of, _Z * _Z
    middle = share + z2 / (2 * of)
    reach = _Z * sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    low, high = (middle - reach) / (1 + z2 / of), (middle + reach) / (1 + z2 / of)
    return (0.0 if hits <= 0 else max(0.0, low)), (1.0 if hits >= of else min(1.0, high))

"""What a benchmark must reach, told plainly."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ops.bench.page import Page


class Target(NamedTuple):
    """A figure that must be ``at_least`` or ``at_most`` what is wanted, in ``unit``."""

    what: str
    measured: float
    at_least: float | None = None
    at_most: float | None = None
    unit: str = ""

    @property
    def met(self) -> bool:
        """Whether it is within both."""
        above = self.at_least is None or self.measured >= self.at_least
        return above and (self.at_most is None or self.measured <= self.at_most)

    @property
    def wanted(self) -> str:
        """The bounds in words."""
        bounds = (("≥", self.at_least), ("≤", self.at_most))
        return " ".join(
            f"{sign} {bound:g}{self.unit}" for sign, bound in bounds if bound is not None
        )


def tell(page: Page, targets: list[Target], heading: str = "Targets") -> None:
    """The table of the targets."""
    page.line(f"## {heading}")
    page.line("")
    page.table(
        ["", "wanted", "measured", ""],
        [
            [each.what, each.wanted, f"{each.measured:.3g}{each.unit}", verdict(each)]
            for each in targets
        ],
    )


def verdict(target: Target) -> str:
    """One word."""
    return "met" if target.met else "**missed**"

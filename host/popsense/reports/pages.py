"""The template engine: our templates only, everything escaped that is not our own markup."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from popsense.reports import decision, wording
from popsense.scoring import advice_text, measured_in, points_text, sum_text


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("popsense.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(template: str, **content: object) -> str:
    """The page of that template with that content, and our wording at hand."""
    page = _environment().get_template(template)
    words = {
        "advice_text": advice_text,
        "decision": decision,
        "measured_in": measured_in,
        "points_text": points_text,
        "sum_text": sum_text,
        "wording": wording,
    }
    return page.render(words, **content)

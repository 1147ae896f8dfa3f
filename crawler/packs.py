"""Use: which of the sources that are written down are read, by language, tier and tag.

Lives here: what `use:` of `sources.yaml` says, and which of its keys leaves a source out. Not here: the
section of a source (`sources`), what is wrong with a file (`scheduler.settings`).
"""

from typing import Annotated

from pydantic import Field

from config.reading import Keys
from crawler.sources import Source

Some = Field(min_length=1)  # an empty list would leave out everything, and look as if it left out nothing


class Use(Keys):
    """The `use:` part. A key that is left out narrows nothing down."""

    languages: Annotated[tuple[str, ...], Some] | None = None
    tiers: Annotated[tuple[int, ...], Some] | None = None
    tags: Annotated[tuple[str, ...], Some] | None = None  # of these, a source needs one
    without: Annotated[tuple[str, ...], Some] | None = None  # tags; of these, it may have none

    def leaves_out(self, source: Source) -> str | None:
        """The key by which a source is not read; None: it is, as far as this goes.

        What a source says of itself (`enabled:`) wins. One without a language may speak any.
        """
        if "enabled" in source.model_fields_set:
            return None
        if self.languages is not None and source.language not in (None, *self.languages):
            return "languages"
        if self.tiers is not None and source.tier not in self.tiers:
            return "tiers"
        if self.tags is not None and not set(self.tags) & set(source.tags):
            return "tags"
        if self.without is not None and set(self.without) & set(source.tags):
            return "without"
        return None

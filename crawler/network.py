"""Network: how we go out; the `network:` part of `daemon.yaml`.

Lives here: the keys and their defaults. Not here: what the address guard does with `allow` (`download`),
how many requests are under way (`crawl`).
"""

from ipaddress import IPv4Network, IPv6Network
from typing import Annotated

from pydantic import Field

from config.reading import Keys

PRODUCT = "tocsin"  # the token robots.txt files address us by, whatever `user_agent:` says
USER_AGENT = f"{PRODUCT}/0.1 (+https://github.com/tocsin/tocsin; set network.user_agent to your contact)"

AllowedNetwork = IPv4Network | IPv6Network


class Network(Keys):
    """What a person may turn about our way out."""

    allow: tuple[AllowedNetwork, ...] = ()  # private ranges let through, e.g. 127.0.0.0/8
    user_agent: Annotated[str, Field(min_length=1, max_length=400, pattern=r"^[\x20-\x7e]+$")] = USER_AGENT
    concurrency: Annotated[int, Field(ge=1, le=1000)] = 32
    per_host: Annotated[int, Field(ge=1, le=8)] = 1

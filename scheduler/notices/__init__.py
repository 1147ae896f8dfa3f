"""What the ops channel is told: which rows make a notice, said once, and its words.

    occasions   one notice for an occasion, however often it is asked for
    sources     sources that fail, and that are read again
    silent      sources that answer and have nothing new, against their rhythm; and that speak again
    channels    channels that a person has to mend; deliveries that were given up
    control     the control room: its token is refused, and taken again
    settings    a configuration that was refused
    alive       once a day: how things stand

A notice says what failed, where, and what to do next. What comes at once is one notice. Not here: how it is
delivered (the outbox, like every alert).
"""

from scheduler.notices.alive import tell_alive
from scheduler.notices.channels import tell_of_channels
from scheduler.notices.control import tell_of_control
from scheduler.notices.settings import tell_refused
from scheduler.notices.silent import Silent, find_silent, tell_of_silent, tell_of_speaking
from scheduler.notices.sources import tell_of_sources

__all__ = [
    "Silent",
    "find_silent",
    "tell_alive",
    "tell_of_channels",
    "tell_of_control",
    "tell_of_silent",
    "tell_of_sources",
    "tell_of_speaking",
    "tell_refused",
]

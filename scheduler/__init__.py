"""When things happen; the process. In reading order:

cli                  the command line; a family of commands is loaded when it is called
commands             what a person may ask, one family a file
terminal             what commands share: options, exit codes, printing
settings             the four files, together
clock                the one clock
rulebooks            the rules, ready for the doors
assembly             from settings to the parts that run
database             the engine and its migrations
jobs                 what ticks
sole                 one daemon for each data directory
daemon               start, tick, drain, stop
once                 one pass without a clock
status               how things stand
health, status_page  who may ask, and what they see
notices              what the ops channel is told
online               who answers, asked once
checking             what `tocsin check` finds
adopting             rules that passed come into force
golden               what it says of the marks
logs                 one line an event
demo                 the whole product on a built-in world
"""

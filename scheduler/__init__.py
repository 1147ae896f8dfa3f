"""When things happen; the process. In reading order:

cli                  the command line, put together
commands             what a person may ask, one family a file
terminal             what commands share: options, exit codes, printing
settings             the four files, together
assembly             from settings to the parts that run
database             the engine and its migrations
jobs                 what ticks
daemon               start, tick, drain, stop
once                 one pass without a clock
status               how things stand
health, status_page  who may ask, and what they see
notices              what the ops channel is told
checking             what `tocsin check` finds
adopting             rules that passed come into force
golden               what it says of the marks
logs                 one line an event
demo                 the whole product on a built-in world
"""

"""What may be turned, and which file to open.

- `sources.yaml`: what we read, and how often
- `watches.yaml`: what we look for
- `channels.yaml`: whom we tell
- `daemon.yaml`: the network, how long things are kept, how patient deliveries are
- `events.yaml`: by what articles on one event know each other
- `documents`, `values`, `reading`: such a file as plain values with lines, the spelling of durations and
  secrets, and the file as a model, with the exact place of every mistake

The files are for people to edit; what their keys mean is written where it is used (`crawler.sources`,
`alerts.watches`, `alerts.channels`, `alerts.features`, `scheduler.settings`).
"""

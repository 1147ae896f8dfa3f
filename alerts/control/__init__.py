"""The control room: what people ask of us from within Slack, and what is changed by it.

    requests     what is asked, what it would change, what is answered
    slash        how `/tocsin …` is spelled
    slack_forms  Slack's JSON, both ways
    permission   may this person do this here?
    phrasing     lines and times, short enough for a telephone
    querying     a query: search, and the form to try one
    answering    what is only asked: help, status, why, silences, stories
    acting       the door: what is changed, once, on record, and taken back
    attending    from a request to its answer
    speaking     answers, modals, members: the calls
    socket       the connection: acknowledged first, kept for ever

Only `speaking` knows Slack's SDK, only the forms know Slack's JSON. Not here: what the command line offers
(`scheduler.commands`), the buttons beneath a message (`alerts.buttons`, `notifiers.slack_buttons`).
"""

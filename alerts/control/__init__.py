"""The control room: what people ask of us from within Slack, and what is changed by it.

    requests     what is asked, what it would change, what is answered
    slash        how `/tocsin …` is spelled
    answering    what is only asked: why, status, search, try, stories, silences

Only the socket knows Slack's SDK, only the forms know Slack's JSON. Not here: what the command line offers
(`scheduler.commands`), the buttons beneath a message (`alerts.buttons`, `notifiers.slack_buttons`).
"""

"""From an article to a delivered message. In reading order:

text              how words are compared
operators, tokens, query  the language of a watch
routes            which channels are told of an article
watches           what is looked for
matching          all watches against one article, in one pass
evaluation        how good they are, on a labelled corpus
linting           what is probably not meant, as the past and the sources show it
marks             what a person says of an article, and how the rules fare by it
blaming           which words stand behind what is not relevant
stories           which event is it?
facts             what of an article could be news beside another
threads           what was told of a story, and who leads it
promotion         is a follow-up shown in the channel too?
shadows           what would be different if a rule in the shadow told?
silences          what shall stay quiet, and until when
floods            when a source brings too much at once, and when that is over
budget            has a rule told enough for a day?
alerting          the verdict, with its reason
ledger            the notebook of all that
beginnings        a root, the brief or the digest?
telling           from a verdict to root, reply and edit
rulebook          what the configuration says about all that
judging           what follows from the matches of an article
screen            the door from the archive to the outbox
channels          whom we tell
notifications     what they are told
outbox            the notebook of deliveries
notifiers         one room for each vendor
dispatch          the door from the outbox to Slack
quiet_hours       is it quiet in a channel, and until when?
digests           when a digest is due, what it says, and what a brief says
sum_up            the door from what was held to the outbox
wind_up           the door from what a silence or a flood held to the outbox
brief             the door from quiet hours to the outbox
catch_up          the door from the past to the outbox, on request
backtest          the door from the past to a forecast
forecast          how much rules would tell
search, trial     a query of the moment against the archive; what it would have told
explanation       why somebody was told, or not
regrouping        what a person corrects of the stories, and what is told for that
timeline          a story article by article
buttons           what may be pressed beneath a message
control           what people ask of us from within Slack
"""

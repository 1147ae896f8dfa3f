"""What a person may ask of Tocsin: one family of commands a file. In reading order:

running   run, once, demo
asking    check, why, evaluate, status
queries   a query of the moment against a text or the archive
backtests what rules would have told
watches   the watches and their rules; catching up on the past
sources   the sources and their health
silences  what stays quiet
marks     what is relevant
stories   articles on one event, and what a person corrects of them
preview   how the alerts of the last days look
dead      deliveries that were given up
"""

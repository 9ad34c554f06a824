"""The console: contacts, log, input, status line, on urwid and Twisted. Layer 9.

Vocabulary: the *backend* answers the methods of the local API; the *model* is what the console knows at the
moment; *rows* are what the log shows (messages, days, the new line); a *line* is a list of (style, text); a *screen*
is what can stand in front of the main view; the *desk* is what a `/` command may ask of the console.

The one rule: text that came from elsewhere reaches the terminal only through `render.py`, which makes it safe.
"""
